"""The fixtures of specs and their guard, in a pytest run of their own; the container is this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

import harness

CONFTEST = """
import subprocess
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path
from types import SimpleNamespace

from harness.inventory.model import Container, Disk, Inventory
from harness.kit import process
from harness.kit.secret import Secret
from harness.verify import fixtures

pytest_plugins = ["harness.verify.fixtures"]
ROOT = Path(__file__).parent


class Here:
    address = "here"
    sessions = 0

    def session(self, command, *, sudo=False):
        self.sessions += 1
        return process.spawn(["sh", "-c", command], stderr=subprocess.DEVNULL)


class Pool:
    def __init__(self):
        self.asked = []
        self.here = Here()

    def get(self, vmid, address, user, *, deadline, first_contact=False):
        self.asked.append(f"{user}@{address}#{vmid}")
        assert not first_contact
        return self.here


def make(name, number):
    address = IPv4Interface(f"10.9.8.{number}/24")
    return Container(
        name=name, directory=ROOT / "libs" / name, hostname=f"host-{name}", vmid=100 + number, address=address,
        declared_address=address, gateway=IPv4Address("10.9.8.1"), node="pve", bridge="vmbr0", interface="eth0",
        cores=1, memory=512, swap=0, disk=Disk("local", 8), onboot=True, mounts=(), needs=(), unprivileged=True,
        features=(), nameserver=None, searchdomain="lan", startup=None, tags=(), engine="auto", ostemplate="debian-13",
    )


POOL = Pool()
WORKSPACE = SimpleNamespace(
    inventory=Inventory((make("broker", 11), make("apache", 13))),
    share=None, login="admin", password=Secret("s3cr3t-pass-word"), connections=POOL,
)


def pytest_configure(config):
    if not config.getoption("hosts"):
        config.stash[fixtures.WORKSPACE] = lambda: WORKSPACE


def pytest_unconfigure(config):
    print("asked", POOL.here.sessions, set(POOL.asked))
"""


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The inner run finds the harness wherever this one did, installed or not."""
    monkeypatch.setenv("PYTHONPATH", str(Path(harness.__file__).parents[1]))


@pytest.fixture
def specs(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeconftest(CONFTEST)
    (pytester.path / "libs" / "broker" / "specs").mkdir(parents=True)
    return pytester


def write(specs: pytest.Pytester, text: str, folder: str = "libs/broker/specs", name: str = "test_it.py") -> None:
    directory = specs.path / folder
    directory.mkdir(parents=True, exist_ok=True)
    (directory / name).write_text(text)


def run(specs: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return specs.runpytest_subprocess("--import-mode=importlib", "-p", "no:cacheprovider", *arguments)


def test_a_spec_reaches_its_container_and_knows_it(specs: pytest.Pytester) -> None:
    write(
        specs,
        """
        def test_it(host, container):
            assert host.backend.get_pytest_id() == "gitops://broker"
            assert host.check_output("echo %s", "a b") == "a b"
            assert (container.ip, container.fqdn, container.login) == ("10.9.8.11", "host-broker.lan", "admin")
            assert "s3cr3t" not in f"{container!r} {container.password}"
            assert container.password.reveal() == "s3cr3t-pass-word"
        """.replace("\n        ", "\n"),
    )
    run(specs).assert_outcomes(passed=1)


def test_files_of_one_container_share_one_session(specs: pytest.Pytester) -> None:
    for name in ("test_a.py", "test_b.py"):
        write(specs, "def test_it(host):\n    assert host.run('true').succeeded\n", name=name)
    result = run(specs, "-s")
    result.assert_outcomes(passed=2)
    assert "asked 1 {'config@10.9.8.11#111'}" in result.outlines


def test_neighbours_are_known_by_name(specs: pytest.Pytester) -> None:
    write(
        specs,
        "def test_it(container):\n"
        "    assert container.other('apache').ip == '10.9.8.13'\n"
        "    assert [each.name for each in container.containers] == ['broker', 'apache']\n",
    )
    run(specs).assert_outcomes(passed=1)


def test_a_password_is_fed_and_arrives(specs: pytest.Pytester) -> None:
    write(
        specs,
        "def test_it(host, container):\n"
        "    assert container.feed(host, container.password.reveal(), 'wc -c').stdout.strip() == '16'\n",
    )
    run(specs).assert_outcomes(passed=1)


def test_waiting_ends_with_what_was_waited_for(specs: pytest.Pytester) -> None:
    write(
        specs,
        "def test_comes(container):\n"
        "    answers = [None, None, 'here']\n"
        "    assert container.wait(lambda: answers.pop(0), 'it') == 'here'\n"
        "def test_never(container):\n"
        "    container.wait(lambda: None, 'the moon', seconds=0.05)\n",
    )
    result = run(specs)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*AssertionError: the moon: not within 0.05 s*"])


def test_specs_without_a_run_are_skipped_with_the_command_to_type(specs: pytest.Pytester) -> None:
    write(specs, "def test_it(host):\n    assert False\n")
    result = run(specs, "--hosts=local://", "-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*./run verify*"])


def test_a_spec_outside_every_container_fails(specs: pytest.Pytester) -> None:
    write(specs, "def test_it(host):\n    pass\n", folder="libs/nobody/specs")
    result = run(specs)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*belongs to no container of the inventory (broker, apache)*"])


def test_a_spec_that_would_check_this_machine_fails(specs: pytest.Pytester) -> None:
    write(
        specs,
        "import pytest, testinfra\n"
        "@pytest.fixture\n"
        "def mine():\n"
        "    return testinfra.get_host('local://')\n"
        "def test_it(mine):\n"
        "    pass\n",
    )
    result = run(specs)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*mine: this is the machine that pytest runs on*"])


def test_loaded_too_early_the_fixtures_lose_and_the_guard_speaks(pytester: pytest.Pytester) -> None:
    write(pytester, "def test_it(host):\n    pass\n")
    result = run(pytester, "-p", "harness.verify.fixtures")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*host: this is the machine that pytest runs on*"])


def test_other_tests_may_use_a_local_host(specs: pytest.Pytester) -> None:
    write(
        specs,
        "import testinfra, pytest\n"
        "@pytest.fixture\n"
        "def mine():\n"
        "    return testinfra.get_host('local://')\n"
        "def test_it(mine):\n"
        "    assert mine.run('true').succeeded\n",
        folder="tests",
    )
    run(specs).assert_outcomes(passed=1)
