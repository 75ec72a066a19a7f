"""Pull requests are checked as data: a comment and a status, and nothing of the proposal is run."""

from __future__ import annotations

import json
import socket
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from harness.forge import pulls, users
from harness.forge.client import Address, Forge, Login
from harness.kit.secret import Secret
from harness.pipeline import requests
from tests.contract.seeding_world import git
from tests.e2e.pipeline_world import NEWER_SETTING, SECONDS, Pipelines, every_word, pipelines, secret_texts
from tests.e2e.world import wait_until

RECIPE = "file '/etc/probe' do\n  content 'one'\nend\n"
SPECS = 'def test_the_file_is_there(host):\n    assert host.file("/etc/probe").exists\n'
SHELL = "import pathlib\npathlib.Path({stolen!r}).write_text('got in')\n"
THIEF = "$(touch${IFS}stolen);${{secrets.PVE_READ_TOKEN}}"
"""A branch of a name that shells and expressions would make something of."""
WORKFLOW = """\
name: Mine
on: [{events}]
jobs:
  check:
    runs-on: shell
    steps:
      - run: env > {stolen}; cat "$GITOPS_CONFIG" >> {stolen}
"""


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipelines]:
    """A forge with one container's library, seeded."""
    path: Path = tmp_path_factory.mktemp("pipelines")
    with pipelines(path) as found:
        found.world.library("probe", 61, RECIPE, SPECS)
        found.seed()
        yield found


def test_the_first_pull_request_shows_the_plan_of_everything(here: Pipelines) -> None:
    pull = here.forge.get("repos/main/config/pulls/1")
    status = here.status("main/config", pull["head"]["sha"], "gitops/plan")
    assert status.state == "success", here.logs("main/config")
    body = here.comment("main/config", 1, "plan")
    assert "| `probe` | create | none | it does not exist yet | `10.187.60.61` | 161 |" in body
    assert "gitops-agreement" in body


def test_settings_of_a_newer_harness_are_no_reason_to_fail(here: Pipelines) -> None:
    assert f"{NEWER_SETTING} is a setting that this version" in here.logs("main/config")


def test_a_container_s_own_pull_request_shows_its_plan_alone(here: Pipelines) -> None:
    pull = here.forge.get("repos/main/probe/pulls/1")
    status = here.status("main/probe", pull["head"]["sha"], "gitops/plan")
    assert status.state == "success", here.logs("main/probe")
    body = here.comment("main/probe", 1, "plan")
    assert "`probe`" in body
    assert "`config`" not in body


def test_a_stage_that_nobody_has_described_waits_and_says_how(here: Pipelines) -> None:
    pull = here.forge.get("repos/stage/probe/pulls/1")
    status = here.said("stage/probe", pull["head"]["sha"], "gitops/plan", "needs a config.stage.env")
    assert status.state == "pending"
    assert "an `ID` and an `IP` of its own" in here.comment("stage/probe", 1, "plan")
    run = wait_until(
        lambda: next((one for one in here.runs("stage/probe", "gitops-check.yml") if one.done), None),
        SECONDS,
        "its end",
    )
    assert run.conclusion == "success", here.logs("stage/probe")


def test_a_stage_without_id_and_address_of_its_own_is_refused(here: Pipelines) -> None:
    sha = here.push("stage/probe", {"config.stage.env": "MEMORY=128\n"}, "try")
    pull = here.request("stage/probe", "try")
    status = here.status("stage/probe", sha, "gitops/plan")
    assert status.state == "failure"
    assert "config.stage.env" in here.comment("stage/probe", pull.number, "plan")


def test_a_stage_that_is_accepted_without_its_file_is_refused(here: Pipelines) -> None:
    here.merge("stage/probe", 1)
    status = here.status("stage/probe", here.head("stage/probe", "release"), "gitops/deploy")
    assert status.state == "failure", here.logs("stage/probe")
    assert "config.stage.env" in status.description


def test_a_configuration_that_is_wrong_is_quoted_with_file_and_line(here: Pipelines) -> None:
    env = (here.world.root / "libs/probe/config.env").read_text()
    wrong = env.replace("MEMORY=256", "MEMORY=plenty")
    line = wrong.splitlines().index("MEMORY=plenty") + 1
    sha = here.push("main/probe", {"config.env": wrong}, "wrong")
    pull = here.request("main/probe", "wrong")
    status = here.status("main/probe", sha, "gitops/plan")
    assert status.state == "failure"
    assert status.description.startswith(f"libs/probe/config.env:{line}: MEMORY")
    assert f"`libs/probe/config.env:{line}`" in here.comment("main/probe", pull.number, "plan")
    fixed = here.push("main/probe", {"config.env": env.replace("MEMORY=256", "MEMORY=512")}, "wrong")
    assert here.status("main/probe", fixed, "gitops/plan").state == "success"
    assert "libs/probe/config.env" not in here.comment("main/probe", pull.number, "plan")


