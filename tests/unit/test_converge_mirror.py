"""Asking a Cinc mirror, over a stand-in for the network."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable

import pytest

from harness.converge import cinc
from harness.converge.engine import choose_engine
from harness.converge.errors import MirrorError
from harness.converge.mirror import MirrorAnswer, Package, Release, ask_mirror
from harness.converge.versions import Rule
from harness.kit.errors import UsageError

SHA = "ab" * 32
URL = "https://mirror.example"


def answering(metadata: Callable[[str], str | None], versions: str = "[]") -> Callable[[str], bytes]:
    def fetch(url: str) -> bytes:
        if url.endswith("/versions/all"):
            return versions.encode()
        body = metadata(url)
        if body is None:
            raise MirrorError(f"{url} answers 404")
        return body.encode()

    return fetch


def lines(version: str, sha: str = SHA) -> str:
    return f"sha1\tx\nsha256\t{sha}\nurl\t{URL}/cinc_{version}-1_amd64.deb\nversion\t{version}\n"


def test_a_release_has_a_package_for_each_debian_that_is_offered() -> None:
    fetch = answering(lambda url: lines("18.8.54") if "pv=12&m=x86_64" in url or "pv=12&m=aarch64" in url else None)
    answer = ask_mirror(URL, fetch=fetch)
    assert answer.release is not None
    assert [(item.debian, item.architecture) for item in answer.release.packages] == [("12", "amd64"), ("12", "arm64")]


def test_json_metadata_is_read_as_well() -> None:
    body = json.dumps({"sha256": SHA.upper(), "url": f"{URL}/a.deb", "version": "18.8.54"})
    answer = ask_mirror(URL + "/", fetch=answering(lambda _url: body))
    assert answer.require().packages[0] == Package("13", "amd64", f"{URL}/a.deb", SHA)


def test_a_package_without_sha256_is_refused() -> None:
    answer = ask_mirror(URL, fetch=answering(lambda _url: lines("18.8.54", sha="")))
    assert answer.release is None
    assert "SHA-256" in answer.problem


def test_another_version_than_the_pinned_one_is_refused() -> None:
    answer = ask_mirror(URL, fetch=answering(lambda _url: lines("18.7.10")))
    assert answer.release is None
    assert "does not offer 18.8.54" in answer.problem


def test_an_open_rule_takes_the_newest_version_by_number() -> None:
    fetch = answering(lambda url: lines(url.split("v=")[1].split("&")[0]), versions='["18.9.1", "18.10.2", "19.0.1"]')
    assert ask_mirror(URL, Rule("18"), fetch=fetch).require().version == "18.10.2"


def test_an_unreachable_mirror_is_an_answer_too() -> None:
    def refuse(url: str) -> bytes:
        raise MirrorError(f"{url}: no route to host")

    answer = ask_mirror(URL, fetch=refuse)
    assert answer.release is None
    assert "no route" in answer.problem


def test_a_mirror_that_hangs_is_waited_for_only_so_long() -> None:
    held = threading.Event()

    def hang(_url: str) -> bytes:
        held.wait(30)
        raise MirrorError("late")

    answer = ask_mirror(URL, fetch=hang, patience=0.01)
    held.set()
    assert answer.problem == "no answer within 0.01 s"


def test_auto_takes_itamae_where_the_mirror_does_not_answer_and_says_why() -> None:
    choice = choose_engine("auto", MirrorAnswer(URL, None, "no route to host"))
    assert (choice.name, choice.release) == ("itamae", None)
    assert "no route to host" in choice.reason


def test_cinc_demanded_without_a_mirror_is_an_error_with_a_way_out() -> None:
    with pytest.raises(MirrorError, match="no route") as caught:
        choose_engine("cinc", MirrorAnswer(URL, None, "no route to host"))
    assert "ENGINE=itamae" in str(caught.value.hint)


def test_itamae_demanded_ignores_the_mirror() -> None:
    release = Release("18.8.54", ())
    assert choose_engine("itamae", MirrorAnswer(URL, release)).name == "itamae"
    assert choose_engine("auto", MirrorAnswer(URL, release)).release is release


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(UsageError, match="ENGINE=puppet"):
        choose_engine("puppet", MirrorAnswer(URL, None))


def test_a_fetched_package_is_checked() -> None:
    good = hashlib.sha256(b"deb").hexdigest()
    release = Release("18.8.54", (Package("12", "amd64", f"{URL}/a.deb", good),))
    assert cinc.fetch(release, good, get=lambda _url: b"deb") == b"deb"
    with pytest.raises(MirrorError, match="promised"):
        cinc.fetch(release, good, get=lambda _url: b"other")
    with pytest.raises(MirrorError, match="no package"):
        cinc.fetch(release, "0" * 64, get=lambda _url: b"deb")
