"""The forge when something is wrong: a clear refusal, and nothing that was there is lost."""

from __future__ import annotations

import hmac
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from harness.embedded.forge.store.database import Database
from harness.forge import branches, comments, hooks, pulls, repositories, statuses, users
from harness.forge.client import Forge
from harness.forge.errors import ForgeError, LoginRefused, MergeRefused
from harness.kit.clock import Deadline, wait_until
from harness.kit.errors import ExitCode
from harness.kit.secret import Secret
from harness.lifecycle.seeding.accounts import service_login
from tests.contract.seeding_world import World, git, world, write

PAGES = 700
"""What the forge's database may grow to, in pages of 4 KiB, where its disk is small."""


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A seeded forge."""
    with world(tmp_path_factory.mktemp("faults")) as made:
        made.seed()
        yield made


def repository(here: World) -> str:
    """A new repository with one commit on main."""
    name = f"r{secrets.token_hex(4)}"
    repositories.create(here.forge, "tasks", name, description="for a test")
    place = write(here.path / name, {"README.md": "# r\n", "shared.txt": "one\n"})
    git(place, "init", "-q", "-b", "main")
    git(place, "add", "-A")
    git(place, "commit", "-qm", "first")
    git(place, "push", "-q", here.url(f"tasks/{name}"), "main")
    return f"tasks/{name}"


def proposed(here: World, slug: str, branch: str, files: dict[str, str]) -> int:
    """A pull request with ``files``, found to be mergeable."""
    branches.create(here.forge, slug, branch, start="main")
    here.push(slug, files, branch)
    number = pulls.create(here.forge, slug, base="main", head=branch, title=branch).number
    pulls.wait_mergeable(here.forge, slug, number, Deadline(60))
    return number


def merged_at_once(here: World, slug: str, numbers: list[int]) -> list[str]:
    """Merge several pull requests at the same moment; each one's refusal, empty where it was merged."""
    gate = threading.Barrier(len(numbers))

    def merge(number: int) -> str:
        gate.wait(60)
        try:
            pulls.merge(here.forge, slug, number, Deadline(60))
        except MergeRefused as refused:
            return refused.message
        return ""

    with ThreadPoolExecutor(len(numbers)) as pool:
        return list(pool.map(merge, numbers))


def test_pull_requests_merged_at_once_all_land(here: World) -> None:
    slug = repository(here)
    numbers = [proposed(here, slug, f"b{count}", {f"{count}.txt": "new\n"}) for count in range(4)]
    assert merged_at_once(here, slug, numbers) == [""] * 4
    assert {f"{count}.txt" for count in range(4)} <= here.show(slug).keys()
    assert all(pulls.get(here.forge, slug, number).merged for number in numbers)


def test_of_two_that_contradict_each_other_one_lands_and_the_other_is_refused(here: World) -> None:
    slug = repository(here)
    numbers = [proposed(here, slug, name, {"shared.txt": f"{name}\n"}) for name in ("left", "right")]
    refusals = merged_at_once(here, slug, numbers)
    assert sorted(map(bool, refusals)) == [False, True]
    landed = ("left", "right")[refusals.index("")]
    assert here.show(slug)["shared.txt"] == landed
    late = pulls.get(here.forge, slug, numbers[1 - refusals.index("")])
    assert (late.merged, late.open) == (False, True)


def test_a_token_that_was_taken_back_is_named_as_the_cause_and_a_new_one_works(here: World) -> None:
    slug = repository(here)
    login = service_login(here.admin, name="robot", title="soon gone")
    robot = Forge(here.forge.address, login)
    assert users.me(robot).login == "robot"
    users.delete_token(here.admin, "robot", "soon gone")
    with pytest.raises(LoginRefused) as caught:
        statuses.report(robot, slug, here.head(slug), "a/b", "success")
    assert caught.value.exit_code is ExitCode.UNREACHABLE
    assert login.token is not None
    assert login.token.reveal() not in f"{caught.value} {caught.value.hint}"
    assert "robot" in f"{caught.value}"
    fresh = Forge(here.forge.address, service_login(here.admin, name="robot", title="soon gone"))
    assert users.me(fresh).login == "robot"
    robot.close()
    fresh.close()


@dataclass
class Receiver:
    """Takes deliveries that are signed with ``secret`` and refuses all others."""

    secret: str
    url: str = ""
    answers: list[int] = field(default_factory=list)

    def judge(self, body: bytes, signature: str) -> int:
        """204, or 401 for what somebody else may have sent."""
        wanted = hmac.new(self.secret.encode(), body, "sha256").hexdigest()
        self.answers.append(204 if hmac.compare_digest(wanted, signature) else 401)
        return self.answers[-1]


@contextmanager
def receiving(secret: str) -> Iterator[Receiver]:
    """A receiver on loopback."""
    found = Receiver(secret)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(found.judge(body, self.headers.get("X-Gitea-Signature", "")))
            self.end_headers()

        def log_message(self, *_words: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        found.url = f"http://127.0.0.1:{server.server_port}/"
        yield found
        server.shutdown()


def test_a_webhook_signed_with_another_secret_is_known_by_its_signature(here: World) -> None:
    slug = repository(here)
    with receiving("agreed upon") as receiver:
        hooks.ensure(here.forge, slug, receiver.url, ["push"], Secret("made up"))
        here.push(slug, {"README.md": "# two\n"})
        wait_until(lambda: receiver.answers, Deadline(60), "the delivery")
        assert receiver.answers == [401]
        for hook in hooks.listed(here.forge, slug):
            hooks.delete(here.forge, slug, hook.id)
        hooks.ensure(here.forge, slug, receiver.url, ["push"], Secret("agreed upon"))
        here.push(slug, {"README.md": "# three\n"})
        wait_until(lambda: len(receiver.answers) > 1, Deadline(60), "the delivery")
        assert receiver.answers == [401, 204]


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A forge whose database finds its disk full at some point, as SQLite itself says it."""
    opened = Database._open

    def limited(self: Database) -> sqlite3.Connection:
        connection = opened(self)
        connection.execute(f"PRAGMA max_page_count = {PAGES}")
        return connection

    monkeypatch.setattr(Database, "_open", limited)
    with world(tmp_path) as made:
        yield made


def fill(small: World, slug: str, number: int) -> tuple[list[int], ForgeError]:
    """Comment until the forge refuses: the comments that it took, and its refusal."""
    kept: list[int] = []
    try:
        while len(kept) < PAGES:
            kept += [comments.create(small.forge, slug, number, "x" * 100_000).id]
    except ForgeError as refused:
        return kept, refused
    raise AssertionError("the forge has room without end")


def test_a_full_disk_is_said_and_what_was_there_stays_and_writing_goes_on_when_there_is_room(small: World) -> None:
    small.seed()
    slug = repository(small)
    number = proposed(small, slug, "topic", {"a.txt": "a\n"})
    kept, refused = fill(small, slug, number)
    assert refused.status == 507
    assert "full" in refused.reason
    assert [one.id for one in comments.listed(small.forge, slug, number)] == kept
    before = small.head(slug)
    for comment in kept:
        comments.delete(small.forge, slug, comment)
    pulls.merge(small.forge, slug, number, Deadline(60))
    assert small.head(slug) != before
    assert small.show(slug)["a.txt"] == "a"
