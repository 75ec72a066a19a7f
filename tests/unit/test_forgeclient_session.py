"""The client's session: what is sent, what is tried again, what failures mean. A transport stands for the forge."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import requests
from requests.adapters import BaseAdapter

from harness.forge import branches, comments, organisations, pulls, repositories, statuses, users, variables
from harness.forge.client import Address, Forge, Login
from harness.forge.errors import Conflict, ForgeError, ForgeUnreachable, LoginRefused, MergeRefused, NotFound
from harness.forge.session import open_session
from harness.forge.variables import Scope
from harness.kit.clock import Deadline
from harness.kit.secret import Secret
from tests.samples import FakeClock

Handler = Callable[[requests.PreparedRequest], Any]


class Transport(BaseAdapter):
    """Answers from a list of replies, each ``(status, body)``, a broken connection, or a function of the request."""

    def __init__(self, replies: list[Any]) -> None:
        super().__init__()
        self.replies = replies
        self.sent: list[requests.PreparedRequest] = []

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        self.sent.append(request)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, Exception):
            raise reply
        status, body, *headers = reply(request) if callable(reply) else reply
        response = requests.Response()
        response.status_code = status
        response.request = request
        response.url = request.url or ""
        response.reason = "Reason"
        response.headers.update(headers[0] if headers else {})
        response._content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        return response

    def close(self) -> None:
        pass


def forge(*replies: Any, login: Login | None = None) -> tuple[Forge, Transport, FakeClock]:
    address, transport, clock = Address("http://forge.example:8080/"), Transport(list(replies)), FakeClock()
    who = login or Login("ann", Secret("correct-horse"))
    session = open_session(address, who)
    session.mount("http://", transport)
    return Forge(address, who, session=session, clock=clock), transport, clock


BROKEN = requests.ConnectionError("gone")


def test_a_password_goes_as_basic_and_a_token_as_token() -> None:
    with_password, sent, _ = forge((200, {"version": "1.26.0"}))
    assert with_password.version == "1.26.0"
    assert sent.sent[0].headers["Authorization"] == "Basic YW5uOmNvcnJlY3QtaG9yc2U="
    assert sent.sent[0].url == "http://forge.example:8080/api/v1/version"
    with_token, sent, _ = forge((200, {}), login=Login("ann", token=Secret("t0ken")))
    with_token.get("user")
    assert sent.sent[0].headers["Authorization"] == "token t0ken"


def test_logins_of_the_machine_are_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    (tmp_path / "netrc").write_text("machine forge.example login eve password other\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    client, sent, _ = forge((200, {}))
    client.get("user")
    assert sent.sent[0].headers["Authorization"].startswith("Basic YW5u")


def test_certificates_are_checked_always() -> None:
    assert open_session(Address("https://x"), None).verify is True


def test_a_get_is_tried_again_and_a_write_is_not() -> None:
    client, sent, clock = forge(BROKEN, (503, None), (200, {"login": "ann"}))
    assert client.get("user") == {"login": "ann"}
    assert (len(sent.sent), len(clock.pauses)) == (3, 2)
    client, sent, _ = forge(BROKEN)
    with pytest.raises(ForgeUnreachable, match=r"forge\.example"):
        client.post("orgs", {"username": "x"})
    assert len(sent.sent) == 1


@pytest.mark.parametrize(
    ("status", "kind"), [(404, NotFound), (409, Conflict), (401, LoginRefused), (403, ForgeError), (500, ForgeError)]
)
def test_refusals_carry_the_forges_own_words(status: int, kind: type[Exception]) -> None:
    client, _, _ = forge((status, {"message": "GetOrgByName", "errors": ["no such org"], "url": "x"}))
    with pytest.raises(kind, match="GetOrgByName; no such org"):
        client.post("orgs", {})


def test_an_answer_that_is_a_page_is_told_by_its_status() -> None:
    client, _, _ = forge((502, b"<html>bad gateway</html>"))
    with pytest.raises(ForgeError, match=r"Reason \(502\)"):
        client.get("user")


def test_secrets_do_not_show_in_errors() -> None:
    client, _, _ = forge((401, {"message": "invalid username, password or token"}))
    with pytest.raises(LoginRefused) as caught:
        client.get("user")
    assert "correct-horse" not in repr(caught.value) + str(caught.value.detail)


def test_lists_are_read_to_their_end_by_total_and_without() -> None:
    def page(request: requests.PreparedRequest) -> Any:
        number = int((request.url or "").partition("page=")[2].partition("&")[0])
        entries = [{"full_name": f"main/r{index}"} for index in range(120)][(number - 1) * 30 : number * 30]
        return 200, entries, {"X-Total-Count": "120"}  # a forge that gives 30 where 50 were asked

    client, sent, _ = forge(page)
    assert len(organisations.repositories(client, "main")) == 120
    assert len(sent.sent) == 4
    client, sent, _ = forge((200, [{"login": f"u{index}"} for index in range(50)]), (200, [{"login": "last"}]))
    assert len(organisations.members(client, "main")) == 51
    client, _, _ = forge((200, b"null"))
    assert branches.heads(client, "main/empty") == {}


def test_names_cannot_leave_their_place_in_a_path() -> None:
    client, sent, _ = forge((404, {"message": "not found"}))
    assert organisations.exists(client, "../admin?x=") is False
    assert sent.sent[0].path_url == "/api/v1/orgs/..%2Fadmin%3Fx%3D"


# Pull requests


def pull(**changes: Any) -> dict[str, Any]:
    side = {"ref": "main", "sha": "1" * 40, "repo": {"full_name": "main/config"}}
    base = {"number": 1, "title": "t", "state": "open", "mergeable": False, "merged": False}
    return {**base, "base": {**side, "ref": "release"}, "head": side, **changes}


def test_merging_waits_while_the_forge_finds_out() -> None:
    later = (405, {"message": "Please try again later"})
    client, sent, clock = forge(later, later, (200, None), (200, pull(state="closed", merged=True)))
    merged = pulls.merge(client, "main/config", 1, Deadline(10, clock), head_sha="1" * 40)
    assert merged.merged
    assert json.loads(sent.sent[0].body or b"") == {"Do": "merge", "head_commit_id": "1" * 40}


def test_a_merge_that_is_refused_says_why() -> None:
    client, _, clock = forge((405, {"message": "The PR is already merged"}))
    with pytest.raises(MergeRefused, match="already merged"):
        pulls.merge(client, "main/config", 1, Deadline(10, clock))
    client, _, clock = forge((405, {"message": "Please try again later"}))
    with pytest.raises(MergeRefused, match="conflicts"):
        pulls.merge(client, "main/config", 1, Deadline(1, clock))
    client, _, clock = forge((409, {"message": "head out of date"}))
    with pytest.raises(Conflict, match="out of date"):
        pulls.merge(client, "main/config", 1, Deadline(1, clock), head_sha="2" * 40)


def test_waiting_for_a_pull_request_ends_when_it_is_closed_or_cannot_be_merged() -> None:
    client, _, clock = forge((200, pull()), (200, pull(mergeable=True)))
    assert pulls.wait_mergeable(client, "main/config", 1, Deadline(5, clock)).mergeable
    client, _, clock = forge((200, pull(state="closed")))
    with pytest.raises(MergeRefused, match="closed"):
        pulls.wait_mergeable(client, "main/config", 1, Deadline(5, clock))
    client, _, clock = forge((200, pull()))
    with pytest.raises(MergeRefused, match="conflicts"):
        pulls.wait_mergeable(client, "main/config", 1, Deadline(1, clock))


def test_an_open_pull_request_is_found_by_its_sides() -> None:
    fork = {"ref": "main", "sha": "2" * 40, "repo": {"full_name": "stage/config"}}
    listed = [pull(number=2, head=fork), pull(number=1)]
    client, _, _ = forge((200, listed))
    assert pulls.find_open(client, "main/config", base="release", head="main") == pulls.Pull.of(listed[1])
    assert pulls.find_open(client, "main/config", base="release", head="stage:main") == pulls.Pull.of(listed[0])
    assert pulls.find_open(client, "main/config", base="main", head="main") is None


# What is kept up to date


def comment(number: int, author: str, body: str) -> dict[str, Any]:
    return {"id": number, "user": {"login": author}, "body": body}


def test_a_comment_is_written_once_rewritten_when_it_differs_and_left_when_it_does_not() -> None:
    text = comments.mark("plan") + "\n1 to change"
    client, sent, _ = forge((200, []), (201, comment(1, "ann", text)))
    assert comments.keep(client, "main/config", 1, "plan", "1 to change").id == 1
    assert sent.sent[-1].method == "POST"
    client, sent, _ = forge((200, [comment(1, "ann", text)]), (200, comment(1, "ann", "new")))
    comments.keep(client, "main/config", 1, "plan", "none")
    assert (sent.sent[-1].method, sent.sent[-1].path_url) == ("PATCH", "/api/v1/repos/main/config/issues/comments/1")
    client, sent, _ = forge((200, [comment(1, "ann", text)]))
    comments.keep(client, "main/config", 1, "plan", "1 to change")
    assert [request.method for request in sent.sent] == ["GET"]


def test_a_comment_of_somebody_else_with_our_mark_is_not_ours() -> None:
    text = comments.mark("plan") + "\nnothing to see"
    client, sent, _ = forge((200, [comment(1, "eve", text)]), (201, comment(2, "ann", "x")))
    assert comments.keep(client, "main/config", 1, "plan", "1 to change").id == 2
    assert sent.sent[-1].method == "POST"


def test_a_comment_that_two_jobs_wrote_is_one_again() -> None:
    text = comments.mark("plan") + "\nx"
    client, sent, _ = forge((200, [comment(1, "ann", text), comment(2, "ann", text)]), (204, None))
    comments.keep(client, "main/config", 1, "plan", "x")
    assert [(request.method, request.path_url[-2:]) for request in sent.sent[1:]] == [("DELETE", "/2")]


def test_a_variable_is_set_whether_it_is_new_or_not() -> None:
    missing = (404, {"message": "variable not found"})
    client, sent, _ = forge(missing, (201, None))
    variables.put(client, Scope.organisation("stage"), "LOGIN", "ann")
    assert [request.method for request in sent.sent] == ["PUT", "POST"]
    client, sent, _ = forge(missing, (409, {"message": "exists"}), (204, None))
    variables.put(client, Scope.repository("main/broker"), "LOGIN", "ann")
    assert sent.sent[-1].path_url == "/api/v1/repos/main/broker/actions/variables/LOGIN"


def test_a_status_says_no_more_than_a_line() -> None:
    client, sent, _ = forge((201, {"context": "plan", "status": "success"}))
    statuses.report(client, "main/config", "1" * 40, "plan", "success", description="x" * 400)
    assert len(json.loads(sent.sent[0].body or b"")["description"]) == 255


def test_making_what_is_there_already_is_fine() -> None:
    taken = (422, {"message": "user already exists"})
    client, _, _ = forge((404, {"message": "no"}), taken, (200, {"login": "gitops"}))
    assert users.ensure(client, "gitops", Secret("pass-word"), email="x@y") is False
    client, _, _ = forge((404, {"message": "no"}), taken, (404, {"message": "no"}))
    with pytest.raises(ForgeError):
        organisations.ensure(client, "main")


def test_a_new_token_replaces_the_one_of_its_name() -> None:
    token = {"name": "ci", "scopes": ["all"]}
    client, sent, _ = forge((200, [{**token, "sha1": ""}]), (204, None), (201, {**token, "sha1": "0123456789"}))
    assert users.create_token(client, "gitops", "ci", ["all"]).reveal() == "0123456789"
    assert [request.method for request in sent.sent] == ["GET", "DELETE", "POST"]


def test_a_file_that_is_not_there_is_none() -> None:
    client, _, _ = forge((404, {"message": "not found"}))
    assert repositories.read(client, "main/config", "a b/c", "main") is None


def test_a_forge_without_rules_for_branches_is_no_error() -> None:
    client, _, _ = forge((404, b"404 page not found\n"))
    assert branches.protect(client, "main/config", "release") is False
    client, _, _ = forge((403, {"message": "Branch protection already exist"}))
    assert branches.protect(client, "main/config", "release") is True
