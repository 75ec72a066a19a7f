"""Parameters against the schema: every fault at once, in the known words."""

from __future__ import annotations

import pytest

from harness.embedded.node.grammar import schema, verify

CREATE = schema.load("9.2").endpoints["POST", "/nodes/{node}/lxc"]
NEEDED = {"node": "pve", "vmid": "110", "ostemplate": "local:vztmpl/x.tar.zst"}


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("memory", "8", "value must have a minimum value of 16"),
        ("memory", "512.5", "type check ('integer') failed - got '512.5'"),
        ("memory", " 512", "type check ('integer') failed - got ' 512'"),
        ("cores", "8193", "value must have a maximum value of 8192"),
        ("onboot", "yes", "type check ('boolean') failed - got 'yes'"),
        ("onboot", "2", "type check ('boolean') failed - got '2'"),
        ("hostname", "a" * 256, "value may only be 255 characters long"),
        ("password", "abcd", "value must be at least 5 characters long"),
        ("net32", "name=eth0", verify.UNDEFINED),
        (
            "features",
            "nesting=2",
            "invalid format - format error\nfeatures.nesting: type check ('boolean') failed - got '2'\n",
        ),
        ("unprivileged", ["1"], "type check ('boolean') failed - got ARRAY"),
    ],
)
def test_one_fault(name: str, value: object, fault: str) -> None:
    assert CREATE.faults({**NEEDED, name: value}) == {name: fault}


def test_all_faults_are_told_at_once() -> None:
    faults = CREATE.faults({"node": "pve", "memory": "x", "hostname": "a_b", "foo": "1"})
    assert faults.keys() == {"memory", "hostname", "foo", "vmid", "ostemplate"}
    assert faults["vmid"] == verify.MISSING


def test_a_parameter_may_require_another() -> None:
    endpoint = schema.load("9.2").endpoints["POST", "/nodes/{node}/storage/{storage}/download-url"]
    given = {
        "node": "pve",
        "storage": "local",
        "url": "http://x/y",
        "content": "iso",
        "filename": "x.iso",
        "checksum": "0",
    }
    assert endpoint.faults(given) == {"checksum-algorithm": "missing property required by 'checksum'"}


def test_a_parameter_without_value_is_as_good_as_absent() -> None:
    assert CREATE.faults({**NEEDED, "memory": None}) == {}
    assert CREATE.faults({**NEEDED, "vmid": None}) == {"vmid": verify.MISSING}


def test_numbered_parameters_are_written_out() -> None:
    assert {"net0", "net31", "mp255", "dev255", "unused255"} <= CREATE.rules.keys()
    assert "net32" not in CREATE.rules


@pytest.mark.parametrize("release", schema.RELEASES)
def test_every_expression_of_a_schema_is_understood(release: str) -> None:
    for endpoint in schema.load(release).endpoints.values():
        for rule in endpoint.rules.values():
            forms = [rule, *(rule["format"].values() if isinstance(rule.get("format"), dict) else [])]
            for form in forms:
                if form.get("pattern"):
                    assert verify.compile_perl(form["pattern"])


def test_a_volume_id_with_slashes_is_the_end_of_its_path() -> None:
    found = schema.load("9.2").find("GET", "/nodes/pve/storage/local/content/local:vztmpl/x.tar.zst")
    assert found is not None
    assert found[1] == {"node": "pve", "storage": "local", "volume": "local:vztmpl/x.tar.zst"}