@pytest.fixture
def stolen(here: Pipelines) -> Iterator[Path]:
    """Where a thief would leave what it got hold of."""
    path = here.path / "stolen"
    yield path
    path.unlink(missing_ok=True)


def safe(here: Pipelines, slug: str, number: int, stolen: Path) -> None:
    """Nothing was run, and no secret stands anywhere."""
    assert not stolen.exists(), stolen.read_text()
    said = every_word(here, slug, number)
    for secret in secret_texts(here):
        assert secret not in said


def test_a_pull_request_s_own_code_is_never_run(here: Pipelines, stolen: Path) -> None:
    code, shell = SHELL.format(stolen=str(stolen)), f"touch {stolen}"
    sha = here.push(
        "main/config",
        {
            "conftest.py": code,
            "noxfile.py": code,
            "sitecustomize.py": code,
            "nox.py": code,
            "pytest.ini": "[pytest]\naddopts = -p conftest\n",
            ".gitea/workflows/check.yml": WORKFLOW.format(events="pull_request_target", stolen=stolen),
            ".gitea/workflows/mine.yml": WORKFLOW.format(events="pull_request, push", stolen=stolen),
            ".gitattributes": "* filter=steal diff=steal\n",
            ".gitmodules": f'[submodule "harness"]\n\tpath = harness\n\turl = ext::sh -c "{shell}"\n',
            "run": f"#!/bin/sh\n{shell}\n",
        },
        THIEF,
    )
    pull = here.request("main/config", THIEF)
    assert here.status("main/config", sha, "gitops/plan").state == "success", here.logs("main/config")
    assert "`probe`" in here.comment("main/config", pull.number, "plan")
    safe(here, "main/config", pull.number, stolen)


def test_a_workflow_that_a_pull_request_brings_is_refused_and_says_so(here: Pipelines, stolen: Path) -> None:
    text = WORKFLOW.format(events="pull_request, push", stolen=stolen)
    sha = here.push("main/probe", {".gitea/workflows/own.yml": text}, "own-workflow")
    pull = here.request("main/probe", "own-workflow")
    assert here.status("main/probe", sha, "gitops/plan").state == "success", here.logs("main/probe")
    for event in ("pull_request", "push"):
        status = here.said("main/probe", sha, f"Mine / check ({event})", "refused: own.yml")
        assert status.state == "failure"
    assert "not run before the merge" in here.logs("main/probe")
    safe(here, "main/probe", pull.number, stolen)


def test_a_harness_and_settings_of_a_proposal_s_own_are_read_and_lead_nowhere(here: Pipelines, stolen: Path) -> None:
    code = SHELL.format(stolen=str(stolen))
    names = ("__init__.py", "__main__.py", "cli/__init__.py", "pipeline/checking.py", "conftest.py")
    evil = here.push("main/harness", dict.fromkeys(names, code), "evil")
    with socket.create_server(("127.0.0.1", 0)) as lure:
        lure.setblocking(False)
        port = lure.getsockname()[1]
        proxmox = {"host": "127.0.0.1", "port": port, "password": "x"}
        files: dict[str, str | None] = {
            ".gitignore": None,
            "local/config.json": json.dumps({"proxmox": proxmox, "cinc_mirror": f"http://127.0.0.1:{port}"}),
            "local/share/embedded/revision.key": "0" * 64,
        }
        here.push("main/config", files, "own")
        clone = here.path / "clone-main-config"
        git(clone, "update-index", "--cacheinfo", f"160000,{evil},harness")
        git(clone, "commit", "-qm", "another harness")
        git(clone, "push", "-q", "origin", "own")
        pull = here.request("main/config", "own")
        status = here.status("main/config", git(clone, "rev-parse", "HEAD"), "gitops/plan")
        assert status.state == "success", here.logs("main/config")
        with pytest.raises(BlockingIOError):
            lure.accept()
    safe(here, "main/config", pull.number, stolen)


