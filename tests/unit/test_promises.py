"""What the papers promise is there: commands, options, links, layers, private state."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from bench import table
from harness.cli import main

ROOT = Path(__file__).parents[2]
PAPERS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("bench/*.md")])


def sessions() -> set[str]:
    """Names that ``./run`` takes."""
    source = (ROOT / "noxfile.py").read_text()
    return set(re.findall(r"@nox\.session\(.*\)\ndef (\w+)\(", source))


def tracked() -> list[Path]:
    """Files of the project as git has them."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False).stdout
    paths = [ROOT / name for name in listed.decode().split("\0") if name]
    return [path for path in paths if path.is_file()]


@pytest.mark.parametrize("paper", PAPERS, ids=lambda path: path.name)
def test_every_session_that_a_paper_names_exists(paper: Path) -> None:
    named = set(re.findall(r"\./run ([a-z]+)", paper.read_text())) | set(
        re.findall(r"nox -s ([a-z]+)", paper.read_text())
    )
    assert named <= sessions()


def test_every_command_is_a_session_and_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    assert set(main.COMMANDS) <= sessions()
    assert [name for name in sessions() if f"./run {name}" not in readme] == []


@pytest.mark.parametrize("paper", PAPERS, ids=lambda path: path.name)
def test_every_link_between_papers_leads_somewhere(paper: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", paper.read_text())
    assert [target for target in targets if not (paper.parent / target).exists()] == []


@pytest.mark.parametrize("paper", PAPERS, ids=lambda path: path.name)
def test_every_option_that_a_paper_names_exists(paper: Path) -> None:
    uses = re.findall(r"\./run (\w+)((?: +-- +| +)(?:[\w.-]+ ?)*)", paper.read_text())
    for session, words in uses:
        options = re.findall(r"(?<= )--[a-z][\w-]*", words)
        if session in main.COMMANDS and options:
            shown = main.parser([session]).format_help() + help_of(session)
            assert [option for option in options if option not in shown] == []


def help_of(command: str) -> str:
    """What ``--help`` of one command prints."""
    subparsers = main.parser([command])._subparsers
    assert subparsers is not None
    choices = subparsers._group_actions[0].choices
    assert choices is not None
    return str(choices[command].format_help())  # type: ignore[index, call-overload]


def test_a_plain_nox_run_touches_no_node() -> None:
    source = (ROOT / "noxfile.py").read_text()
    assert 'nox.options.sessions = ["lint", "tests"]' in source
    default = set(re.findall(r'@nox\.session\(venv_backend="none"\)\ndef (\w+)\(', source))
    assert default == {"lint", "tests"}


def test_the_readmes_first_screen_has_the_picture_and_the_two_commands() -> None:
    screen = "\n".join((ROOT / "README.md").read_text().splitlines()[:45])
    for expected in ("```mermaid", "./run local", "./run tests"):
        assert expected in screen


def test_the_kept_figures_of_the_paper_are_those_of_the_results() -> None:
    paper = table.PAPER.read_text()
    assert paper == table.renewed(paper, table.RESULTS), "write it anew: python -m bench.table"


def test_of_a_figure_that_was_taken_twice_the_newest_is_shown(tmp_path: Path) -> None:
    for name, taken, value in (("all", "2026-02-01", 12.0), ("plan", "2026-01-01", 3.0)):
        figure = {"name": "plan", "value": value, "unit": "s", "limit": 10.0, "at_least": False, "note": ""}
        (tmp_path / f"{name}.json").write_text(json.dumps({"taken": taken, "figures": [{**figure, "reached": None}]}))
    shown = table.render(tmp_path)
    assert "| [all](results/all.svg) | plan | 12 s | MISSED (≤ 10 s) |" in shown
    assert "[plan]" not in shown


def test_the_changelog_has_a_section_for_what_is_not_released() -> None:
    assert "## Unreleased" in (ROOT / "CHANGELOG.md").read_text()


@pytest.mark.parametrize("name", ["local/config.json", "local/share/embedded/login.json", "libs/x/config.local.env"])
def test_private_files_are_ignored_by_git(name: str) -> None:
    ignored = subprocess.run(["git", "check-ignore", "--quiet", name], cwd=ROOT, check=False)
    assert ignored.returncode == 0


def test_the_monorepos_id_is_not_ignored_and_not_shipped() -> None:
    ignored = subprocess.run(["git", "check-ignore", "--quiet", "local/monorepo-id"], cwd=ROOT, check=False)
    assert ignored.returncode == 1
    assert ROOT / "local/monorepo-id" not in tracked()


def test_nothing_turns_checks_off() -> None:
    forbidden = ("verify=" + "False", "StrictHostKeyChecking=" + "no", '"--privi' + 'leged"', "privileged=" + "True")
    found = [
        f"{path.relative_to(ROOT)}: {word}"
        for path in tracked()
        if path.suffix in {".py", ".rb", ".sh"} and path.is_relative_to(ROOT / "harness")
        for word in forbidden
        if word in path.read_text()
    ]
    assert found == []


def test_every_dependency_is_pinned_with_hashes_in_both_locks() -> None:
    for lock in (ROOT / "requirements.lock", ROOT / "tests" / "requirements.lock"):
        entries = re.split(r"\n(?=\S)", lock.read_text().strip())
        assert [entry for entry in entries if "==" not in entry or "--hash=sha256:" not in entry] == []


def test_the_test_lock_agrees_with_the_runtime_lock() -> None:
    def pins(path: Path) -> set[str]:
        return set(re.findall(r"^(\S+==\S+)", path.read_text(), re.MULTILINE))

    assert pins(ROOT / "requirements.lock") <= pins(ROOT / "tests" / "requirements.lock")
