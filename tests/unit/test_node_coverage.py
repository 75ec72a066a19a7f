"""What the node answers: every call of both releases has a handler, or is listed in the docs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import requests

from harness.embedded.node import fixture, roles, routes, routing
from harness.embedded.node.grammar import schema

DOCS = Path(__file__).parents[2] / "docs" / "embedded-node.md"


def documented() -> set[str]:
    part = DOCS.read_text().partition("<!-- not implemented -->")[2].partition("<!-- end -->")[0]
    return set(re.findall(r"^- `(.+)`$", part, re.MULTILINE))


@pytest.mark.parametrize("release", schema.RELEASES)
def test_what_is_not_implemented_is_in_the_docs(release: str) -> None:
    routes.load()
    missing = set(schema.load(release).endpoints) - routing.implemented()
    assert {f"{method} {path}" for method, path in missing} <= documented()


def test_the_docs_list_nothing_that_is_there() -> None:
    routes.load()
    assert not {f"{method} {path}" for method, path in routing.implemented()} & documented()


def test_handlers_are_for_calls_that_exist() -> None:
    routes.load()
    known = {call for release in schema.RELEASES for call in schema.load(release).endpoints}
    assert routing.implemented() - known == set()


@pytest.mark.parametrize(("release", "version"), [("9.2", "9.2.11"), ("8.4", "8.4.5")])
def test_a_release_speaks_as_itself(release: str, version: str) -> None:
    options = fixture.Options(release=release, login_delay=0.0)
    with fixture.serve(options=options) as served:
        form = {"username": "root@pam", "password": served.password.reveal()}
        trust = str(served.certificate)
        session = requests.Session()
        session.trust_env = False
        data = session.post(f"{served.url}/api2/json/access/ticket", data=form, verify=trust).json()["data"]
        session.cookies.set("PVEAuthCookie", data["ticket"])
        found = session.get(f"{served.url}/api2/json/version", verify=trust).json()["data"]
        groups = session.get(f"{served.url}/api2/json/cluster/ha/groups", verify=trust).status_code
        session.close()
    assert (found["version"], found["release"]) == (version, release)
    assert ("VM.Monitor" in data["cap"]["vms"]) == (release == "8.4")
    assert groups == (200 if release == "8.4" else 500)


def test_the_monitor_privilege_is_gone_in_9() -> None:
    assert "VM.Monitor" in roles.all_privileges("8.4")
    assert "VM.Monitor" not in roles.all_privileges("9.2")
