"""Pull requests are checked as data: a comment and a status, and nothing of the proposal is run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.pipeline_world import Pipelines, every_word, pipelines, secret_texts

RECIPE = "file '/etc/probe' do\n  content 'one'\nend\n"
SPECS = 'def test_the_file_is_there(host):\n    assert host.file("/etc/probe").exists\n'
SHELL = "import pathlib\npathlib.Path({stolen!r}).write_text('got in')\n"
WORKFLOW = """\
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
    assert "| `probe` | 161 | `10.187.60.61` | create | none |" in body
    assert "gitops-agreement" in body


def test_a_container_s_own_pull_request_shows_its_plan_alone(here: Pipelines) -> None:
    pull = here.forge.get("repos/main/probe/pulls/1")
    status = here.status("main/probe", pull["head"]["sha"], "gitops/plan")
    assert status.state == "success", here.logs("main/probe")
    body = here.comment("main/probe", 1, "plan")
    assert "`probe`" in body
    assert "`config`" not in body


def test_a_stage_without_id_and_address_of_its_own_is_refused(here: Pipelines) -> None:
    pull = here.forge.get("repos/stage/probe/pulls/1")
    status = here.status("stage/probe", pull["head"]["sha"], "gitops/plan")
    assert status.state == "failure"
    assert "config.stage.env" in here.comment("stage/probe", 1, "plan")


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
        "thief",
    )
    pull = here.request("main/config", "thief")
    assert here.status("main/config", sha, "gitops/plan").state == "success", here.logs("main/config")
    assert "`probe`" in here.comment("main/config", pull.number, "plan")
    safe(here, "main/config", pull.number, stolen)


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
