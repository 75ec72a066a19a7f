"""A deploy as pytest sees it: items, their order, failures, selection, with and without xdist."""

from __future__ import annotations

import sys

import pytest

from harness.lifecycle.plan import Action

STAGES = ["provision", "base", "converge", "idempotence"]
ALL = [*STAGES, "test_first", "test_second", "release"]


def test_every_item_of_a_new_container_runs_in_order(repository, workers) -> None:
    ran = repository.add("broker").deploy(*workers)
    assert ran.code == 0, ran.output
    assert list(ran.outcomes("broker").items()) == [(item, "passed") for item in ALL]
    assert repository.made("broker") == [*STAGES, "release"]


@pytest.mark.parametrize(
    ("action", "made"),
    [(Action.CONVERGE, ["base", "converge", "idempotence", "release"]), (Action.VERIFY, ["release"])],
)
def test_the_plan_says_what_a_container_is_in_for(repository, action, made) -> None:
    ran = repository.add("broker", action=action).deploy()
    assert ran.code == 0, ran.output
    assert repository.made("broker") == made
    assert ran.outcomes("broker")["test_first"] == "passed"


def test_an_unchanged_container_is_left_alone(repository, workers) -> None:
    repository.add("broker", action=Action.UNCHANGED).add("apache")
    ran = repository.deploy(*workers)
    assert ran.code == 0, ran.output
    assert ran.outcomes("broker") == {}
    assert list(ran.outcomes("apache")) == ALL


@pytest.mark.parametrize("count", ["-n0", "-n1", "-n3"])
def test_a_container_runs_after_those_it_needs(repository, count) -> None:
    repository.add("broker").add("apache", needs=("broker",)).add("proxy", needs=("apache",))
    ran = repository.deploy(count)
    assert ran.code == 0, ran.output
    assert ran.position("broker", "release") < ran.position("apache", "provision")
    assert ran.position("apache", "release") < ran.position("proxy", "provision")


@pytest.mark.parametrize("count", ["-n0", "-n2", "-n4"])
def test_a_diamond_of_needs_ends(repository, count) -> None:
    repository.add("top").add("left", needs=("top",)).add("right", needs=("top",)).add("low", needs=("left", "right"))
    ran = repository.deploy(count)
    assert ran.code == 0, ran.output
    assert all(list(ran.outcomes(name)) == ALL for name in ("top", "left", "right", "low"))


def test_each_container_has_one_worker_and_independent_ones_run_at_once(repository) -> None:
    repository.add("apache", converge=1.0).add("broker", converge=1.0)
    ran = repository.deploy("-n2")
    assert ran.code == 0, ran.output
    assert (len(ran.workers("apache")), len(ran.workers("broker"))) == (1, 1)
    assert ran.workers("apache") != ran.workers("broker")


def test_a_failed_stage_skips_the_rest_of_its_group_and_its_dependants(repository, workers) -> None:
    repository.add("broker", converge="fail").add("proxy", needs=("broker",)).add("apache")
    ran = repository.deploy(*workers)
    assert ran.code == 1
    assert ran.outcomes("broker") == dict(zip(ALL, ["passed", "passed", "failed", *["skipped"] * 4], strict=True))
    assert ran.reason("broker", "test_first") == "broker: converge failed"
    assert set(ran.outcomes("proxy").values()) == {"skipped"}
    assert ran.reason("proxy", "provision").startswith("broker did not get verified, which proxy needs")
    assert set(ran.outcomes("apache").values()) == {"passed"}


def test_a_dependant_of_a_dependant_is_skipped_too(repository, workers) -> None:
    repository.add("a", base="fail").add("b", needs=("a",)).add("c", needs=("b",))
    ran = repository.deploy(*workers)
    assert set(ran.outcomes("c").values()) == {"skipped"}
    assert "b did not get verified" in ran.reason("c", "provision")