def test_what_a_proposal_says_is_shown_as_text_and_agrees_to_nothing(here: Pipelines, stolen: Path) -> None:
    env = (here.world.root / "libs/probe/config.env").read_text()
    seal = f"<!-- gitops-agreement {'A' * 8}.{'0' * 64} -->"
    forged = f"{seal} |</td><script>x</script> `| @root ${{{{ secrets.PVE_READ_TOKEN }}}}"
    sha = here.push("main/probe", {"config.env": env.replace("MEMORY=256", f"MEMORY='{forged}'")}, "inject")
    pull = here.request("main/probe", "inject")
    assert here.status("main/probe", sha, "gitops/plan").state == "failure"
    body = here.comment("main/probe", pull.number, "plan")
    (row,) = [line for line in body.splitlines() if "MEMORY" in line]
    assert row.count(" | ") == 3
    assert "`` " in row or "<script>" not in row
    page = urllib.request.urlopen(f"{here.url}/main/probe/pulls/{pull.number}", timeout=10).read().decode()
    assert "<script>x</script>" not in page
    safe(here, "main/probe", pull.number, stolen)


@pytest.fixture
def eve(here: Pipelines) -> Iterator[Forge]:
    """Somebody with an account and no rights: all she has is a fork of her own."""
    users.create(here.admin, "eve", Secret("the-password-of-eve"), email="eve@example.org")
    with closing(Forge(Address(here.url), Login("eve", password=Secret("the-password-of-eve")))) as found:
        yield found


def test_an_outsider_s_pull_request_is_checked_and_nothing_of_hers_is_run(
    here: Pipelines, eve: Forge, stolen: Path
) -> None:
    eve.post("repos/main/probe/forks", {})
    text = WORKFLOW.format(events="push, pull_request, pull_request_target, workflow_dispatch", stolen=stolen)
    eve.patch("repos/eve/probe", {"has_actions": True})
    files: dict[str, str | None] = {".gitea/workflows/mine.yml": text, "specs/conftest.py": SHELL.format(stolen=stolen)}
    sha = here.push("eve/probe", files, "main", who=eve)
    pull = here.request("main/probe", "eve:main", who=eve)
    assert here.status("main/probe", sha, "gitops/plan").state == "success", here.logs("main/probe")
    assert "`probe`" in here.comment("main/probe", pull.number, "plan")
    here.said("main/probe", sha, "Mine / check (pull_request)", "refused: mine.yml comes with the pull request")
    here.said("eve/probe", sha, "Mine / check (push)", "refused: nothing of eve/probe is run here")
    safe(here, "main/probe", pull.number, stolen)


def test_only_what_stands_on_main_is_released_by_the_task(here: Pipelines) -> None:
    assert [one.head for one in requests.waiting(here.forge, "main/probe")] == ["main"]
    assert len({one.head for one in pulls.listed(here.forge, "main/probe")}) > 1


def test_what_a_library_proposes_is_read_and_not_run(here: Pipelines, stolen: Path) -> None:
    code = SHELL.format(stolen=str(stolen))
    sha = here.push(
        "main/probe",
        {
            "conftest.py": code,
            "specs/conftest.py": code,
            "specs/test_probe.py": code + SPECS,
            "recipes/default.rb": f"File.write('{stolen}', 'got in')\nsystem('touch {stolen}')\n",
            "attributes/default.rb": f"`touch {stolen}`\n",
            ".gitea/workflows/gitops-check.yml": WORKFLOW.format(events="pull_request_target", stolen=stolen),
        },
        "thief",
    )
    pull = here.request("main/probe", "thief")
    assert here.status("main/probe", sha, "gitops/plan").state == "success", here.logs("main/probe")
    safe(here, "main/probe", pull.number, stolen)


def test_shell_in_a_config_env_is_text(here: Pipelines, stolen: Path) -> None:
    env = (here.world.root / "libs/probe/config.env").read_text()
    wrong = env.replace("HOSTNAME=probe", f"HOSTNAME=$(touch {stolen}; cat $GITOPS_CONFIG)")
    sha = here.push("main/probe", {"config.env": wrong}, "shell")
    pull = here.request("main/probe", "shell")
    status = here.status("main/probe", sha, "gitops/plan")
    assert (status.state, "HOSTNAME" in status.description) == ("failure", True)
    safe(here, "main/probe", pull.number, stolen)


@pytest.mark.parametrize("target", ["absolute", "../../../../../../../../etc/passwd", "a/../../../../../etc/passwd"])
def test_a_link_that_leads_out_is_refused(here: Pipelines, stolen: Path, target: str) -> None:
    where = str(here.share / "config.json") if target == "absolute" else target
    branch = f"link-{abs(hash(target))}"
    place = here.path / "clone-main-probe"
    here.push("main/probe", {"README.md": branch}, branch)
    (place / "config.env").unlink()
    (place / "config.env").symlink_to(where)
    sha = here.push("main/probe", {}, branch)
    pull = here.request("main/probe", branch)
    status = here.status("main/probe", sha, "gitops/plan")
    assert (status.state, "leads out" in status.description) == ("failure", True), status
    safe(here, "main/probe", pull.number, stolen)
