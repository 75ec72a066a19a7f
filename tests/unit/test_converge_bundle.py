"""What travels to the container."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from harness.converge import bundle
from harness.converge import cookbook as cookbooks
from harness.converge.cookbook import Cookbook
from harness.kit.secret import Secret

WORD = "a-word-nobody-knows"

HELPERS = Path(__file__).parents[2] / cookbooks.HELPERS


@pytest.fixture
def cookbook(tmp_path: Path) -> Cookbook:
    for name in ("recipes/default.rb", "templates/a.erb", "specs/test_a.py", "config.env", "config.local.env"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
    return Cookbook("web", tmp_path, HELPERS)


def unpack(data: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {entry.name: entry for entry in tar}


def read(data: bytes, name: str) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        stream = tar.extractfile(name)
        assert stream is not None
        return stream.read()


def test_everything_is_private(cookbook: Cookbook) -> None:
    for entry in unpack(bundle.pack(cookbook, {}, engine="itamae")).values():
        assert entry.mode == (0o700 if entry.isdir() else 0o600)
        assert (entry.uid, entry.gid) == (0, 0)


def test_the_cookbook_goes_along_but_not_its_configuration_and_specs(cookbook: Cookbook) -> None:
    names = set(unpack(bundle.pack(cookbook, {}, engine="itamae")))
    assert {"cookbooks/web/recipes/default.rb", "cookbooks/web/templates/a.erb", "cookbooks/web/metadata.rb"} <= names
    assert not [name for name in names if "specs" in name or ".env" in name]


def test_helper_modules_and_only_the_engines_own_layer_go_along(cookbook: Cookbook) -> None:
    names = set(unpack(bundle.pack(cookbook, {}, engine="cinc", files={"cinc.version": b"1"})))
    assert {"libraries/common.rb", "libraries/env.rb", "cinc/client.rb", "cinc.version", "run.sh"} <= names
    assert not [name for name in names if name.startswith("itamae/")]


def test_secrets_are_revealed_in_the_attributes_file_alone(cookbook: Cookbook) -> None:
    attributes = {"login": "admin", "password": Secret(WORD), "web": {"keys": (Secret(WORD), 1)}}
    data = bundle.pack(cookbook, attributes, engine="itamae")
    holders = [name for name, entry in unpack(data).items() if entry.isfile() and WORD.encode() in read(data, name)]
    assert holders == ["attributes.json"]
    assert json.loads(read(data, "attributes.json"))["web"] == {"keys": [WORD, 1]}


def test_the_same_input_gives_the_same_bytes(cookbook: Cookbook) -> None:
    assert bundle.pack(cookbook, {}, engine="itamae") == bundle.pack(cookbook, {}, engine="itamae")
