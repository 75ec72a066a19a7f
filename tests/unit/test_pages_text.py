"""Strangers' text on pages: Markdown, source, differences, output of programs."""

from __future__ import annotations

import pytest

from harness.embedded.forge.pages import diffs, highlight, markdown, terminal, words
from harness.embedded.forge.pages.memory import Memory


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "a <b onclick=x>b</b>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "![x](javascript:alert(1))",
        "[x](data:text/html,<script>alert(1)</script>)",
        "[x](vbscript:x)",
        "```html\n<script>alert(1)</script>\n```",
        '```"><script>alert(1)</script>\nx\n```',
        "# <script>alert(1)</script>",
        '[x](/y "\\"><script>alert(1)</script>")',
        "<!-- a --><script>alert(1)</script>",
        "|a|\n|-|\n|<script>alert(1)</script>|",
    ],
)
def test_markdown_lets_no_markup_of_its_author_pass(text: str) -> None:
    made = str(markdown.render(text)).lower()
    assert "<script" not in made
    assert "<img src=x" not in made
    assert "<b onclick" not in made
    for address in ('href="javascript', 'href="data', 'href="vbscript', 'src="javascript'):
        assert address not in made


def test_a_mark_at_the_beginning_is_not_shown() -> None:
    made = markdown.render("<!-- gitops:plan v=1 -->\n<!-- more -->\n**2** changes")
    assert made == "<p><strong>2</strong> changes</p>\n"


def test_a_comment_on_a_line_of_its_own_is_not_shown_anywhere_but_in_code() -> None:
    made = markdown.render("one\n<!-- seal abc -->\n\n<!-- x --> two\n\n```\n<!-- code -->\n```\n")
    assert "seal" not in made
    assert "<p>&lt;!-- x --&gt; two</p>" in made
    assert "&lt;!-- code --&gt;" in made


def test_relative_addresses_lead_into_the_repository_and_never_out_of_it() -> None:
    text = "[a](b/c.md#d) [up](../../../../etc/passwd) [abs](/x) [web](https://example.org) ![p](p.png)"
    made = markdown.render(text, links="/o/r/src/branch/main", images="/o/r/raw/branch/main", directory="docs")
    assert 'href="/o/r/src/branch/main/docs/b/c.md#d"' in made
    assert 'href="/o/r/src/branch/main/etc/passwd"' in made
    assert 'href="/x"' in made
    assert 'href="https://example.org"' in made
    assert 'src="/o/r/raw/branch/main/docs/p.png"' in made


def test_tables_keep_their_alignment_without_a_style_attribute() -> None:
    made = markdown.render("|a|b|\n|-|-:|\n|1|2|")
    assert "style=" not in made
    assert '<td class="align-right">2</td>' in made


def test_the_source_of_a_diagram_is_folded_and_escaped() -> None:
    made = markdown.render("```mermaid\nflowchart LR\n  a[<b>] --> b\n```")
    assert made.startswith('<details class="diagram"><summary>')
    assert "a[&lt;b&gt;] --&gt; b" in made
    assert "<details" not in markdown.render("```ruby\nputs 1\n```")


def test_code_is_coloured_by_its_language() -> None:
    assert 'class="k"' in markdown.render("```python\ndef f(): pass\n```")


@pytest.mark.parametrize("name", ["a.py", "config.env", "x.unknown", "default.rb", "a.html", "unit.service"])
def test_source_keeps_its_lines_and_is_escaped(name: str) -> None:
    text = "<script>alert('&')</script>\n\n\nx = 1\n"
    made = highlight.lines(text, name)
    assert len(made) == 4
    assert "<script" not in "".join(made)


def test_source_without_a_last_newline_keeps_its_last_line() -> None:
    assert len(highlight.lines("a = 1\nb = 2", "a.py")) == 2


def test_marks_that_turn_the_writing_around_are_shown() -> None:
    evil = "if admin:  # \u202e\u2066check\u2069"
    shown = "[U+202E][U+2066]check[U+2069]"
    assert shown in highlight.lines(evil, "a.unknown")[0]
    assert shown in highlight.lines(evil, "a.py")[0]
    patch = f"diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -0,0 +1 @@\n+{evil}\n"
    assert shown in diffs.parse(patch.encode())[0].lines[1].text
    assert shown in markdown.render(f"```python\n{evil}\n```")


PATCH = b"""diff --git a/old name.txt b/new name.txt
similarity index 90%
rename from old name.txt
rename to new name.txt
index 1..2 100644
--- a/old name.txt
+++ b/new name.txt
@@ -1,3 +1,3 @@ def f():
 same
--- gone
+++ come
\\ No newline at end of file
diff --git a/bin b/bin
new file mode 100755
index 0..1
Binary files /dev/null and b/bin differ
diff --git "a/\\303\\244.txt" "b/\\303\\244.txt"
deleted file mode 100644
index 1..0
--- "a/\\303\\244.txt"
+++ /dev/null
@@ -1 +0,0 @@
-<b>
diff --git a/run b/run
old mode 100644
new mode 100755
"""


