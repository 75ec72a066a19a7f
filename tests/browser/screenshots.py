"""``python -m tests.browser.screenshots [FOLDER]``: the pictures of docs/pages.md, taken from the tests' own world."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image  # comes with matplotlib
from playwright.sync_api import Browser, sync_playwright

from harness.embedded.forge import server
from tests.browser import world
from tests.browser.conftest import ARGUMENTS
from tests.browser.deploy import REPORT
from tests.browser.world import World

# name: path, colour scheme, width, height
PICTURES = {
    "overview": ("/", "light", 1080, 860),
    "pull-request": ("/main/config/pulls/1", "light", 1080, 820),
    "difference": ("/main/config/pulls/1/files", "light", 1080, 760),
    "run": ("/main/config/actions/runs/{run}", "dark", 1080, 560),
    "report": (REPORT, "light", 1080, 820),
    "containers": ("/containers?show=changes", "light", 1080, 700),
    "repository": ("/main/config", "dark", 1080, 760),
    "small-screen": ("/main/config/pulls/1", "light", 360, 780),
}


def take(browser: Browser, forge: World, folder: Path) -> None:
    """Every picture."""
    for name, (path, scheme, width, height) in PICTURES.items():
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
        page = context.new_page()
        page.goto(f"{forge.url}/user/login")
        page.get_by_label("Name or e-mail").fill(forge.served.admin)
        page.get_by_label("Password").fill(forge.served.password.reveal())
        page.locator("main").get_by_role("button", name="Sign in").click()
        page.goto(forge.url + path.format(run=forge.run))
        page.screenshot(path=folder / f"{name}.png")
        _shrink(folder / f"{name}.png")
        context.close()


def _shrink(path: Path) -> None:
    """A palette is enough for pages, and a third of the bytes."""
    Image.open(path).convert("RGB").quantize(192, dither=Image.Dither.NONE).save(path, optimize=True)


def main(folder: Path) -> None:
    """Start a forge and a browser, take the pictures, end both."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="pictures-") as state,
        server.serve(Path(state)) as served,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium") or "", args=ARGUMENTS)
        take(browser, world.build(served), folder)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images"))