def test_a_failed_spec_leaves_the_others_to_run_but_nothing_is_released(repository, workers) -> None:
    spec = "def test_first():\n    assert 1 == 2\n\ndef test_second():\n    pass\n"
    ran = repository.add("broker", spec=spec).add("proxy", needs=("broker",)).deploy(*workers)
    assert ran.code == 1
    found = ran.outcomes("broker")
    assert (found["test_first"], found["test_second"], found["release"]) == ("failed", "passed", "skipped")
    assert "test_first has not passed" in ran.reason("broker", "release")
    assert set(ran.outcomes("proxy").values()) == {"skipped"}


def test_a_spec_file_that_does_not_load_fails_its_container_only(repository, workers) -> None:
    ran = repository.add("broker", spec="def test_(:\n").add("apache").add("proxy", needs=("broker",)).deploy(*workers)
    assert ran.code == 1, ran.output
    assert set(ran.outcomes("apache").values()) == {"passed"}
    assert "specs/test_broker.py was not collected" in ran.reason("broker", "release")
    assert set(ran.outcomes("proxy").values()) == {"skipped"}


def test_a_spec_that_skips_itself_is_no_obstacle(repository) -> None:
    spec = "import pytest\n\ndef test_first():\n    pytest.skip('not here')\n\ndef test_second():\n    pass\n"
    ran = repository.add("broker", spec=spec).deploy()
    assert ran.code == 0, ran.output
    assert repository.made("broker")[-1] == "release"


def test_a_need_that_was_refused_holds_its_dependants_back(repository) -> None:
    ran = repository.add("broker", action=Action.REFUSED).add("proxy", needs=("broker",)).deploy()
    assert set(ran.outcomes("proxy").values()) == {"skipped"}
    assert "it was refused" in ran.reason("proxy", "provision")


@pytest.mark.parametrize("count", ["-n1", "-n2", "-n3"])
def test_a_worker_that_dies_fails_its_item_and_the_run_goes_on(repository, count) -> None:
    repository.add("broker", converge="crash").add("proxy", needs=("broker",)).add("apache", converge=0.5)
    ran = repository.deploy(count)
    assert ran.code == 1, ran.output
    assert ran.outcomes("broker")["converge"] == "failed"
    assert "ended while running it" in ran.reason("broker", "converge")
    assert ran.outcomes("broker")["release"] == "skipped"
    assert set(ran.outcomes("proxy").values()) == {"skipped"}
    assert set(ran.outcomes("apache").values()) == {"passed"}
    assert repository.made("broker") == ["provision", "base"]


def test_selected_items_check_that_deselected_ones_hold(repository, workers) -> None:
    repository.add("broker")
    ran = repository.deploy("-k", "converge", *workers)
    assert ran.code == 1
    assert "provision was deselected and does not hold: broker has no provision" in ran.output


def test_selected_items_run_when_deselected_ones_hold(repository, workers) -> None:
    repository.add("broker").add("proxy", needs=("broker",))
    assert repository.deploy(*workers, run="1").code == 0
    ran = repository.deploy("-k", "converge", *workers, run="2")
    assert ran.code == 0, ran.output
    assert list(ran.outcomes("broker")) == ["converge"]
    assert list(ran.outcomes("proxy")) == ["converge"]


def test_release_needs_every_item_of_this_revision(repository) -> None:
    repository.add("broker")
    first = repository.deploy("-k", "not test_second", run="1")
    assert first.code == 0, first.output
    assert first.outcomes("broker")["release"] == "skipped"
    assert "test_second has not passed" in first.reason("broker", "release")
    second = repository.deploy("-k", "test_second or release", run="2")
    assert second.outcomes("broker") == {"test_second": "passed", "release": "passed"}


def test_passes_of_another_revision_do_not_count(repository) -> None:
    assert repository.add("broker", revision="r1").deploy(run="1").code == 0
    ran = repository.add("broker", revision="r2").deploy("-k", "release", run="2")
    assert ran.outcomes("broker") == {"release": "skipped"}
    assert "provision has not passed" in ran.reason("broker", "release")


def test_items_named_one_by_one_release_nothing(repository) -> None:
    repository.add("broker")
    libs = "libs/broker"
    ran = repository.deploy(f"{libs}/config.env", f"{libs}/specs/test_broker.py::test_first")
    assert ran.outcomes("broker")["release"] == "skipped"
    assert "only some of its items" in ran.reason("broker", "release")


