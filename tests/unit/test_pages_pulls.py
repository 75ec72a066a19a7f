"""Pull requests as pages: reading one, talking about it, accepting it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.embedded.forge.store import pulls
from tests.unit.pages_site import Site, site


@pytest.fixture(scope="module")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("pulls")) as found:
        yield found


def _fresh(forge: Site, name: str, **details: str) -> str:
    """A repository with an open pull request; its page."""
    forge.repository(f"main/{name}", {"a.txt": "one\n"})
    forge.pull(f"main/{name}", {"a.txt": "two\n"}, **details)
    return f"/main/{name}/pulls/1"


def _head(text: str) -> str:
    return text.split('name="head" value="')[1][:40]


def _number(forge: Site) -> int:
    return int(forge.served.forge.db.value("SELECT max(id) FROM pull"))


def test_the_page_has_description_checks_and_the_button(forge: Site) -> None:
    address = _fresh(forge, "one", body="Does **this** <script>x</script>")
    sha = forge.api.call("GET", "/repos/main/one/pulls/1")["head"]["sha"]
    details = {"context": "plan <b>", "state": "success", "description": "nothing & all", "target_url": "javascript:x"}
    forge.api.call("POST", f"/repos/main/one/statuses/{sha}", details)
    page = forge.admin().get(address).text
    assert "Does <strong>this</strong>" in page
    assert "plan &lt;b&gt;" in page
    assert "nothing &amp; all" in page
    assert "javascript:x" not in page
    assert "Every check passed." in page
    assert "Merge</button>" in page


def test_a_stranger_reads_it_and_is_asked_to_sign_in_to_merge(forge: Site) -> None:
    page = forge.visitor().get("/main/one/pulls/1").text
    assert "Merge</button>" not in page
    assert "Sign in to merge" in page


def test_the_plan_stands_apart_from_what_people_say(forge: Site) -> None:
    address = _fresh(forge, "plan")
    for body in ("first words", "<!-- gitops:plan -->\nA **plan**", "last words"):
        forge.api.call("POST", "/repos/main/plan/issues/1/comments", {"body": body})
    page = forge.visitor().get(address).text
    assert page.count("A <strong>plan</strong>") == 1
    assert page.index("A <strong>plan</strong>") < page.index("first words") < page.index("last words")
    assert "gitops:plan" not in page


def test_a_stranger_with_the_mark_posts_no_plan(forge: Site) -> None:
    address = _fresh(forge, "forged")
    forge.person("mallory").post(f"{address}/comments", on=address, body="<!-- gitops:plan -->\nNothing happens")
    page = forge.visitor().get(address).text
    assert "Nothing happens" in page
    assert 'class="card plan"' not in page


def test_what_came_of_it_stands_above_the_plan(forge: Site) -> None:
    address = _fresh(forge, "result")
    for body in (
        "<!-- gitops:plan -->\nA **plan**",
        "other words",
        "<!-- gitops:deploy -->\nA **result**, [Report](/x)",
    ):
        forge.api.call("POST", "/repos/main/result/issues/1/comments", {"body": body})
    page = forge.visitor().get(address).text
    assert page.index("Result</h2>") < page.index("A <strong>result</strong>") < page.index("Plan</h2>")
    assert page.index("A <strong>plan</strong>") < page.index("other words")
    assert page.count("A <strong>result</strong>") == 1


def test_merging_makes_a_merge_commit_of_what_was_shown(forge: Site) -> None:
    address = _fresh(forge, "merge")
    admin = forge.admin()
    head = _head(admin.get(address).text)
    answer = admin.post(f"{address}/merge", head=head)
    assert (answer.status_code, answer.headers["location"]) == (303, address)
    page = admin.get(address).text
    assert "Merged into main." in page
    assert "Merge</button>" not in page
    found = pulls.by_id(forge.served.forge.db, _number(forge))
    assert found is not None
    parents = forge.served.forge.git(found.repo_id).text("rev-list", "--parents", "-1", "main").split()
    assert found.merged
    assert parents[2] == head


def test_a_head_that_moved_after_the_page_was_read_is_not_merged(forge: Site) -> None:
    address = _fresh(forge, "moved")
    admin = forge.admin()
    head = _head(admin.get(address).text)
    forge.api.commit("main/moved", {"a.txt": "three\n"}, "Sneak in", branch="topic")
    admin.post(f"{address}/merge", head=head)
    page = admin.get(address).text
    assert "Head out of date" in page
    assert "Merge</button>" in page
    assert not forge.api.call("GET", "/repos/main/moved/pulls/1")["merged"]


def test_who_may_not_write_has_no_button_and_sends_it_in_vain(forge: Site) -> None:
    address = _fresh(forge, "readonly")
    ann = forge.person("ann")
    page = ann.get(address).text
    assert "Merge</button>" not in page
    head = forge.api.call("GET", "/repos/main/readonly/pulls/1")["head"]["sha"]
    assert ann.post(f"{address}/merge", head=head).status_code == 303
    assert not forge.api.call("GET", "/repos/main/readonly/pulls/1")["merged"]


def test_a_conflict_is_said_and_not_offered(forge: Site) -> None:
    address = _fresh(forge, "conflict")
    forge.api.commit("main/conflict", {"a.txt": "other\n"}, "Differ")
    page = forge.admin().get(address).text
    assert "It conflicts with main" in page
    assert "Merge</button>" not in page


def test_a_failed_check_warns_and_leaves_the_decision(forge: Site) -> None:
    address = _fresh(forge, "failed")
    sha = forge.api.call("GET", "/repos/main/failed/pulls/1")["head"]["sha"]
    forge.api.call("POST", f"/repos/main/failed/statuses/{sha}", {"context": "plan", "state": "failure"})
    page = forge.admin().get(address).text
    assert "A check failed." in page
    assert "Merge</button>" in page


def test_files_and_commits_have_their_parts(forge: Site) -> None:
    visitor = forge.visitor()
    files = visitor.get("/main/one/pulls/1/files").text
    assert "-one" in files
    assert "+two" in files
    assert "Change it" in visitor.get("/main/one/pulls/1/commits").text
    assert visitor.get("/main/one/pulls/1.diff").text.startswith("diff --git a/a.txt b/a.txt")


def test_a_comment_is_said_changed_and_taken_back(forge: Site) -> None:
    address = _fresh(forge, "talk")
    admin = forge.admin()
    said = admin.post(f"{address}/comments", on=address, body="I *say*")
    key = said.headers["location"].rpartition("-")[2]
    assert "I <em>say</em>" in admin.get(address).text
    admin.post(f"{address}/comments/{key}", body="otherwise")
    assert "otherwise" in admin.get(address).text
    other = forge.person("ann")
    other.post(f"{address}/comments/{key}/delete", on=address)
    assert "otherwise" in admin.get(address).text, "it is not hers"
    admin.post(f"{address}/comments/{key}/delete")
    assert "otherwise" not in admin.get(address).text.split("<article")[-1]


def test_a_comment_of_another_repository_is_out_of_reach(forge: Site) -> None:
    address = _fresh(forge, "mine")
    key = forge.api.call("POST", "/repos/main/mine/issues/1/comments", {"body": "stay"})["id"]
    other = _fresh(forge, "yours")
    admin = forge.admin()
    admin.post(f"{other}/comments/{key}/delete", on=other)
    assert "stay" in admin.get(address).text


def test_closing_and_opening_again(forge: Site) -> None:
    address = _fresh(forge, "close")
    admin = forge.admin()
    admin.post(f"{address}/state", on=address, state="closed")
    page = admin.get(address).text
    assert "Closed without being merged." in page
    assert "Open again" in page
    admin.post(f"{address}/state", state="open")
    assert "Merge</button>" in admin.get(address).text
    assert "1 closed" not in admin.get("/main/close/pulls").text


def test_a_pull_request_is_opened_from_the_address_that_git_tells(forge: Site) -> None:
    forge.repository("main/new", {"a.txt": "one\n"})
    forge.api.commit("main/new", {"b.txt": "b\n"}, "Add b", new="topic/x")
    admin = forge.admin()
    answer = admin.get("/main/new/pulls/new/topic/x")
    assert answer.headers["location"] == "/main/new/compare/main...topic/x"
    page = admin.get(answer.headers["location"])
    assert "Add b" in page.text
    made = admin.post("/main/new/compare", base="main", head="topic/x", title="Add b", body="")
    assert made.headers["location"] == "/main/new/pulls/1"
    assert "There is an open pull request" in admin.get("/main/new/compare/main...topic/x").text


def test_an_update_brings_the_base_in(forge: Site) -> None:
    address = _fresh(forge, "behind")
    admin = forge.admin()
    assert "Update from main" not in admin.get(address).text
    forge.api.commit("main/behind", {"c.txt": "c\n"}, "Go on")
    assert "Update from main" in admin.get(address).text
    admin.post(f"{address}/update")
    page = admin.get(address).text
    assert "topic now holds everything of main." in page
    assert "Update from main" not in page


def test_the_list_over_all_repositories_is_for_people(forge: Site) -> None:
    assert forge.visitor().get("/pulls").status_code == 303
    assert "main/one" in forge.admin().get("/pulls").text


def test_a_merged_one_shows_what_the_deploy_says(forge: Site) -> None:
    address = _fresh(forge, "deployed")
    admin = forge.admin()
    head = _head(admin.get(address).text)
    admin.post(f"{address}/merge", head=head)
    merged = forge.api.call("GET", "/repos/main/deployed/pulls/1")["merge_commit_sha"]
    for sha, context in ((head, "gitops/plan"), (merged, "gitops/deploy")):
        status = {"context": context, "state": "success", "target_url": f"{forge.url}/main/deployed/actions/reports/r"}
        forge.api.call("POST", f"/repos/main/deployed/statuses/{sha}", status)
    checks = admin.get(address).text.partition('id="checks"')[2].partition("</ul>")[0]
    assert "gitops/plan" in checks
    assert "gitops/deploy" in checks
    assert 'href="/main/deployed/actions/reports/r"' in checks
