"""``local/config.json``, the variables beside it, and what is refused."""

from __future__ import annotations

import json
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest

from harness.config import settings_file
from harness.config.settings import ProxmoxSettings, Settings
from harness.config.settings_file import load_settings
from harness.config.settings_keys import SETTINGS
from harness.kit.errors import ConfigurationError, Problem
from harness.kit.secret import Secret

ROOT = Path(__file__).parents[2]
HOST = {"host": "pve.lan", "password": "pw-of-root"}
FINGERPRINT = ":".join(["AB"] * 32)


def write(root: Path, content: Any, *, mode: int = 0o600) -> Path:
    path = root / settings_file.FILE
    path.parent.mkdir(exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content, indent=1))
    path.chmod(mode)
    return root


def problems(root: Path, content: Any, *, mode: int = 0o600) -> tuple[Problem, ...]:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(write(root, content, mode=mode), {})
    return caught.value.problems


def test_without_a_file_the_embedded_node_is_the_target(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, {})
    assert settings == Settings()
    assert settings.target == "embedded"


def test_the_template_copied_as_it_is_changes_nothing(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, (ROOT / settings_file.TEMPLATE).read_text()), {})
    assert settings.embedded_target
    assert (settings.proxmox, settings.embedded, settings.login) == (
        ProxmoxSettings(),
        Settings().embedded,
        Settings().login,
    )


def test_the_template_names_every_setting() -> None:
    content = json.loads((ROOT / settings_file.TEMPLATE).read_text())
    named = {f"{key}.{inner}" for key, value in content.items() if isinstance(value, dict) for inner in value}
    assert named | {key for key, value in content.items() if not isinstance(value, dict)} == set(SETTINGS)


def test_all_settings_become_values(tmp_path: Path) -> None:
    proxmox = {
        **HOST,
        "port": 443,
        "user": "ops@pve",
        "fingerprint": FINGERPRINT.lower().replace(":", ""),
        "node": ["alpha", "beta"],
        "gateway": "192.168.178.1",
        "mask": "22",
        "interface": "net0",
        "bridge": "vmbr1",
        "storage": "templates",
        "template": "debian-12-standard",
    }
    content = {"proxmox": proxmox, "login": "me", "password": "pw-of-mine", "cinc_mirror": "http://mirror.lan/cinc/"}
    settings = load_settings(write(tmp_path, content), {})
    assert settings.proxmox == ProxmoxSettings(
        host="pve.lan",
        port=443,
        user="ops@pve",
        password=Secret("pw-of-root"),
        fingerprint=FINGERPRINT,
        nodes=("alpha", "beta"),
        gateway=IPv4Address("192.168.178.1"),
        mask=22,
        interface="net0",
        bridge="vmbr1",
        storage="templates",
        template="debian-12-standard",
    )
    assert (settings.login, settings.password) == ("me", Secret("pw-of-mine"))
    assert settings.cinc_mirror == "http://mirror.lan/cinc"
    assert settings.target == "pve.lan-443"


@pytest.mark.parametrize("key", ["node", "nodes"])
@pytest.mark.parametrize("value", ["alpha, beta", ["alpha", "beta"]])
def test_nodes_are_a_list_or_a_text(tmp_path: Path, key: str, value: Any) -> None:
    settings = load_settings(write(tmp_path, {"proxmox": {**HOST, key: value}}), {})
    assert settings.proxmox.nodes == ("alpha", "beta")


def test_origins_are_lines_of_the_file(tmp_path: Path) -> None:
    text = '{\n  "login": "me",\n  "proxmox": {"host": "pve.lan",\n    "password":\n      "pw-of-root"}}\n'
    origins = load_settings(write(tmp_path, text), {}).origins
    assert {key: origin.line for key, origin in origins.items()} == {
        "login": 2,
        "proxmox.host": 3,
        "proxmox.password": 4,
    }


def test_a_variable_wins_over_the_file(tmp_path: Path) -> None:
    root = write(tmp_path, {"login": "me", "embedded": {"port": 8007}})
    settings = load_settings(root, {"GITOPS_LOGIN": "you", "GITOPS_EMBEDDED_PORT": "9006", "GITOPS_PASSWORD": ""})
    assert (settings.login, settings.embedded.port, settings.password) == ("you", 9006, None)
    assert str(settings.origins["login"]) == "environment GITOPS_LOGIN"


