"""What the commands make of their arguments."""

from __future__ import annotations

import argparse
from types import SimpleNamespace
from typing import cast

import pytest

from harness.cli import arguments, planning
from harness.inventory.model import Inventory
from harness.kit.errors import UsageError
from harness.lifecycle.workspace import Workspace
from tests import samples

INVENTORY = Inventory(tuple(samples.container(name) for name in ("broker", "proxy", "apache")))


def parse(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    arguments.add_containers(parser)
    arguments.add_pytest(parser)
    parser.add_argument("--allow-replace", action="append", default=[])
    options, options_rest = parser.parse_known_args(words)
    options.rest = options_rest
    return options


def test_no_name_means_all_containers() -> None:
    assert arguments.chosen(parse(), INVENTORY) == ("broker", "proxy", "apache")


def test_named_containers_come_in_deployment_order() -> None:
    assert arguments.chosen(parse("apache", "broker"), INVENTORY) == ("broker", "apache")


def test_a_name_after_an_option_is_still_a_container() -> None:
    options = parse("broker", "-x", "proxy")
    assert arguments.chosen(options, INVENTORY) == ("broker", "proxy")
    assert arguments.pytest_arguments(options) == ["-x"]


def test_an_unknown_name_is_refused_with_the_ones_there_are() -> None:
    with pytest.raises(UsageError, match="brokr") as caught:
        arguments.chosen(parse("brokr"), INVENTORY)
    assert caught.value.hint == "there are: apache, broker, proxy"
    assert caught.value.exit_code == 2


def test_a_container_to_be_replaced_must_be_one() -> None:
    assert arguments.known(["proxy"], INVENTORY) == {"proxy"}
    with pytest.raises(UsageError, match="no container is called brokr"):
        planning.make(cast("Workspace", SimpleNamespace(inventory=INVENTORY)), parse("--allow-replace", "brokr"))


def test_a_pytest_options_value_is_no_container() -> None:
    options = parse("broker", "-k", "proxy", "--lf", "-n", "2")
    assert arguments.chosen(options, INVENTORY) == ("broker",)
    assert arguments.pytest_arguments(options) == ["-k", "proxy", "--lf", "-n", "2"]


def test_options_that_only_pytest_knows_go_through() -> None:
    assert arguments.pytest_arguments(parse("-x", "--color=no", "--junitxml", "x.xml")) == [
        "-x",
        "--junitxml",
        "x.xml",
        "--color=no",
    ]
