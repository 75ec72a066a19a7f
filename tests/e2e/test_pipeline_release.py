"""What was accepted is deployed, and no more: against a forge and a node, the suite played by the test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from harness.kit.clock import Deadline
from harness.kit.errors import ExitCode
from harness.lifecycle import parameters, plan_file, stamp
from harness.lifecycle.journal import Journal, Outcome
from harness.lifecycle.plan import Action, Plan
from harness.lifecycle.stamp import Stamp
from harness.lifecycle.workspace import Workspace
from harness.pipeline import checking, door, releasing
from harness.pipeline.releasing import Ended
from harness.pve import tasks, templates
from tests.e2e.pipeline_world import ACCESS_LOG, Pipelines, forge_daemon, pipelines

RECIPE = "file '/etc/probe' do\n  content 'one'\nend\n"
SPECS = 'def test_the_file_is_there(host):\n    assert host.file("/etc/probe").exists\n'


@dataclass
class Suite:
    """Plays the suite: makes containers on the node as the plan says, and journals a spec for each."""

    directory: Path
    plans: list[Plan] = field(default_factory=list)
    failing: bool = False
    meanwhile: Callable[[], None] = lambda: None

    def __call__(self, workspace: Workspace, plan: Plan) -> Ended:
        self.plans.append(plan)
        run = self.directory / f"run-{len(self.plans)}"
        run.mkdir(parents=True)
        plan_file.write(run / "plan.json", plan)
        journal = Journal(run / "journal.jsonl")
        for entry in plan.pending:
            self._deploy(workspace, entry)
            journal.start(entry.name, "specs/test_x.py::test_answers", entry.revision)
            outcome = Outcome.FAILED if self.failing else Outcome.PASSED
            evidence = {"error": "AssertionError: port 1883 is closed"} if self.failing else {}
            journal.end(entry.name, "specs/test_x.py::test_answers", entry.revision, outcome, evidence=evidence)
        self.meanwhile()
        return Ended(ExitCode.FAILED if self.failing else ExitCode.OK, run)

    def _deploy(self, workspace: Workspace, entry: Any) -> None:
        pve, container = workspace.pve, workspace.inventory[entry.name]
        where = f"nodes/{entry.node}/lxc"
        text = stamp.render(Stamp(workspace.monorepo, entry.name, container.stage, entry.revision))
        if entry.action is Action.REPLACE:
            tasks.wait_for(pve, pve.delete(f"{where}/{entry.vmid}", force=1), Deadline(20))
        if entry.action in (Action.CREATE, Action.REPLACE):
            template = templates.ensure(
                pve, entry.node, "local", container.ostemplate, deadline=Deadline(20), on_log=lambda line: None
            )
            wanted = parameters.creation(container, template=template, public_key="", description=text)
            wanted = {key: value for key, value in wanted.items() if value != ""}
            tasks.wait_for(pve, pve.post(where, **wanted), Deadline(20))
            tasks.wait_for(pve, pve.post(f"{where}/{entry.vmid}/status/start"), Deadline(20))
            return
        found = parameters.update(container, pve.get(f"{where}/{entry.vmid}/config"))
        pve.put(f"{where}/{entry.vmid}/config", **{**found.settings, "description": text})


@dataclass
class Stage:
    """The forge and the node, and the test in the runner's place."""

    here: Pipelines
    suite: Suite
    said: list[str] = field(default_factory=list)
    jobs: int = 0

    def job(
        self, slug: str, sha: str, branch: str, event: dict[str, Any] | None = None, workflow: str = "release.yml"
    ) -> door.Office:
        """A job's office, in a checkout made by the commands of the workflow file."""
        self.jobs += 1
        place = self.here.path / f"job-{self.jobs}"
        place.mkdir()
        environ = {
            "GITHUB_SERVER_URL": self.here.url,
            "GITHUB_REPOSITORY": slug,
            "GITHUB_SHA": sha,
            "GITHUB_REF_NAME": branch,
            "GITHUB_EVENT_PATH": str(place.with_suffix(".json")),
            "GITHUB_RUN_ID": str(self.jobs),
            "GITHUB_TOKEN": "of-no-account",
            "MONOREPO": sha if slug == "main/config" else "main",
            "GITOPS_SHARE": str(self.here.share),
            "GITOPS_CONFIG": str(self.here.share / "config.json"),
        }
        place.with_suffix(".json").write_text(json.dumps(event or {}))
        commands = checkout_step(self.here.world.root / ".gitea/workflows" / workflow)
        subprocess.run(["bash", "-e", "-c", commands], cwd=place, env={"PATH": "/usr/bin:/bin", **environ}, check=True)
        return door.open_office(place, environ, self.said.append)

    def check(self, slug: str, number: int) -> None:
        """The job that a pull request starts."""
        raw = self.here.forge.get(f"repos/{slug}/pulls/{number}")
        base = raw["base"]["sha"]
        office = self.job(slug, base, raw["base"]["ref"], {"pull_request": raw}, "check.yml")
        checking.check_pull(office)
        office.close()

    def release(self, slug: str, sha: str, **inputs: str) -> int:
        """The job that a push to release starts."""
        office = self.job(slug, sha, "release", {"inputs": inputs})
        try:
            return releasing.release(office, self.suite)
        finally:
            office.close()

    def configure(self, slug: str, sha: str, branch: str = "main") -> int:
        """The job that a push to main or rollback starts."""
        office = self.job(slug, sha, branch)
        try:
            return releasing.configure(office, self.suite)
        finally:
            office.close()

    def accept(self, slug: str, number: int) -> str:
        """Check a pull request, merge it; the commit that release holds then."""
        self.check(slug, number)
        self.here.merge(slug, number)
        return self.here.head(slug, "release")

    def propose(self, slug: str, branch: str, files: dict[str, str | None]) -> int:
        """A pull request of a person; its number."""
        self.here.push(slug, files, branch)
        return self.here.request(slug, branch).number


