"""The reference page, the tables it is made of, and the code that reads by them are one."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from harness.config import reference
from harness.config.keys import KEYS, Key
from harness.config.settings import ControlPlaneSettings, EmbeddedSettings, GiteaSettings, ProxmoxSettings, Settings
from harness.config.settings_keys import SETTINGS
from harness.inventory.fields import CONVERTERS

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"


def test_the_committed_page_is_what_the_code_renders() -> None:
    assert PAGE.read_text() == reference.render(), "write it anew: python -m harness.config.reference > docs/…"


def test_every_key_has_a_converter() -> None:
    assert set(CONVERTERS) == set(KEYS)


@pytest.mark.parametrize("key", KEYS.values(), ids=lambda key: key.name)
def test_the_example_and_the_default_of_a_key_are_valid(key: Key) -> None:
    CONVERTERS[key.name](key.example)
    if key.default is not None:
        CONVERTERS[key.name](key.default)
    assert key.required or key.default is not None or key.default_setting in SETTINGS


def test_every_setting_has_a_field_and_every_field_a_setting() -> None:
    fields = {f"proxmox.{field.name}" for field in dataclasses.fields(ProxmoxSettings)} - {"proxmox.nodes"}
    fields |= {"proxmox.node"} | {f"embedded.{field.name}" for field in dataclasses.fields(EmbeddedSettings)}
    fields |= {f"control_plane.{field.name}" for field in dataclasses.fields(ControlPlaneSettings)}
    fields |= {f"gitea.{field.name}" for field in dataclasses.fields(GiteaSettings)}
    own = {"proxmox", "embedded", "control_plane", "gitea", "file", "origins", "notes"}
    fields |= {field.name for field in dataclasses.fields(Settings)} - own
    assert fields == set(SETTINGS)


def test_the_defaults_on_the_page_are_the_defaults_of_the_code() -> None:
    settings = Settings()
    for name, setting in SETTINGS.items():
        if setting.default.startswith("`") and name != "proxmox.node":
            section, _, field = name.rpartition(".")
            holder = getattr(settings, section) if section else settings
            assert setting.default == f"`{getattr(holder, field)}`"


def test_secrets_are_declared_secret() -> None:
    assert {name for name, setting in SETTINGS.items() if setting.secret} == {
        "password",
        "proxmox.password",
        "proxmox.secret",
    }
