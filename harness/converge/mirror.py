"""Asks a Cinc mirror for a release: one that answers as the omnitruck API does.

The API (docs.chef.io, "Omnitruck API"): ``GET /<channel>/<product>/metadata?v=&p=&pv=&m=`` answers tab-separated
``sha1``, ``sha256``, ``url`` and ``version`` lines, or the same as JSON; ``/<channel>/<product>/versions/all`` lists
every version as JSON.
"""

from __future__ import annotations

import json
import re
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from harness.converge.errors import MirrorError
from harness.converge.versions import Rule, newest

DEFAULT_MIRROR = "https://omnitruck.cinc.sh"
PINNED = Rule("18.8.54")
"""The Cinc release that containers get; changing it converges every container again."""
PROBE_SECONDS = 3.0
PATIENCE_SECONDS = 6.0
_PRODUCT = "stable/cinc"
_PLATFORMS = (("13", "x86_64"), ("12", "x86_64"), ("13", "aarch64"), ("12", "aarch64"))
_DEBIAN = {"x86_64": "amd64", "aarch64": "arm64"}
_SHA256 = re.compile(r"[0-9a-f]{64}")

Fetch = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class Package:
    """One .deb of a release: for which Debian and architecture (``amd64``), where, and its SHA-256."""

    debian: str
    architecture: str
    url: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Release:
    """A version of Cinc with its packages."""

    version: str
    packages: tuple[Package, ...]


@dataclass(frozen=True, slots=True)
class MirrorAnswer:
    """What the mirror said, once in a run: a release, or why there is none."""

    url: str
    release: Release | None
    problem: str = ""

    def require(self) -> Release:
        """The release. Raises ``MirrorError`` when there is none."""
        if self.release is None:
            raise MirrorError(
                f"the Cinc mirror {self.url} is not usable: {self.problem}",
                hint="set cinc_mirror in local/config.json to one that answers, or ENGINE=itamae",
            )
        return self.release


def ask_mirror(
    url: str | None = None, rule: Rule = PINNED, *, fetch: Fetch | None = None, patience: float = PATIENCE_SECONDS
) -> MirrorAnswer:
    """Ask the mirror (None: Cinc's own) for the release that ``rule`` allows; never raises, says why instead.

    It gets ``patience`` seconds in all: a resolver that hangs is outside of every socket's time-out.
    """
    base = (url or DEFAULT_MIRROR).rstrip("/")
    answers: list[MirrorAnswer] = []
    asking = threading.Thread(target=lambda: answers.append(_ask(base, rule, fetch or download)), daemon=True)
    asking.start()
    asking.join(patience)
    return answers[0] if answers else MirrorAnswer(base, None, f"no answer within {patience:g} s")


def _ask(base: str, rule: Rule, fetch: Fetch) -> MirrorAnswer:
    try:
        version = rule.exact or _newest(base, rule, fetch)
        return MirrorAnswer(base, Release(version, _packages(base, version, fetch)))
    except MirrorError as error:
        return MirrorAnswer(base, None, error.message)


def download(url: str, *, timeout: float = PROBE_SECONDS) -> bytes:
    """The body at an http(s) ``url``. Raises ``MirrorError``; ``timeout`` in seconds for each network wait."""
    if not url.startswith(("http://", "https://")):
        raise MirrorError(f"{url} is no http or https address")
    request = urllib.request.Request(url, headers={"Accept": "application/json, */*"})  # noqa: S310 - checked above
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:  # noqa: S310 - checked above
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        error.close()
        raise MirrorError(f"it answers {error.code} to {urllib.parse.urlsplit(url).path}") from error
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise MirrorError(getattr(reason, "strerror", None) or str(reason)) from error


def _newest(base: str, rule: Rule, fetch: Fetch) -> str:
    try:
        listed = json.loads(fetch(f"{base}/{_PRODUCT}/versions/all"))
    except ValueError as error:
        raise MirrorError("its list of versions is not JSON") from error
    if not isinstance(listed, list):
        raise MirrorError("its list of versions is no list")
    version = newest((str(item) for item in listed), rule)
    if version is None:
        raise MirrorError(f"it has no version that satisfies {rule.text}")
    return version


def _packages(base: str, version: str, fetch: Fetch) -> tuple[Package, ...]:
    with ThreadPoolExecutor(len(_PLATFORMS)) as pool:
        answers = list(pool.map(lambda platform: _package(base, version, platform, fetch), _PLATFORMS))
    packages = tuple(answer for answer in answers if isinstance(answer, Package))
    if not packages:
        raise next(answer for answer in answers if isinstance(answer, MirrorError))
    return packages


def _package(base: str, version: str, platform: tuple[str, str], fetch: Fetch) -> Package | MirrorError:
    """Errors are returned: not every release is built for every Debian."""
    debian, machine = platform
    query = urllib.parse.urlencode({"v": version, "p": "debian", "pv": debian, "m": machine})
    try:
        found = _metadata(fetch(f"{base}/{_PRODUCT}/metadata?{query}").decode(errors="replace"))
    except MirrorError as error:
        return error
    sha256, url = found.get("sha256", "").lower(), found.get("url", "")
    if found.get("version") != version or not url.startswith(("http://", "https://")):
        return MirrorError(f"it does not offer {version} for Debian {debian} ({machine})")
    if not _SHA256.fullmatch(sha256):
        return MirrorError(f"it names no SHA-256 for {url}")
    return Package(debian, _DEBIAN[machine], url, sha256)


def _metadata(text: str) -> dict[str, str]:
    try:
        answer = json.loads(text)
    except ValueError:
        lines = (line.split("\t", 1) for line in text.splitlines() if "\t" in line)
        return {key.strip(): value.strip() for key, value in lines}
    return {str(key): str(value) for key, value in answer.items()} if isinstance(answer, dict) else {}