def checkout_step(workflow: Path) -> str:
    """The commands of the step that checks out."""
    lines = workflow.read_text().splitlines()
    start = lines.index("        run: |") + 1
    return "\n".join(line.strip() for line in lines[start:] if line.startswith(" " * 10))


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A seeded forge, nothing deployed yet."""
    with pipelines(tmp_path, jobs=False) as here:
        here.world.library("probe", 61, RECIPE, SPECS)
        (here.world.root / "config.env").unlink()
        (here.world.root / "config.env").write_text(ENV.format(vmid=160, number=60, name="config"))
        here.seed()
        yield Stage(here, Suite(tmp_path / "runs"))


ENV = "IP=10.187.60.{number}\nID={vmid}\nHOSTNAME={name}\nCORES=1\nMEMORY=256\nSWAP=128\nDISK=local-lvm:2\nBOOT=yes\n"


def env(stage: Stage, old: str = "", new: str = "") -> str:
    """The container's configuration, changed."""
    return (stage.here.world.root / "libs/probe/config.env").read_text().replace(old, new)


def test_an_accepted_pull_request_is_deployed_and_its_result_posted(stage: Stage) -> None:
    sha = stage.accept("main/probe", 1)
    assert stage.release("main/probe", sha) == ExitCode.OK
    (plan,) = stage.suite.plans
    assert [(entry.name, entry.action) for entry in plan.pending] == [("probe", Action.CREATE)]
    status = stage.here.status("main/probe", sha, "gitops/deploy")
    assert (status.state, status.description) == ("success", "probe: passed, 1 specs passed")
    told = stage.here.comment("main/probe", 1, "deploy")
    assert "| `probe` | create | passed | 1 of 1 |" in told
    assert "has changed since it was accepted" not in told
    assert stage.release("main/probe", sha) == ExitCode.OK
    assert len(stage.suite.plans) == 1


def test_a_failed_spec_is_quoted(stage: Stage) -> None:
    stage.suite.failing = True
    sha = stage.accept("main/probe", 1)
    assert stage.release("main/probe", sha) == ExitCode.FAILED
    assert stage.here.status("main/probe", sha, "gitops/deploy").state == "failure"
    body = stage.here.comment("main/probe", 1, "deploy")
    assert "`specs/test_x.py::test_answers` failed" in body
    assert "AssertionError: port 1883 is closed" in body


def deployed(stage: Stage) -> None:
    """Probe stands."""
    assert stage.release("main/probe", stage.accept("main/probe", 1)) == ExitCode.OK


def node_put(stage: Stage, **settings: Any) -> None:
    """Somebody changes the container by hand."""
    office = stage.job("main/probe", stage.here.head("main/probe", "main"), "main")
    workspace = office.workspace()
    workspace.pve.put("nodes/pve/lxc/161/config", **settings)
    workspace.close()
    office.close()