def test_a_wrong_variable_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(tmp_path, {"GITOPS_PROXMOX_PORT": "many"})
    assert "GITOPS_PROXMOX_PORT" in str(caught.value.problems[0])


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    (problem,) = problems(tmp_path, {"login": "me"}, mode=mode)
    assert problem.hint == "type: chmod 600 local/config.json"
    assert f"{mode:04o}" in problem.found


def test_a_syntax_error_is_given_with_its_line(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, '{\n  "login": "me",\n}\n')
    assert problem.place == "local/config.json:3"


@pytest.mark.parametrize("content", ["[]", '"text"', ""])
def test_what_is_no_object_is_refused(tmp_path: Path, content: str) -> None:
    assert problems(tmp_path, content)[0].line == 1


def test_unknown_settings_are_named_with_what_was_meant(tmp_path: Path) -> None:
    text = '{\n"proxmox": {\n"hots": "pve.lan"},\n"colour": "red",\n"embedded": 8006}'
    found = [(problem.line, problem.found, problem.hint) for problem in problems(tmp_path, text)]
    assert found == [
        (3, "proxmox.hots", "did you mean proxmox.host?"),
        (4, "colour", "docs/configuration.md lists all settings"),
        (5, "embedded", "write it as docs/configuration.md shows"),
    ]


NEWER = '{"login": "me", "colour": "red", "garden": {"gate": "open"}, "proxmox": {"hots": ""}}'
LEFT_OUT = [f"{key} is a setting that this version of the harness does not know: left out"
            for key in ("colour", "garden.gate", "proxmox.hots")]  # fmt: skip


def handed_over(directory: Path, text: str = NEWER) -> dict[str, str]:
    """The environment of a control plane's jobs whose settings say ``text``."""
    path = directory / "config.json"
    path.touch(mode=0o600)
    path.write_text(text)
    return {"GITOPS_CONFIG": str(path), "GITOPS_SHARE": str(directory)}


def test_settings_of_a_newer_harness_are_left_out_where_they_were_handed_over(tmp_path: Path) -> None:
    found = load_settings(tmp_path / "checkout", handed_over(tmp_path))
    assert found.login == "me"
    assert list(found.notes) == LEFT_OUT


