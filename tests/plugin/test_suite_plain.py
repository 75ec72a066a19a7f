"""pytest without our option never touches a node."""

from __future__ import annotations

import sys


def plain(repository, *arguments: str):
    return repository.execute([sys.executable, "-m", "pytest", *arguments])


def test_config_files_are_not_collected(repository) -> None:
    ran = plain(repository.add("broker"), "--collect-only", "-q", ".")
    assert "config.env" not in ran.output
    assert repository.made("broker") == []


def test_specs_are_skipped_with_a_reason(repository) -> None:
    ran = plain(repository.add("broker"), "-rs", ".")
    assert ran.code == 0, ran.output
    assert "2 skipped" in ran.output
    assert "./run verify or ./run deploy" in ran.output


def test_specs_named_on_the_command_line_are_skipped_too(repository) -> None:
    spec = "def test_first(host, container):\n    assert host.file('/etc/passwd').exists\n"
    ran = plain(repository.add("broker", spec=spec), "libs/broker/specs/test_broker.py")
    assert ran.code == 0, ran.output
    assert "1 skipped" in ran.output


def test_other_tests_run_as_ever(repository) -> None:
    (repository.path / "tests").mkdir()
    (repository.path / "tests" / "test_it.py").write_text("def test_it():\n    pass\n")
    ran = plain(repository.add("broker"))
    assert "1 passed" in ran.output
