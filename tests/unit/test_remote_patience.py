"""Which failures are waited out."""

from __future__ import annotations

import pytest

from harness.remote import errors
from harness.remote.patience import Patience
from tests.samples import FakeClock


def test_nobody_listening_yet_is_borne_without_end() -> None:
    patience = Patience(FakeClock())
    for _ in range(100):
        patience.bear(errors.RemoteUnreachable("refused"))
    assert patience.may_try


def test_a_changed_host_key_is_not_borne() -> None:
    with pytest.raises(errors.HostKeyChanged):
        Patience(FakeClock()).bear(errors.HostKeyChanged("changed"))


def test_a_missing_host_key_is_not_borne() -> None:
    with pytest.raises(errors.HostKeyUnknown):
        Patience(FakeClock()).bear(errors.HostKeyUnknown("unknown"))


def test_a_refused_login_is_tried_again_after_a_pause() -> None:
    clock = FakeClock()
    patience = Patience(clock)
    patience.bear(errors.LoginRefused("no"))
    assert not patience.may_try
    clock.sleep(2)
    assert patience.may_try


def test_a_second_refusal_is_final() -> None:
    patience = Patience(FakeClock())
    patience.bear(errors.LoginRefused("no"))
    with pytest.raises(errors.LoginRefused):
        patience.bear(errors.LoginRefused("no"))


def test_the_last_word_is_the_last_line_that_ssh_said() -> None:
    patience = Patience(FakeClock())
    assert patience.last_word == "no answer"
    patience.bear(errors.RemoteUnreachable("x", detail="Warning\nConnection refused\n"))
    assert patience.last_word == "Connection refused"