def test_last_failed_runs_what_failed(repository, workers) -> None:
    repository.add("broker", converge="fail").add("apache")
    assert repository.deploy(*workers, run="1").code == 1
    repository.behave("broker")
    ran = repository.deploy("--lf", *workers, run="2")
    assert ran.code == 0, ran.output
    assert ran.outcomes("broker") == {"converge": "passed"}
    assert ran.outcomes("apache") == {}


def test_a_run_directory_used_again_starts_afresh(repository, workers) -> None:
    repository.add("broker", converge="fail")
    assert repository.deploy(*workers).code == 1
    repository.behave("broker")
    ran = repository.deploy(*workers)
    assert ran.code == 0, ran.output
    assert repository.made("broker")[-1] == "release"


def test_exitfirst_stops_the_run(repository, workers) -> None:
    repository.add("apache", provision="fail").add("broker", needs=("apache",))
    ran = repository.deploy("-x", *workers)
    assert ran.code == 1, ran.output
    assert "base" not in ran.outcomes("apache")
    assert ran.outcomes("broker") == {}


def test_a_system_that_does_not_answer_gives_its_own_exit_code(repository, workers) -> None:
    ran = repository.add("broker", provision="unreachable").deploy(*workers)
    assert ran.code == 3, ran.output


def test_a_failure_beside_one_out_of_reach_is_a_failure(repository, workers) -> None:
    ran = repository.add("broker", provision="unreachable").add("apache", base="fail").deploy(*workers)
    assert ran.code == 1, ran.output


@pytest.mark.parametrize("count", ["-n0", "-n2"])
def test_an_interrupt_ends_with_130(repository, count) -> None:
    repository.add("broker", converge="hang").add("apache", converge="hang")
    ran = repository.interrupted(count, when="broker.converge")
    assert ran.code == 130, ran.output
    assert "Traceback" not in ran.output


def test_an_error_for_people_is_shown_without_a_traceback(repository, workers) -> None:
    ran = repository.add("broker", converge="fail").deploy(*workers)
    assert "broker converge went wrong" in ran.output
    assert "→ mend it" in ran.output
    assert "the last line of its output" in ran.output
    assert "raise HarnessError" not in ran.output


def test_a_defect_shows_where_it_is(repository) -> None:
    ran = repository.add("broker", converge="raise").deploy()
    assert "ZeroDivisionError" in ran.output
    assert ran.code == 1


def test_a_line_says_how_each_step_ended(repository, workers) -> None:
    ran = repository.add("broker").deploy(*workers)
    lines = [line.split() for line in ran.output.splitlines()]
    assert any(line[:3] == ["broker", "converge", "passed"] and line[-2:] == ["1", "changed"] for line in lines)
    assert any(line[:3] == ["broker", "specs", "passed"] and line[-2:] == ["2", "passed"] for line in lines)


def test_the_run_directory_holds_journal_report_and_junit(repository, workers) -> None:
    ran = repository.add("broker").deploy(*workers)
    assert {path.name for path in ran.directory.iterdir()} >= {"journal.jsonl", "report.html", "junit.xml"}
    junit = (ran.directory / "junit.xml").read_text()
    assert 'name="converge"' in junit
    assert 'name="end"' not in junit
    assert str(ran.directory / "report.html") in ran.output


def test_junit_goes_where_the_command_line_says(repository) -> None:
    ran = repository.add("broker").deploy("--junitxml=mine.xml")
    assert ran.code == 0
    assert (repository.path / "mine.xml").exists()


def test_nothing_selected_is_a_usage_error(repository) -> None:
    assert repository.add("broker").deploy("-k", "nosuchthing").code == 2


def test_a_run_without_a_plan_is_a_usage_error(repository) -> None:
    command = [sys.executable, "-m", "pytest", "--gitops=deploy", "--gitops-run=nowhere"]
    ran = repository.add("broker").execute(command)
    assert ran.code == 4
    assert "no plan" in ran.output
