"""``--gitops=verify``: specs only, in parallel per container."""

from __future__ import annotations

from harness.lifecycle.plan import Action


def test_only_specs_run_whatever_the_plan_says(repository, workers) -> None:
    repository.add("broker", action=Action.UNCHANGED).add("apache", action=Action.CREATE)
    ran = repository.run("verify", *workers)
    assert ran.code == 0, ran.output
    assert list(ran.outcomes("broker")) == ["test_first", "test_second"]
    assert list(ran.outcomes("apache")) == ["test_first", "test_second"]
    assert repository.made("apache") == []


def test_needs_do_not_hold_a_container_back(repository) -> None:
    failing = "import time\n\ndef test_first():\n    time.sleep(0.5)\n    assert False\n"
    repository.add("broker", spec=failing).add("proxy", needs=("broker",))
    ran = repository.run("verify", "-n2")
    assert ran.code == 1
    assert set(ran.outcomes("proxy").values()) == {"passed"}


def test_each_container_is_verified_by_one_worker(repository) -> None:
    slow = "import time\n\ndef test_first():\n    time.sleep(1)\n\ndef test_second():\n    pass\n"
    ran = repository.add("broker", spec=slow).add("apache", spec=slow).run("verify", "-n2")
    assert ran.code == 0, ran.output
    assert (len(ran.workers("broker")), len(ran.workers("apache"))) == (1, 1)
    assert ran.workers("broker") != ran.workers("apache")


def test_containers_that_were_not_chosen_are_not_collected(repository) -> None:
    repository.add("broker")
    chosen = list(repository.entries)
    repository.add("apache")
    repository.entries = chosen
    ran = repository.run("verify")
    assert ran.outcomes("apache") == {}
    assert list(ran.outcomes("broker")) == ["test_first", "test_second"]
