"""One converge over a stand-in for the connection."""

from __future__ import annotations

import hashlib
import http.server
import io
import json
import tarfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.converge import cinc
from harness.converge import cookbook as cookbooks
from harness.converge.cookbook import Cookbook
from harness.converge.engine import EngineChoice, converge
from harness.converge.errors import ConvergeError
from harness.converge.mirror import Package, Release
from harness.kit.errors import UsageError
from harness.kit.process import Completed
from harness.kit.secret import Secret
from harness.remote.errors import RemoteCommandError

ITAMAE = EngineChoice("itamae", "for the test")
HELPERS = Path(__file__).parents[2] / cookbooks.HELPERS
WORD = "a-word-that-leaks"


def event(**fields: object) -> str:
    return "\x1e" + json.dumps(fields)


def resource(name: str, changed: bool, seconds: float = 0.25) -> str:
    place = "recipes/default.rb:3"
    return event(
        event="resource", kind="file", name=name, action="create", changed=changed, seconds=seconds, place=place
    )


class Container:
    """Answers each command with lines and a code; keeps what was asked of it."""

    def __init__(self, *answers: tuple[int, list[str]]) -> None:
        self.answers = list(answers)
        self.commands: list[str] = []
        self.bundles: list[bytes] = []
        self.files: dict[str, tuple[bytes, str]] = {}

    def put(self, data: bytes, path: str, *, mode: str, sudo: bool) -> None:
        assert sudo
        self.files[path] = (data, mode)

    def run(
        self,
        command: str,
        *,
        sudo: bool,
        stdin: bytes,
        timeout: float,
        check: bool,
        on_line: Callable[[str], None],
    ) -> Completed:
        assert sudo
        assert not check
        self.commands.append(command)
        self.bundles.append(stdin)
        code, lines = self.answers.pop(0)
        for line in lines:
            on_line(line)
        done = Completed(("ssh",), code, b"", b"", 1.5)
        if code == 124:
            raise RemoteCommandError("there", command, done)
        return done


@pytest.fixture
def cookbook(tmp_path: Path) -> Cookbook:
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "default.rb").write_text("package 'jq'\n")
    return Cookbook("web", tmp_path, HELPERS)


def run(container: Container, cookbook: Cookbook, choice: EngineChoice = ITAMAE, **attributes: object):  # type: ignore[no-untyped-def]
    lines: list[str] = []
    result = converge(container, cookbook, attributes, choice, on_line=lines.append)  # type: ignore[arg-type]
    return result, lines


def test_resources_come_back_with_what_changed(cookbook: Cookbook) -> None:
    container = Container(
        (0, ["plain", resource("/a", True), resource("/a", True), resource("/b", False), event(event="done")])
    )
    result, lines = run(container, cookbook)
    assert [(str(item), item.changed) for item in result.resources] == [
        ("file[/a]", True),
        ("file[/a]", True),
        ("file[/b]", False),
    ]
    assert result.changed == ("file[/a]",)
    assert (result.engine, result.seconds, result.tail) == ("itamae", 1.5, "plain")
    assert lines[0] == "plain"


def test_one_round_trip_carries_everything_and_no_secret_in_the_command(cookbook: Cookbook) -> None:
    container = Container((0, [event(event="done")]))
    run(container, cookbook, password=Secret(WORD))
    assert len(container.commands) == 1
    assert WORD not in container.commands[0]
    assert WORD.encode() in container.bundles[0]


def test_a_failure_names_resource_place_and_output(cookbook: Cookbook) -> None:
    failed = event(
        event="failed",
        kind="file",
        name="/a",
        action="create",
        place="recipes/default.rb:9",
        message="no",
        output="why",
    )
    with pytest.raises(ConvergeError, match=r"web: file\[/a\] create \(recipes/default.rb:9\): no") as caught:
        run(Container((1, ["before", failed])), cookbook)
    assert (caught.value.resource, caught.value.place) == ("file[/a]", "recipes/default.rb:9")
    assert caught.value.tail == "before\nwhy"


def test_an_engine_that_dies_without_a_word_is_a_failure_with_its_tail(cookbook: Cookbook) -> None:
    with pytest.raises(ConvergeError, match="itamae ended with 100: E: no such package") as caught:
        run(Container((100, ["installing", "E: no such package"])), cookbook)
    assert "installing" in caught.value.tail


def test_an_end_without_the_last_word_is_no_success(cookbook: Cookbook) -> None:
    with pytest.raises(ConvergeError, match="ended with 0"):
        run(Container((0, [resource("/a", True)])), cookbook)


def test_secrets_are_masked_in_lines_names_messages_and_tail(cookbook: Cookbook) -> None:
    Secret(WORD)
    failed = event(event="failed", kind="execute", name=f"say {WORD}", message=f"said {WORD}", output=WORD)
    seen: list[str] = []
    with pytest.raises(ConvergeError) as caught:
        converge(Container((1, [f"line {WORD}", failed])), cookbook, {}, ITAMAE, on_line=seen.append)  # type: ignore[arg-type]
    assert WORD not in " ".join([str(caught.value), str(caught.value.detail), str(caught.value.resource), *seen])


def test_a_broken_event_line_is_shown_and_does_no_harm(cookbook: Cookbook) -> None:
    result, _ = run(Container((0, ["\x1e{half", event(event="done")])), cookbook)
    assert result.tail == "{half"


def test_a_converge_out_of_time_names_the_last_resource(cookbook: Cookbook) -> None:
    with pytest.raises(ConvergeError, match=r"did not end within .* the last that ended was file\[/a\]"):
        run(Container((124, [resource("/a", False)])), cookbook)


def test_a_cookbook_without_recipe_is_refused_before_anything_runs(tmp_path: Path) -> None:
    container = Container()
    with pytest.raises(UsageError, match=r"recipes/default\.rb"):
        run(container, Cookbook("web", tmp_path, HELPERS))
    assert container.commands == []


@pytest.fixture
def package_url() -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"deb")

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/cinc.deb"
    server.shutdown()
    server.server_close()


def test_a_package_that_the_container_cannot_fetch_is_put_there(cookbook: Cookbook, package_url: str) -> None:
    sha256 = hashlib.sha256(b"deb").hexdigest()
    choice = EngineChoice("cinc", "", Release("18.8.54", (Package("12", "amd64", package_url, sha256),)))
    container = Container((69, [event(event="package", sha256=sha256)]), (0, [event(event="done")]))
    result, _ = run(container, cookbook, choice)
    assert result.seconds == 3.0
    assert container.files == {cinc.PACKAGE: (b"deb", "0600")}
    with tarfile.open(fileobj=io.BytesIO(container.bundles[1])) as tar:
        assert tar.extractfile("cinc.packages").read().decode() == f"12 amd64 {sha256} {package_url}\n"  # type: ignore[union-attr]


def test_a_package_that_is_wanted_twice_is_a_failure(cookbook: Cookbook, package_url: str) -> None:
    sha256 = hashlib.sha256(b"deb").hexdigest()
    choice = EngineChoice("cinc", "", Release("18.8.54", (Package("12", "amd64", package_url, sha256),)))
    wanted = (69, ["no space left", event(event="package", sha256=sha256)])
    with pytest.raises(ConvergeError, match="no space left"):
        run(Container(wanted, wanted), cookbook, choice)
