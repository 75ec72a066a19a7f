"""Files, history and settings of repositories as pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.embedded.forge.git import names, trees
from tests.unit.pages_site import Site, site

FILES = {
    "README.md": "# Hello\n\n[docs](docs/a.md) <script>alert(1)</script>\n",
    "config.env": "ID=110\nNAME=<b>\n",
    "docs/a.md": "*deep*\n",
    "evil.html": "<script>alert(1)</script>",
    "evil.svg": '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "binary.dat": "a\0b",
}


@pytest.fixture(scope="module")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("repository")) as found:
        found.repository("main/config", FILES, description="The control plane")
        found.repository("main/hidden", {"secret.txt": "hush\n"}, private=True)
        found.repository("main/empty")
        found.api.commit("main/config", {"config.env": "ID=111\n"}, "A deep branch", new="feature/deep/one")
        yield found


def test_the_start_page_shows_files_and_the_rendered_readme(forge: Site) -> None:
    page = forge.visitor().get("/main/config")
    assert page.status_code == 200
    for expected in ('href="/main/config/src/branch/main/config.env"', "<h1>Hello</h1>", "The control plane"):
        assert expected in page.text
    assert 'href="/main/config/src/branch/main/docs/a.md"' in page.text
    assert "<script>alert" not in page.text


def test_every_page_carries_the_policy_that_lets_nothing_foreign_run(forge: Site) -> None:
    headers = forge.visitor().get("/main/config").headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"


def test_no_page_has_script_or_style_of_its_own(forge: Site) -> None:
    admin = forge.admin()
    for path in ("/", "/main/config", "/main/config/settings", "/containers", "/user/settings/applications"):
        text = admin.get(path).text
        assert text.count("<script") == 1, path
        assert ' style="' not in text
        assert " onclick" not in text


@pytest.mark.parametrize("name", ["evil.html", "evil.svg"])
def test_a_raw_file_runs_nothing(forge: Site, name: str) -> None:
    answer = forge.visitor().get(f"/main/config/raw/branch/main/{name}")
    assert answer.status_code == 200
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert not answer.headers["content-type"].startswith("text/html")


def test_a_file_is_shown_escaped_with_numbered_lines(forge: Site) -> None:
    page = forge.visitor().get("/main/config/src/branch/main/config.env").text
    assert 'id="L2"' in page
    assert "&lt;" in page
    assert "<b>\n" not in page


def test_markdown_is_rendered_and_its_source_is_a_click_away(forge: Site) -> None:
    visitor = forge.visitor()
    assert "<em>deep</em>" in visitor.get("/main/config/src/branch/main/docs/a.md").text
    assert "*deep*" in visitor.get("/main/config/src/branch/main/docs/a.md?display=source").text


def test_a_binary_file_is_offered_not_shown(forge: Site) -> None:
    assert "A binary file." in forge.visitor().get("/main/config/src/branch/main/binary.dat").text


def test_a_branch_with_slashes_and_a_path_are_told_apart(forge: Site) -> None:
    page = forge.visitor().get("/main/config/src/branch/feature/deep/one/config.env")
    assert page.status_code == 200
    assert "111" in page.text
    raw = forge.visitor().get("/main/config/raw/branch/feature/deep/one/config.env")
    assert raw.text == "ID=111\n"


@pytest.mark.parametrize(
    "path",
    [
        "/main/none",
        "/nobody",
        "/admin",
        "/main/config/src/branch/none",
        "/main/config/src/branch/main/none.txt",
        "/main/config/src/branch/main/../../../etc/passwd",
        "/main/config/src/branch/main/%2e%2e/%2e%2e/forge.db",
        "/main/config/raw/branch/main/..%2f..%2fforge.db",
        "/main/config/raw/branch/--upload-pack=x/y",
        "/main/config/raw/commit/HEAD/README.md",
        "/main/config/src/branch/main%00/x",
        "/main/config/src/other/main",
        "/main/config/commit/zzzz",
        "/main/config/commit/--output=x",
        "/main/config/archive/none.zip",
        "/main/config/pulls/99",
        "/main/config/pulls/x",
        "/main/config/actions/runs/99",
        "/main/config/wiki",
        "/assets/none.css",
        "/assets/..%2fpage.py",
        "/main/config/.git/config",
    ],
)
def test_what_is_not_there_is_not_found(forge: Site, path: str) -> None:
    answer = forge.admin().get(path)
    assert answer.status_code == 404


def test_a_client_that_wants_no_page_reads_not_found_as_text(forge: Site) -> None:
    answer = forge.visitor().session.get(f"{forge.url}/nobody", headers={"accept": "*/*"}, timeout=30)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/plain;charset=utf-8")
    assert answer.text == "Not found.\n"


@pytest.mark.parametrize(
    "path", ["", "/src/branch/main/secret.txt", "/raw/branch/main/secret.txt", "/archive/main.zip"]
)
def test_a_private_repository_is_there_for_its_members_only(forge: Site, path: str) -> None:
    assert forge.visitor().get(f"/main/hidden{path}").status_code == 404
    assert forge.person("ben").get(f"/main/hidden{path}").status_code == 404
    assert forge.admin().get(f"/main/hidden{path}").status_code == 200


def test_lists_leave_out_what_one_may_not_see(forge: Site) -> None:
    for path in ("/", "/main", "/explore/repos"):
        assert "main/hidden" not in forge.person("ben").get(path).text
        assert "main/hidden" in forge.admin().get(path).text


def test_an_empty_repository_says_how_to_fill_it(forge: Site) -> None:
    page = forge.visitor().get("/main/empty")
    assert page.status_code == 200
    assert f"git remote add origin {forge.url}/main/empty.git" in page.text


def test_history_and_a_commit_with_its_difference(forge: Site) -> None:
    visitor = forge.visitor()
    log = visitor.get("/main/config/commits/branch/feature/deep/one").text
    assert "A deep branch" in log
    sha = log.split("/main/config/commit/")[1][:40]
    page = visitor.get(f"/main/config/commit/{sha}").text
    assert "-ID=110" in page
    assert "+ID=111" in page
    assert visitor.get(f"/main/config/commit/{sha}.diff").headers["content-type"].startswith("text/plain")


def test_names_are_found_in_any_case_and_by_the_clone_address(forge: Site) -> None:
    visitor = forge.visitor()
    assert visitor.get("/MAIN/Config").status_code == 200
    assert visitor.get("/main/config.git").status_code == 200


def test_a_renamed_repository_leads_on(forge: Site) -> None:
    forge.repository("main/before", {"a": "b\n"})
    forge.api.call("PATCH", "/repos/main/before", {"name": "after"})
    answer = forge.visitor().get("/main/before/commits/branch/main")
    assert (answer.status_code, answer.headers["location"]) == (303, "/main/after/commits/branch/main")


def test_a_submodule_leads_to_its_repository_on_this_forge_only(forge: Site) -> None:
    git = forge.served.forge.git(1)
    modules = '[submodule "a"]\n\tpath = libs/here\n\turl = ../here.git\n[submodule "b"]\n\tpath = libs/there\n'
    modules += "\turl = https://elsewhere.example/there.git\n"
    forge.api.commit("main/config", {".gitmodules": modules}, "Name the parts")
    tip = git.text("rev-parse", "main")
    edits = [trees.Edit(f"libs/{name}", tip, "160000") for name in ("here", "there")]
    who = trees.Identity("Ann", "ann@example.com")
    made = trees.commit_tree(git, trees.edited_tree(git, tip, edits), [tip], "Add the parts\n", who, who)
    git.move("refs/heads/parts", made, names.ZERO)
    page = forge.visitor().get("/main/config/src/branch/parts/libs").text
    assert f'href="/main/here/src/commit/{tip}"' in page
    assert "elsewhere.example" not in page
    assert "there" in page


def test_a_refused_form_leads_back_to_this_site_whatever_the_referer_says(forge: Site) -> None:
    admin = forge.admin()
    admin.get("/main/config/settings")
    for referer in ("http://evil.example/x", f"{forge.url}//evil.example/x"):
        answer = admin.session.post(
            f"{forge.url}/main/config/branches/delete", {"_csrf": admin.token(), "name": "main"},
            headers={"referer": referer}, allow_redirects=False, timeout=30,
        )  # fmt: skip
        assert not answer.headers.get("location", "/").startswith("//")
        assert "evil.example" not in answer.headers.get("location", "").split("/")[:3]


def test_names_beyond_ascii_are_linked_and_followed(forge: Site) -> None:
    forge.api.commit("main/config", {"größe/ä b.txt": "x\n"}, "Grüße", new="zweig/ü")
    admin = forge.admin()
    assert admin.get("/main/config/src/branch/zweig/ü/größe/ä b.txt").status_code == 200
    answer = admin.get("/main/config/pulls/new/zweig/ü")
    assert admin.get(answer.headers["location"]).status_code == 200


def test_settings_are_for_those_who_administer(forge: Site) -> None:
    stranger = forge.visitor().get("/main/config/settings")
    assert stranger.headers["location"] == "/user/login?redirect_to=%2Fmain%2Fconfig%2Fsettings"
    assert forge.person("ben").get("/main/config/settings").status_code == 404
    admin = forge.admin()
    form = {"description": "Told anew", "default_branch": "main", "website": ""}
    assert admin.post("/main/config/settings", on="/main/config/settings", **form).status_code == 303
    assert "Told anew" in admin.get("/main/config").text


def test_an_archived_repository_is_read_and_not_changed(forge: Site) -> None:
    forge.repository("main/old", {"a": "b\n"})
    admin = forge.admin()
    admin.post("/main/old/settings/archive", on="/main/old/settings", archived="yes")
    form = {"description": "changed", "default_branch": "main"}
    admin.post("/main/old/settings", on="/main/old/settings", **form)
    page = admin.get("/main/old/settings").text
    assert "archived: it can be read, not changed" in page
    assert 'value="changed"' not in page


def test_what_snapshot_holds_comes_back_by_a_pull_request_on_top_of_release(forge: Site) -> None:
    forge.repository("main/back", {"a": "old\n"})
    for name in ("snapshot", "release"):
        forge.api.call("POST", "/repos/main/back/branches", {"new_branch_name": name, "old_ref_name": "main"})
    git = forge.served.forge.git(int(forge.served.forge.db.value("SELECT max(id) FROM repository")))
    admin = forge.admin()
    assert "Set to release" not in admin.get("/main/back/branches").text, "nothing differs yet"
    forge.api.commit("main/back", {"a": "new\n"}, "Newer", branch="release")
    assert "Set to release" in admin.get("/main/back/branches").text
    answer = admin.post("/main/back/branches/restore", name="snapshot")
    number = answer.headers["location"].rsplit("/", 1)[-1]
    again = admin.post("/main/back/branches/restore", on="/main/back/branches", name="snapshot")
    assert again.headers["location"] == answer.headers["location"], "pressed twice it is the same one"
    page = admin.get(f"/main/back/pulls/{number}")
    head = page.text.split('name="head" value="')[1][:40]
    admin.post(f"/main/back/pulls/{number}/merge", head=head)
    assert git.text("show", "release:a") == "old"
    assert git.text("rev-parse", "release^{tree}") == git.text("rev-parse", "snapshot^{tree}")
    assert names.is_full_sha(head)


def test_a_branch_that_began_without_files_is_nothing_to_go_back_to(forge: Site) -> None:
    forge.repository("main/fresh", {"a": "here\n"})
    forge.api.call("POST", "/repos/main/fresh/branches", {"new_branch_name": "release", "old_ref_name": "main"})
    git = forge.served.forge.git(int(forge.served.forge.db.value("SELECT max(id) FROM repository")))
    empty = git.text("hash-object", "-w", "-t", "tree", "--stdin")
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    git.move("refs/heads/rollback", git.text(*who, "commit-tree", empty, "-m", "Begin"), names.ZERO)
    admin = forge.admin()
    assert "Set to release" not in admin.get("/main/fresh/branches").text
    admin.post("/main/fresh/branches/restore", name="rollback")
    assert "no files other than those of release" in admin.get("/main/fresh/branches").text
    assert git.text("show", "release:a") == "here"


def test_branches_that_pipelines_stand_on_have_no_button_to_remove_them(forge: Site) -> None:
    page = forge.admin().get("/main/back/branches").text
    assert 'aria-label="Remove branch snapshot"' not in page
    assert 'aria-label="Remove branch restore-' in page
