"""What is kept for one target, and who may read it."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.config.settings import ProxmoxSettings, Settings
from harness.config.share import Share, ShareError
from harness.kit.secret import Secret


@pytest.fixture
def share(tmp_path: Path) -> Share:
    return Share.for_target(tmp_path, Settings(), {})


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_each_target_has_a_directory_of_its_own(tmp_path: Path) -> None:
    host = Settings(proxmox=ProxmoxSettings(host="pve.lan"))
    assert Share.for_target(tmp_path, Settings(), {}).path == tmp_path / "local/share/embedded"
    assert Share.for_target(tmp_path, host, {}).path == tmp_path / "local/share/pve.lan-8006"


def test_a_variable_names_another_place(tmp_path: Path) -> None:
    share = Share.for_target(Path("/nowhere"), Settings(), {"GITOPS_SHARE": str(tmp_path)})
    assert share.path == tmp_path / "embedded"


def test_nothing_is_made_before_it_is_asked_for(share: Share) -> None:
    assert share.networks() == {}
    assert not share.path.exists()


def test_directories_are_private(share: Share) -> None:
    for path in (share.keys, share.runs, share.node, share.known_hosts.parent, share.path.parent):
        assert mode(path) == 0o700


def test_a_directory_of_the_users_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    share = Share.for_target(tmp_path, Settings(), {"GITOPS_SHARE": str(tmp_path)})
    assert (mode(share.keys), mode(tmp_path)) == (0o700, 0o755)


def test_a_configured_password_is_not_written_down(share: Share) -> None:
    settings = Settings(login="me", password=Secret("pw-of-mine"))
    assert share.credentials(settings) == ("me", Secret("pw-of-mine"))
    assert not share.login_file.exists()


def test_a_missing_password_is_made_once(share: Share) -> None:
    login, password = share.credentials(Settings())
    assert login == "admin"
    assert len(password.reveal()) >= 20
    assert mode(share.login_file) == 0o600
    assert Share(share.path).credentials(Settings()) == (login, password)


def test_another_login_keeps_the_password(share: Share) -> None:
    _, password = share.credentials(Settings())
    assert share.credentials(Settings(login="me")) == ("me", password)
    assert json.loads(share.login_file.read_text())["login"] == "me"


def test_two_targets_have_different_secrets(tmp_path: Path) -> None:
    one, other = Share(tmp_path / "one"), Share(tmp_path / "other")
    assert one.credentials(Settings())[1] != other.credentials(Settings())[1]
    assert one.revision_key() != other.revision_key()


def test_the_revision_key_stays(share: Share) -> None:
    key = share.revision_key()
    assert len(key) == 32
    assert share.revision_key() == key
    assert mode(share.path / "revision.key") == 0o600


def test_many_at_once_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: Share(tmp_path / "x").credentials(Settings())[1].reveal(), range(16)))
    assert len(set(found)) == 1


def test_networks_are_remembered_beside_each_other(share: Share) -> None:
    share.remember_networks({"10.0.0.0/24": "10.143.0.0/24"})
    share.remember_networks({"192.168.1.0/24": "10.143.1.0/24"})
    assert share.networks() == {"10.0.0.0/24": "10.143.0.0/24", "192.168.1.0/24": "10.143.1.0/24"}


@pytest.mark.parametrize("text", ["", "[]", '{"login": 1}'])
def test_a_damaged_file_is_named_with_what_to_do(share: Share, text: str) -> None:
    share.login_file.write_text(text)
    with pytest.raises(ShareError, match=r"login\.json") as caught:
        share.credentials(Settings())
    assert caught.value.hint


def test_a_damaged_key_is_named(share: Share) -> None:
    share.revision_key()
    (share.path / "revision.key").write_text("xyz")
    with pytest.raises(ShareError, match=r"revision\.key"):
        share.revision_key()