def test_a_patch_is_taken_apart_by_file() -> None:
    renamed, binary, removed, mode = diffs.parse(PATCH)
    assert (renamed.previous, renamed.path, renamed.status) == ("old name.txt", "new name.txt", "renamed")
    assert (renamed.additions, renamed.deletions) == (1, 1)
    assert [(line.kind, line.old, line.new, line.text) for line in renamed.lines] == [
        ("hunk", 1, 1, "def f():"),
        ("same", 1, 1, "same"),
        ("removed", 2, 0, "-- gone"),
        ("added", 0, 2, "++ come"),
        ("note", 0, 0, "No newline at end of file"),
    ]
    assert (binary.path, binary.status, binary.binary) == ("bin", "added", True)
    assert (removed.path, removed.status, removed.deletions) == ("ä.txt", "removed", 1)
    assert (mode.path, mode.notes) == ("run", ["old mode 100644", "new mode 100755"])


def test_a_large_patch_is_counted_whole_and_shown_in_part() -> None:
    body = "".join(f"+{number}\n" for number in range(100))
    raw = f"diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -0,0 +1,100 @@\n{body}".encode()
    (found,) = diffs.parse(raw, most=10)
    assert (len(found.lines), found.cut, found.additions) == (10, 91, 100)


def test_output_is_escaped_and_its_colours_are_classes() -> None:
    made = terminal.line("\x1b[1;31mbad\x1b[0m <script>&")
    assert made == '<span class="bold ink-1">bad</span> &lt;script&gt;&amp;'


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;title\x07x", "x"),
        ("\x1b[2Jx\x1b[10;5H", "x"),
        ("10 %\r100 %", "100 %"),
        ("a\x00b\x07", "ab"),
        ("\x1b[38;5;196mred\x1b[m", "red"),
        ("\x1b[38;2;1;2;3mred", "red"),
        ("abc\u202ecba", "abccba"),
        ("tab\tstays", "tab\tstays"),
        ("\x1b[39mx", "x"),
        ("\x1b", ""),
    ],
)
def test_control_sequences_do_nothing_on_the_page(text: str, shown: str) -> None:
    assert terminal.line(text) == shown


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "just now"), (59, "just now"), (60, "1 minute ago"), (7200, "2 hours ago"), (3 * 86400, "3 days ago")],
)
def test_ages_are_rough(seconds: int, said: str) -> None:
    assert words.age(1_000_000, now=1_000_000 + seconds) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-5, "in a moment"), (59, "in a moment"), (60, "in 1 minute"), (7200, "in 2 hours"), (4 * 86400, "in 4 days")],
)
def test_what_is_due_is_said_as_roughly(seconds: int, said: str) -> None:
    assert words.until(1_000_000 + seconds, now=1_000_000) == said


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("0 */3 * * *", "every 3 hours"),
        ("15 * * * *", "every hour"),
        ("30 4 * * 0", "Sundays at 04:30 UTC"),
        ("30 4 * * 7", "Sundays at 04:30 UTC"),
        ("5 23 * * *", "daily at 23:05 UTC"),
        ("0 4 1 * *", "0 4 1 * *"),
        ("*/5 * * * *", "*/5 * * * *"),
        ("0 1-3 * * *", "0 1-3 * * *"),
        ("0 4 * * 1-5", "0 4 * * 1-5"),
        ("@daily", "@daily"),
    ],
)
def test_the_usual_schedules_are_words_and_others_are_shown_as_they_are(line: str, said: str) -> None:
    assert words.schedule(line) == said


def test_a_run_is_called_by_what_was_committed_unless_nothing_was() -> None:
    assert words.run_title("push", "Add memory", "Release") == "Add memory"
    assert words.run_title("schedule", "Add memory", "Health") == "Health"
    assert words.run_title("workflow_dispatch", "Add memory", "") == "Add memory"
    causes = [words.cause(event, "root") for event in ("push", "workflow_dispatch", "schedule", "pull_request_target")]
    assert causes == ["pushed by root", "started by root", "by the clock", "pull request of root"]


def test_times_come_as_seconds_or_as_text() -> None:
    assert words.moment("2026-03-01T12:30:00+02:00") == "2026-03-01 10:30 UTC"
    assert words.moment("nonsense") == ""
    assert words.age(None) == "never"


def test_durations_grow_coarser() -> None:
    assert [words.duration(1, 1 + passed) for passed in (5, 65, 3700)] == ["5s", "1m 05s", "1h 01m"]


def test_memory_forgets_what_was_used_longest_ago() -> None:
    memory, made = Memory(2), []
    for key in ("a", "b", "a", "c", "a", "b"):
        memory.value(key, lambda key=key: made.append(key))
    assert made == ["a", "b", "c", "b"]
