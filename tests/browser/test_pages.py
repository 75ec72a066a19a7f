"""The pages in Chromium: what a person does with mouse, keyboard, a small screen, without JavaScript."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from harness.embedded.forge import clock
from harness.embedded.forge.services import job_logs
from harness.embedded.forge.store import actions
from tests.browser.deploy import REPORT
from tests.browser.world import Client, World

PLACES = (
    "/", "/containers", "/containers?show=changes", "/explore/repos", "/explore/organizations", "/pulls", "/runs",
    "/main", "/main/config", "/main/config/src/branch/main/noxfile.py", "/main/config/src/branch/main/libs/proxy",
    "/main/config/commits/branch/main", "/main/config/commit/{sha}", "/main/config/branches", "/main/config/tags",
    "/main/config/pulls", "/main/config/pulls/1", "/main/config/pulls/1/commits", "/main/config/pulls/1/files",
    "/main/proxy/pulls/1",
    "/main/config/compare/release...main", "/main/config/actions", "/main/config/actions/runs/{run}",
    REPORT,
    "/main/config/settings", "/main/config/settings/actions/variables", "/org/main/settings/actions/variables",
    "/main/config/settings/actions/secrets", "/user/settings/account", "/user/settings/applications", "/main/none",
)  # fmt: skip
UNNAMED = """() => [...document.querySelectorAll('input:not([type=hidden]), textarea, select, button, summary, a')]
  .filter((one) => one.getAttribute('aria-hidden') !== 'true' && one.checkVisibility())
  .filter((one) => !(one.labels?.length || one.getAttribute('aria-label') || one.textContent.trim()
                     || one.querySelector('[aria-label], title, img[alt]:not([alt=""])')))
  .map((one) => one.outerHTML.slice(0, 120))"""
PALE = """() => {
  const rgb = (text) => {
    const part = text.match(/[\\d.]+/g).map(Number);
    if (!text.startsWith('color(srgb')) return [...part, 1].slice(0, 4);
    return [...part.slice(0, 3).map((v) => v * 255), part[3] ?? 1];
  };
  const linear = (v) => v <= 10.31 ? v / 3294.6 : ((v / 255 + .055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => [r, g, b].map(linear)
    .reduce((sum, v, at) => sum + v * [.2126, .7152, .0722][at], 0);
  const ground = (one) => {
    for (let at = one; at; at = at.parentElement) {
      const found = rgb(getComputedStyle(at).backgroundColor);
      if (found[3] === 1 && getComputedStyle(at).backgroundColor !== 'rgba(0, 0, 0, 0)') return found;
    }
    return [255, 255, 255];
  };
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const one = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || !one.checkVisibility() || one.closest('svg, option, script')) continue;
    const [a, b] = [light(rgb(getComputedStyle(one).color)), light(ground(one))];
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    const words = walk.currentNode.data.trim().slice(0, 40);
    if (ratio < 4.5) found.push(`${ratio.toFixed(2)} ${one.className || one.tagName}: ${words}`);
  }
  return [...new Set(found)];
}"""


@contextmanager
def _context(browser: Browser, **options: Any) -> Iterator[BrowserContext]:
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
    context.set_default_timeout(15_000)
    yield context
    context.close()


def _sign_in(page: Page, forge: World) -> None:
    page.goto(f"{forge.url}/user/login")
    page.get_by_label("Name or e-mail").fill(forge.served.admin)
    page.get_by_label("Password").fill(forge.served.password.reveal())
    page.locator("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def _places(forge: World) -> list[str]:
    git = forge.served.forge.git(
        int(forge.served.forge.db.value("SELECT id FROM repository WHERE lower_name='config'"))
    )
    return [place.format(sha=git.text("rev-parse", "main"), run=forge.run) for place in PLACES]


def _fresh_pull(forge: World, name: str) -> str:
    """The address of a pull request that nobody has touched."""
    client = Client(forge.served)
    client.call("POST", "/orgs/main/repos", {"name": name, "default_branch": "main"})
    client.commit(f"main/{name}", {"a.txt": "one\n"}, "First")
    client.commit(f"main/{name}", {"a.txt": "two\n"}, "Second", new="topic")
    client.call("POST", f"/repos/main/{name}/pulls", {"title": "A change", "head": "topic", "base": "main"})
    return f"{forge.url}/main/{name}/pulls/1"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_quiet_named_and_readable(browser: Browser, forge: World, scheme: Any) -> None:
    """No error on the console, nothing that the policy stops, a name for every control, contrast of 4.5 to 1."""
    trouble: list[str] = []
    with _context(browser, color_scheme=scheme) as context:
        page = context.new_page()
        page.on("console", lambda said: trouble.append(f"{page.url}: {said.text}") if said.type == "error" else None)
        page.on("pageerror", lambda wrong: trouble.append(f"{page.url}: {wrong}"))
        page.on("dialog", lambda dialog: trouble.append(f"{page.url}: dialog {dialog.message}"))
        _sign_in(page, forge)
        for place in _places(forge):
            page.goto(forge.url + place)
            trouble += [f"{place}: no name: {one}" for one in page.evaluate(UNNAMED)]
            trouble += [f"{place}: too pale: {one}" for one in page.evaluate(PALE)]
    assert [one for one in trouble if "status of 404" not in one] == []


def test_every_page_fits_a_small_screen(browser: Browser, forge: World) -> None:
    with _context(browser, viewport={"width": 360, "height": 740}) as context:
        page = context.new_page()
        _sign_in(page, forge)
        wide = []
        for place in _places(forge):
            page.goto(forge.url + place)
            width = page.evaluate("document.documentElement.scrollWidth")
            if width > 360:
                wide.append((place, width))
    assert wide == []


def test_a_person_reads_the_plan_and_merges(browser: Browser, forge: World) -> None:
    with _context(browser) as context:
        page = context.new_page()
        page.goto(f"{forge.url}/main/config/pulls/1")
        page.get_by_role("link", name="Sign in to merge").click()
        page.get_by_label("Name or e-mail").fill(forge.served.admin)
        page.get_by_label("Password").fill(forge.served.password.reveal())
        page.locator("main").get_by_role("button", name="Sign in").click()
        plan = page.get_by_role("article", name="Plan")
        expect(plan.get_by_role("cell", name="restart").first).to_be_visible()
        expect(page.get_by_text("Every check passed.")).to_be_visible()
        page.goto(_fresh_pull(forge, "by-mouse"))
        page.get_by_role("button", name="Merge").click()
        expect(page.get_by_text("Merged into main.")).to_be_visible()
        expect(page.get_by_role("button", name="Merge")).to_have_count(0)


def test_the_keyboard_alone_is_enough(browser: Browser, forge: World) -> None:
    """Sign in, open the menu of the account, merge: with Tab, Enter and Escape, the focus always visible."""
    address = _fresh_pull(forge, "by-keyboard")
    with _context(browser) as context:
        page = context.new_page()
        page.goto(f"{forge.url}/user/login")
        page.keyboard.type(forge.served.admin)  # the first field has the focus
        page.keyboard.press("Tab")
        page.keyboard.type(forge.served.password.reveal())
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Overview")).to_be_visible()
        page.goto(address)
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
        seen = _tab_until(page, "Account of root")
        assert all(outline != "none" for outline in seen)
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("button", name="Sign out")).to_be_hidden()
        _tab_until(page, "Merge")
        page.keyboard.press("Enter")
        expect(page.get_by_text("Merged into main.")).to_be_visible()


def _tab_until(page: Page, name: str) -> list[str]:
    """Press Tab until what is named has the focus; the outlines on the way."""
    outlines = []
    for _ in range(60):
        page.keyboard.press("Tab")
        found, outline = page.evaluate(
            "() => { const at = document.activeElement; return [at.ariaLabel || at.textContent.trim(),"
            " getComputedStyle(at).outlineStyle]; }"
        )
        outlines.append(outline)
        if found == name:
            return outlines
    raise AssertionError(f"Tab never reaches {name}")


def test_it_all_works_without_javascript(browser: Browser, forge: World) -> None:
    address = _fresh_pull(forge, "without-script")
    with _context(browser, java_script_enabled=False) as context:
        page = context.new_page()
        _sign_in(page, forge)
        page.goto(f"{forge.url}/main/config/actions/runs/{forge.run}")
        expect(page.get_by_text("nox > Session deploy failed.")).to_be_visible()
        page.goto(f"{address}/files")
        expect(page.get_by_text("+two")).to_be_visible()
        page.goto(address)
        page.get_by_label("Comment").fill("Said **without** script")
        page.get_by_role("button", name="Comment").click()
        expect(page.locator("strong", has_text="without")).to_be_visible()
        page.get_by_role("button", name="Merge").click()
        expect(page.get_by_text("Merged into main.")).to_be_visible()


def test_a_log_grows_while_one_looks_and_ends_by_itself(browser: Browser, forge: World) -> None:
    database, job = forge.served.forge.db, actions.jobs(forge.served.forge.db, forge.running)[0]
    with _context(browser) as context:
        page = context.new_page()
        _sign_in(page, forge)
        page.goto(f"{forge.url}/main/config/actions/runs/{forge.running}")
        expect(page.get_by_role("button", name="Cancel")).to_be_visible()
        page.locator("summary", has_text="Plan").click()
        expect(page.get_by_text("nox > Running session plan")).to_be_visible()
        job_logs.append(forge.served.forge, job, job.lines, ["proxy    <i>restarted</i>"])
        expect(page.get_by_text("<i>restarted</i>")).to_be_visible(timeout=10_000)
        expect(page.get_by_text("nox > Running session plan")).to_be_visible()  # what was opened stays open
        ended = {"status": "completed", "conclusion": "success", "ended": clock.now()}
        database.update("job", job.id, **ended)
        database.update("run", forge.running, **ended)
        expect(page.get_by_role("button", name="Run again")).to_be_visible(timeout=10_000)


def test_a_check_that_arrives_shows_without_a_click(browser: Browser, forge: World) -> None:
    address = _fresh_pull(forge, "live-check")
    client = Client(forge.served)
    sha = client.call("GET", "/repos/main/live-check/pulls/1")["head"]["sha"]
    with _context(browser) as context:
        page = context.new_page()
        _sign_in(page, forge)
        page.goto(address)
        page.get_by_label("Comment").fill("half a sentence")
        client.call("POST", f"/repos/main/live-check/statuses/{sha}", {"context": "plan", "state": "success"})
        expect(page.get_by_text("Every check passed.")).to_be_visible(timeout=10_000)
        expect(page.get_by_label("Comment")).to_have_value("half a sentence")


def test_containers_show_what_would_change_and_what_failed(browser: Browser, forge: World) -> None:
    with _context(browser) as context:
        page = context.new_page()
        _sign_in(page, forge)
        page.get_by_role("link", name="Containers", exact=True).click()
        row = page.get_by_role("row").filter(has_text="10.143.0.12")
        expect(row.get_by_text("1 change · restart")).to_be_visible()
        row.get_by_text("Details of proxy").click()
        expect(row.get_by_text("502 is not 200")).to_be_visible()
        expect(row.get_by_role("link", name="Open its pull request")).to_have_attribute("href", "/main/config/pulls/1")


def test_another_site_can_neither_frame_a_page_nor_send_its_forms(browser: Browser, forge: World) -> None:
    address = _fresh_pull(forge, "attacked")
    sha = Client(forge.served).call("GET", "/repos/main/attacked/pulls/1")["head"]["sha"]
    with _context(browser) as context:
        page = context.new_page()
        _sign_in(page, forge)
        page.route("http://evil.test/", lambda route: route.fulfill(content_type="text/html", body=(
            f'<form method="post" action="{address}/merge"><input name="head" value="{sha}"></form>'
            f'<iframe src="{address}"></iframe>')))  # fmt: skip
        page.goto("http://evil.test/")
        page.evaluate("document.forms[0].submit()")
        page.wait_for_url(f"{address}/merge")
        expect(page.get_by_role("heading", name="Not allowed")).to_be_visible()
    assert not Client(forge.served).call("GET", "/repos/main/attacked/pulls/1")["merged"]


def test_a_report_is_read_in_its_frame_and_by_itself_without_script(browser: Browser, forge: World) -> None:
    with _context(browser, java_script_enabled=False) as context:
        page = context.new_page()
        _sign_in(page, forge)
        page.goto(f"{forge.url}/main/config/actions/runs/{forge.run}")
        page.get_by_role("link", name="Report").click()
        report = page.frame_locator("iframe.report")
        expect(report.get_by_role("heading", name="Failed")).to_be_visible()
        expect(report.locator(".sign")).to_have_css("display", "grid")  # its own styles apply
        expect(report.get_by_text("● upstream")).to_have_count(0)
        report.get_by_role("region", name="Plan").get_by_role("link", name="broker").click()
        expect(report.get_by_text("template[/etc/mosquitto/conf.d/default.conf]").first).to_be_attached()
        page.get_by_role("link", name="Open by itself").click()
        expect(page.get_by_role("heading", name="What went wrong")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 1280


def test_a_report_reaches_nothing_around_it(browser: Browser, forge: World) -> None:
    """What others wrote into it neither runs, nor sends, nor leads the page away."""
    evil = (
        "<script>parent.document.title = 'taken'; document.title = 'ran'</script>"
        f"<form action='{forge.url}/user/logout' method=post><button>Go on</button></form>"
        "<meta http-equiv=refresh content='0;url=/user/login'><img src=/from-the-report onerror=alert(1)>"
        "<a href='/user/login' target=_top>Leave</a>"
    )
    Client(forge.served).publish("reports/evil", {"html": evil})
    with _context(browser) as context:
        page = context.new_page()
        asked: list[str] = []
        _sign_in(page, forge)
        page.on("requestfinished", lambda request: asked.append(request.url.removeprefix(forge.url)))
        here = f"{forge.url}/main/config/actions/reports/evil"
        page.goto(here)
        frame = page.frame_locator("iframe.report")
        frame.get_by_role("button", name="Go on").click()
        frame.get_by_role("link", name="Leave").click()
        page.goto(f"{here}/document")
        page.get_by_role("button", name="Go on").click()
        assert page.title() == ""
        assert [path for path in asked if path.startswith(("/user", "/from-the-report"))] == []
        page.goto(f"{forge.url}/user/settings/account")
        expect(page.get_by_role("heading", name="Password")).to_be_visible()  # still signed in