def test_a_plan_that_went_stale_and_does_more_waits_for_a_person(stage: Stage) -> None:
    deployed(stage)
    number = stage.propose("main/probe", "more", {"config.env": env(stage, "MEMORY=256", "MEMORY=512")})
    sha = stage.accept("main/probe", number)
    assert "| restart |" not in stage.here.comment("main/probe", number, "plan")
    node_put(stage, mp0="local-lvm:1,mp=/by-hand")
    before = len(stage.suite.plans)
    assert stage.release("main/probe", sha) == ExitCode.CHANGES
    assert len(stage.suite.plans) == before
    status = stage.here.status("main/probe", sha, "gitops/deploy")
    assert status.state == "pending"
    digest = status.description.partition("confirm=")[2].partition(":")[0]
    body = stage.here.comment("main/probe", number, "deploy")
    assert "`probe` (restart)" in body
    assert digest in body
    assert stage.release("main/probe", sha, confirm="0123456789abcdef") == ExitCode.CHANGES
    assert stage.release("main/probe", sha, confirm=digest) == ExitCode.OK
    assert stage.suite.plans[-1].pending[0].action is Action.RESTART


def test_a_plan_that_went_stale_and_does_no_more_is_posted_and_carried_out(stage: Stage) -> None:
    deployed(stage)
    number = stage.propose("main/probe", "more", {"config.env": env(stage, "MEMORY=256", "MEMORY=512")})
    sha = stage.accept("main/probe", number)
    assert "`swap`" not in stage.here.comment("main/probe", number, "plan")
    node_put(stage, swap=64)
    posted: list[str] = []
    stage.suite.meanwhile = lambda: posted.append(stage.here.comment("main/probe", number, "deploy"))
    assert stage.release("main/probe", sha) == ExitCode.OK
    for told in (*posted, stage.here.comment("main/probe", number, "deploy")):
        assert "The plan has changed since it was accepted; it restarts and replaces no more." in told
        assert "| `swap` | `64` | `128` | none |" in told
    assert len(posted) == 1


def test_a_replacement_needs_to_have_been_named(stage: Stage) -> None:
    deployed(stage)
    smaller = env(stage, "DISK=local-lvm:2", "DISK=local-lvm:1")
    number = stage.propose("main/probe", "smaller", {"config.env": smaller})
    sha = stage.accept("main/probe", number)
    assert "**replace**" in stage.here.comment("main/probe", number, "plan")
    assert stage.release("main/probe", sha) == ExitCode.OK
    assert stage.suite.plans[-1].pending[0].action is Action.REPLACE


def test_what_others_write_into_a_pull_request_is_no_agreement(stage: Stage) -> None:
    deployed(stage)
    number = stage.propose("main/probe", "smaller", {"config.env": env(stage, "DISK=local-lvm:2", "DISK=local-lvm:1")})
    stage.check("main/probe", number)
    seal = next(line for line in stage.here.comment("main/probe", number, "plan").splitlines() if "agreement" in line)
    other = stage.propose("main/probe", "other", {"config.env": env(stage, "DISK=local-lvm:2", "DISK=local-lvm:1")})
    stage.here.admin.post(f"repos/main/probe/issues/{other}/comments", {"body": seal})
    stage.here.merge("main/probe", other)
    assert stage.release("main/probe", stage.here.head("main/probe", "release")) == ExitCode.CHANGES


def test_a_release_of_everything_takes_in_the_control_plane(stage: Stage) -> None:
    sha = stage.accept("main/config", 1)
    assert stage.release("main/config", sha) == ExitCode.OK
    assert sorted(entry.name for entry in stage.suite.plans[0].pending) == ["config", "probe"]


def test_a_push_to_main_configures_what_stands_and_makes_nothing(stage: Stage) -> None:
    assert stage.configure("main/probe", stage.here.head("main/probe", "main")) == ExitCode.OK
    assert stage.suite.plans == []
    deployed(stage)
    sha = stage.here.push("main/probe", {"recipes/default.rb": RECIPE.replace("one", "two")}, "main")
    assert stage.configure("main/probe", sha) == ExitCode.OK
    assert [entry.action for entry in stage.suite.plans[-1].pending] == [Action.CONVERGE]
    smaller = stage.here.push("main/probe", {"config.env": env(stage, "DISK=local-lvm:2", "DISK=local-lvm:1")}, "main")
    before = len(stage.suite.plans)
    assert stage.configure("main/probe", smaller) == ExitCode.OK
    assert len(stage.suite.plans) == before
    assert "left to a release" in stage.here.status("main/probe", smaller, "gitops/configure").description


def test_rollback_deploys_the_commit_that_the_branch_holds(stage: Stage) -> None:
    deployed(stage)
    sha = stage.here.push("main/probe", {"recipes/default.rb": RECIPE.replace("one", "old")}, "older")
    assert stage.configure("main/probe", sha, "rollback") == ExitCode.OK
    recipe = stage.here.path / f"job-{stage.jobs}" / "libs/probe/recipes/default.rb"
    assert "old" in recipe.read_text()
    assert [entry.action for entry in stage.suite.plans[-1].pending] == [Action.CONVERGE]


