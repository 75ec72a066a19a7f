"""A real browser for the pages: Debian's Chromium, installed here when it is missing and that is possible."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from harness.embedded.forge import server
from harness.kit.files import exclusive
from tests.browser import world
from tests.browser.world import World

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
_NAMES = ("chromium", "chromium-browser", "google-chrome")


def _known() -> str | None:
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


def _install() -> str:
    """Why there is no Chromium afterwards; empty when there is one."""
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        return "there is no Chromium, and only root on Debian can install it: apt-get install chromium"
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    steps = (["apt-get", "-q", "update"], ["apt-get", "-qy", "install", "--no-install-recommends", "chromium"])
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, env=environment, timeout=600, check=False)
        if done.returncode and step is steps[-1]:
            return f"Chromium cannot be installed: {done.stderr.strip()[-300:]}"
    return ""


@pytest.fixture(scope="session")
def chromium() -> str:
    """Its path; skips the test, saying why, where there is none and none can be installed."""
    with exclusive(Path(tempfile.gettempdir()) / "gitops-tests-chromium.lock"):
        reason = "" if _known() else _install()
    found = _known()
    if found is None:
        pytest.skip(reason or "Chromium was installed and is not found")
    return found


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """One for the module."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A forge with a small infrastructure in it."""
    with server.serve(tmp_path_factory.mktemp("browser") / "forge") as served:
        yield world.build(served)
