"""Secrets mask themselves."""

from __future__ import annotations

import json
import pickle

import pytest

from harness.kit.process import CommandError, run
from harness.kit.secret import MASK, Secret, redact


def test_a_secret_never_prints_itself() -> None:
    secret = Secret("hunter2-of-the-test")
    assert [str(secret), repr(secret), f"{secret}", f"{[secret]}"] == [MASK, MASK, MASK, f"[{MASK}]"]
    with pytest.raises(TypeError):
        json.dumps({"password": secret})
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(secret)
    assert secret.reveal() == "hunter2-of-the-test"


def test_the_redactor_masks_the_longest_secret_first() -> None:
    Secret("longsecret")
    Secret("longsecret-and-more")
    assert redact("a longsecret-and-more b longsecret c") == f"a {MASK} b {MASK} c"


def test_a_short_secret_does_not_blank_out_half_of_every_log() -> None:
    Secret("ab")
    assert redact("abandon ab") == "abandon ab"


def test_a_failing_command_does_not_quote_a_secret() -> None:
    secret = Secret("leaky-value-17")
    with pytest.raises(CommandError) as caught:
        run(["sh", "-c", "cat >&2; exit 3"], stdin=f"password is {secret.reveal()}".encode())
    assert secret.reveal() not in str(caught.value) + (caught.value.detail or "")
    assert MASK in str(caught.value)
    assert caught.value.completed.code == 3