def test_the_node_is_called_before_the_forge_is_asked_for_anything(stage: Stage) -> None:
    sha = stage.accept("main/probe", 1)
    office = stage.job("main/probe", sha, "release")
    stage.here.stop_forge()
    before = calls(stage)
    done = subprocess.run(
        [sys.executable, "-m", "harness", "release"],
        cwd=office.root,
        env={**os.environ, **office.environ, "GITOPS_ROOT": str(office.root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == ExitCode.UNREACHABLE, done.stderr
    assert calls(stage)[len(before) :][0] == "POST /api2/json/access/ticket"


def calls(stage: Stage) -> list[str]:
    """What the node was asked for so far."""
    lines = (stage.here.path / ACCESS_LOG).read_text().splitlines()
    return [f"{entry['method']} {entry['path']}" for entry in map(json.loads, lines)]


def test_a_release_whose_repository_is_gone_says_so_and_changes_nothing(stage: Stage) -> None:
    sha = stage.accept("main/probe", 1)
    office = stage.job("main/probe", sha, "release")
    stage.here.admin.delete("repos/main/probe")
    with pytest.raises(Exception, match="probe"):
        releasing.release(office, stage.suite)
    office.close()
    assert stage.suite.plans == []


def test_a_forge_that_goes_away_hears_the_result_when_it_is_back(tmp_path: Path) -> None:
    with pipelines(tmp_path, jobs=False) as here:
        here.world.library("probe", 61, RECIPE, SPECS)
        (here.world.root / "config.env").write_text(ENV.format(vmid=160, number=60, name="config"))
        here.seed()
        stage = Stage(here, Suite(tmp_path / "runs"))
        sha = stage.accept("main/probe", 1)
        stage.suite.meanwhile = here.stop_forge
        office = stage.job("main/probe", sha, "release")
        assert releasing.release(office, stage.suite) == ExitCode.OK
        waiting = list((here.share / "outbox").glob("*.json"))
        assert len(waiting) >= 2
        with forge_daemon(tmp_path / "forge", here.port):
            office.close()
            assert stage.here.status("main/probe", sha, "gitops/deploy").state == "success"
            assert "| `probe` | create | passed |" in here.comment("main/probe", 1, "deploy")
            assert not list((here.share / "outbox").glob("*.json"))


def test_an_older_release_is_not_brought_back(stage: Stage) -> None:
    first = stage.accept("main/probe", 1)
    number = stage.propose("main/probe", "more", {"config.env": env(stage, "MEMORY=256", "MEMORY=512")})
    second = stage.accept("main/probe", number)
    assert stage.release("main/probe", second) == ExitCode.OK
    assert stage.release("main/probe", first) == ExitCode.OK
    assert len(stage.suite.plans) == 1
    assert "superseded" in stage.here.status("main/probe", first, "gitops/deploy").description


def test_a_release_of_everything_takes_a_part_that_was_released_since(stage: Stage) -> None:
    stage.check("main/config", 1)
    stage.here.push("main/probe", {"config.env": env(stage, "MEMORY=256", "MEMORY=512")}, "newer")
    number = stage.here.request("main/probe", "newer").number
    assert stage.release("main/probe", stage.accept("main/probe", number)) == ExitCode.OK
    stage.check("main/config", 1)
    assert "`probe`" not in stage.here.comment("main/config", 1, "plan").partition("Nothing happens")[0]
    sha = stage.accept("main/config", 1)
    assert stage.release("main/config", sha) == ExitCode.OK
    assert [entry.name for entry in stage.suite.plans[-1].pending] == ["config"]


def test_a_stage_is_deployed_beside_the_real_one(stage: Stage) -> None:
    deployed(stage)
    stage.here.push("stage/probe", {"config.stage.env": "IP=10.187.60.71\nID=171\n"}, "main")
    sha = stage.accept("stage/probe", 1)
    assert stage.release("stage/probe", sha) == ExitCode.OK
    (entry,) = stage.suite.plans[-1].pending
    assert (entry.name, entry.hostname, entry.vmid, entry.action) == ("probe", "stage-probe", 171, Action.CREATE)
    known = json.loads((next(stage.here.share.glob("*/containers.json"))).read_text())["containers"]
    states = {one["name"]: one["status"] for one in known}
    assert (states["probe"], states["stage-probe"]) == ("running", "running")