def test_what_is_known_is_as_strict_where_it_was_handed_over(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load_settings(tmp_path, handed_over(tmp_path, '{"embedded": 8006, "proxmox": {"port": "many"}}'))
    assert len(refused.value.problems) == 2


def test_a_file_that_a_person_names_is_as_strict_as_ever(tmp_path: Path) -> None:
    environ = handed_over(tmp_path)
    for elsewhere in ({}, {"GITOPS_SHARE": str(tmp_path / "share")}):
        with pytest.raises(ConfigurationError):
            load_settings(tmp_path, {"GITOPS_CONFIG": environ["GITOPS_CONFIG"], **elsewhere})


def test_a_setting_given_twice_names_both_lines(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, '{\n"login": "a",\n"login": "b"}')
    assert (problem.line, problem.rule) == (3, "login is already set in line 2")


@pytest.mark.parametrize(
    ("key", "value", "hint"),
    [
        ("host", "https://pve.lan:8006", "the name alone, without https:// and without a path"),
        ("host", "pve.lan:8006", "the port has a setting of its own: proxmox.port"),
        ("host", 7, "write it in double quotes"),
        ("port", 0, "such as"),
        ("port", True, "such as"),
        ("port", 8006.5, "such as"),
        ("user", "root", "such as"),
        ("token", "root@pam!", "such as"),
        ("fingerprint", "AB:CD", "openssl x509"),
        ("gateway", "192.168.178", "Expected 4 octets"),
        ("mask", 31, "such as"),
        ("mask", "255.255.255.0", "such as"),
        ("node", [1], "write it in double quotes"),
        ("node", "pve 1", "such as"),
        ("bridge", "a very long name of a bridge", "such as"),
        ("storage", "/var/lib", "such as"),
    ],
)
def test_values_that_break_their_rule(tmp_path: Path, key: str, value: Any, hint: str) -> None:
    (problem,) = problems(tmp_path, {"proxmox": {"secret": "s3cret-of-ci", **HOST, key: value}})
    assert problem.found.startswith(f"proxmox.{key} is ")
    assert problem.rule == SETTINGS[f"proxmox.{key}"].rule
    assert hint in problem.hint


def test_a_wrong_secret_is_not_shown(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, {"password": "pw-of\nmine"})
    assert "mine" not in str(problem)


def test_a_host_needs_credentials(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, {"proxmox": {"host": "pve.lan"}})
    assert problem.found == "no credentials"


@pytest.mark.parametrize(("one", "other"), [("token", "secret"), ("secret", "token")])
def test_half_a_token_is_refused(tmp_path: Path, one: str, other: str) -> None:
    (problem,) = problems(tmp_path, {"proxmox": {"host": "pve.lan", one: "ci-of-root"}})
    assert problem.found == f"proxmox.{one} without proxmox.{other}"


def test_password_and_token_are_noted(tmp_path: Path) -> None:
    content = {"proxmox": {**HOST, "token": "root@pam!ci", "secret": "s3cret-of-ci"}}
    (note,) = load_settings(write(tmp_path, content), {}).notes
    assert "the password is used" in note


@pytest.mark.parametrize("gateway", ["192.168.178.0", "192.168.178.255"])
def test_a_gateway_is_a_host_address(tmp_path: Path, gateway: str) -> None:
    (problem,) = problems(tmp_path, {"proxmox": {**HOST, "gateway": gateway}})
    assert "192.168.178.0/24" in problem.rule


def test_everything_wrong_is_told_at_once(tmp_path: Path) -> None:
    content = {"proxmox": {"host": "a:1", "port": 0, "colour": 1}, "login": "Big"}
    assert len(problems(tmp_path, content, mode=0o644)) == 6


def test_every_problem_carries_a_hint(tmp_path: Path) -> None:
    content = {"proxmox": {**HOST, "port": 0, "gateway": "10.0.0.0", "x": 1}, "login": "Big", "password": 3}
    assert [str(problem) for problem in problems(tmp_path, content, mode=0o644) if not problem.hint] == []


def test_without_a_host_what_belongs_to_one_is_the_embedded_nodes_own(tmp_path: Path) -> None:
    content = {"proxmox": {"node": "alpha", "bridge": "vmbr7", "storage": "big", "mask": 20, "user": "ops@pve"}}
    settings = load_settings(write(tmp_path, content), {})
    assert settings.proxmox == ProxmoxSettings(mask=20)
    assert set(settings.origins) == {"proxmox.mask"}


def test_an_embedded_node_of_its_own_forgets_the_host(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, {"proxmox": {**HOST, "gateway": "192.168.1.1"}, "login": "me"}), {})
    own = settings.on_embedded_node(port=9100, name="test-1")
    assert own.target == "embedded"
    assert own.proxmox == ProxmoxSettings(gateway=IPv4Address("192.168.1.1"))
    assert (own.embedded.port, own.embedded.name, own.login) == (9100, "test-1", "me")


def test_a_target_is_a_directory_name(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, {"proxmox": {**HOST, "host": "fd00::1"}}), {})
    assert settings.target == "fd00__1-8006"


@pytest.mark.parametrize("value", ["", None, []])
def test_an_empty_value_is_not_set(tmp_path: Path, value: Any) -> None:
    settings = load_settings(write(tmp_path, {"proxmox": {"host": value}, "login": value or ""}), {})
    assert settings == Settings(file=tmp_path / settings_file.FILE)


def test_gitea_is_run_only_with_the_digests_of_its_releases(tmp_path: Path) -> None:
    found = problems(tmp_path, {"forge": "gitea", "gitea": {"sha256": "a" * 64}})
    assert [(problem.line, problem.found) for problem in found] == [(2, "no gitea.runner_sha256")]


def test_a_digest_stands_alone_or_in_a_list_and_is_64_digits(tmp_path: Path) -> None:
    gitea = {"sha256": "A" * 64, "runner_sha256": ["b" * 64, "c" * 64]}
    settings = load_settings(write(tmp_path, {"forge": "gitea", "gitea": gitea}), {})
    assert (settings.forge, settings.gitea.sha256) == ("gitea", ("a" * 64,))
    assert settings.gitea.runner_sha256 == ("b" * 64, "c" * 64)
    (problem,) = problems(tmp_path, {"gitea": {"sha256": "a" * 40}})
    assert ".sha256 file" in str(problem)


def test_a_forge_of_another_kind_is_refused(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, {"forge": "forgejo"})
    assert "embedded or gitea" in str(problem)
