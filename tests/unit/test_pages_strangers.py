"""Whatever strangers may name or write - files, branches, authors, messages, titles - stays text on every page."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from tests.unit.pages_site import Site, site

SCRIPT = "<script>alert(1)</script>"
FILE = f"'\"><img src=x onerror=alert(1)>{SCRIPT.replace('/', '')}.md"
BRANCH = f"b'\"><img/onerror=alert(1)>{SCRIPT}"
REPOSITORY = "main/strange"
_TAG = re.compile(r"<(script|img|svg|iframe|a|button|input|form)\b[^>]*>", re.IGNORECASE)


@pytest.fixture(scope="module")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("strangers")) as found:
        found.repository(REPOSITORY, {"README.md": "# Fine\n"}, description=f"A {SCRIPT}\"'>")
        body = f'<a onclick="alert(1)">{SCRIPT}</a> [x](javascript:alert(1)) ![x](data:text/html,{SCRIPT})\n'
        someone = {"name": f"N{SCRIPT}\"'>", "email": "\"'><img src=x onerror=alert(1)>@x"}
        change = {"operation": "create", "path": FILE, "content": base64.b64encode(body.encode()).decode()}
        commit = {"files": [change], "message": f"T{SCRIPT}\"'>\n\nM{SCRIPT}", "branch": "main", "new_branch": BRANCH}
        found.api.call("POST", f"/repos/{REPOSITORY}/contents", {**commit, "author": someone, "committer": someone})
        pull = {"title": f"P{SCRIPT}\"'>", "head": BRANCH, "base": "main", "body": body}
        found.api.call("POST", f"/repos/{REPOSITORY}/pulls", pull)
        found.api.call("POST", f"/repos/{REPOSITORY}/issues/1/comments", {"body": f"<!-- gitops:plan -->\n{body}"})
        sha = found.api.call("GET", f"/repos/{REPOSITORY}/pulls/1")["head"]["sha"]
        status = {"context": f"C{SCRIPT}", "description": f"D{SCRIPT}\"'>", "state": "failure"}
        for at, target in enumerate(("javascript:alert(1)", "//evil.example", f'http://x/"onmouseover="{SCRIPT}')):
            values = {**status, "context": f"{at}{SCRIPT}", "target_url": target}
            found.api.call("POST", f"/repos/{REPOSITORY}/statuses/{sha}", values)
        variable = {"value": SCRIPT, "description": f"{SCRIPT}\"'>"}
        found.api.call("POST", f"/repos/{REPOSITORY}/actions/variables/EVIL", variable)
        yield found


def _places() -> list[str]:
    home, branch, file = f"/{REPOSITORY}", quote(BRANCH), quote(FILE, safe="")
    return [
        "/", "/pulls", "/explore/repos", f"/explore/repos?q={quote(SCRIPT)}", home, f"{home}/branches", "/main",
        f"{home}/src/branch/{branch}", f"{home}/src/branch/{branch}/{file}",
        f"{home}/src/branch/{branch}/{file}?display=source", f"{home}/commits/branch/{branch}",
        f"{home}/commits/branch/{branch}/{file}", f"{home}/compare/main...{branch}", f"{home}/pulls", f"{home}/pulls/1",
        f"{home}/pulls/1/commits", f"{home}/pulls/1/files", f"{home}/actions?workflow={quote(SCRIPT)}",
        f"{home}/settings", f"{home}/settings/actions/variables", f"/user/login?redirect_to={quote('/' + SCRIPT)}",
    ]  # fmt: skip


@pytest.mark.parametrize("path", _places())
def test_it_is_shown_and_does_nothing(forge: Site, path: str) -> None:
    answer = forge.admin().get(path)
    assert answer.status_code in {200, 303}
    assert SCRIPT not in answer.text
    for found in _TAG.finditer(answer.text):
        tag = found.group()
        assert not re.search(r"\son\w+\s*=", re.sub(r'"[^"]*"', '""', tag)), tag
        target = re.search(r'\b(?:href|src|action)="([^"]*)"', tag)
        if target:
            assert html.unescape(target.group(1)).startswith(("/", "?", "#", "http://x/")), tag
            assert not html.unescape(target.group(1)).startswith("//"), tag


def test_it_is_all_there_to_be_seen(forge: Site) -> None:
    """Escaped, not left out: otherwise the test above would prove nothing."""
    page = forge.admin().get(f"/{REPOSITORY}/pulls/1").text
    for words in ("P", "0", "D"):
        assert f"{words}&lt;script&gt;alert(1)&lt;/script&gt;" in page
    listing = forge.admin().get(f"/{REPOSITORY}/src/branch/{quote(BRANCH)}").text
    assert "&lt;img src=x onerror=alert(1)&gt;" in listing
    log = forge.admin().get(f"/{REPOSITORY}/commits/branch/{quote(BRANCH)}").text
    assert "T&lt;script&gt;" in log
    assert "Nscriptalert(1)" in log  # git itself takes the brackets out of a name
