"""The walk itself: a page that cannot be walked is refused, and what a page shows is looked for."""

import os
import re
from pathlib import Path

import pytest

from tests.docs import pages, printed
from tests.docs.pages import BadPage, parse
from tests.docs.walking import Reader

DOCS = pages.FOLDER.parent
TEXTS = [DOCS.parent / "README.md", DOCS.parent / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
MOST_BYTES = 250_000


def page(*lines: str) -> pages.Page:
    return parse("page.md", "\n".join(lines))


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (["```", "gleaner demo", "```"], "page.md:1: expected `sh`"),
        (["```yaml", "a: 1", "```"], "page.md:1: expected `sh`"),
        (["```text", "printed by nothing", "```"], "page.md:1: expected the command"),
        (["```sh", "true", "```", "```text", "", "```", "```text", "", "```"], "page.md:7: expected the command"),
        (["```sh", "true"], "no end"),
        (["```sh interactive", "true", "```"], "expected ``` and one word"),
        (["<!-- test: skipped -->", "```sh", "true", "```"], "expected one of .*, got skipped"),
        (["<!-- test: engine -->", "Text between.", "```sh", "true", "```"], "page.md:2: expected a block"),
    ],
)
def test_a_block_that_nobody_would_execute_is_refused(lines: list[str], why: str) -> None:
    with pytest.raises(BadPage, match=why):
        page(*lines)


def test_marks_belong_to_the_next_block_alone() -> None:
    first, second = page("<!-- test: stays; with a.jpg b.jpg -->", "```sh", "a", "```", "```sh", "b", "```").blocks
    assert first.marks == {"stays": "", "with": "a.jpg b.jpg"}
    assert second.marks == {}


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        ("kept 17 frames in 3.2 s", "kept 1,234 frames in 12 s\n"),
        ("one\ntwo", "zero\none\nbetween\ntwo\n"),
        (" a   1.5\n ─────\n b   2", " a   10.25\n ────────\n b      3"),
        ("sample 0ad8256f08b343cd3703231891cbb62c", "sample 708691e3b6b7157e05b5702f1abcb841"),
        ("red", "\x1b[31mred\x1b[0m"),
        ("it works: …; its picture: yard.jpg", "it works: 640x360; its picture: yard.jpg"),
        ("3 of 5 …", "3 of 5"),
    ],
)
def test_what_differs_from_run_to_run_is_not_compared(shown: str, said: str) -> None:
    assert printed.missing(shown, said) is None


@pytest.mark.parametrize(
    ("shown", "said", "line"),
    [
        ("kept", "lost", "kept"),
        ("one\ntwo", "two\none", "two"),
        ("kept 17", "kept 17 and more", "kept 17"),
        ("a.b", "axb", "a.b"),
    ],
)
def test_a_line_that_was_not_printed_is_named(shown: str, said: str, line: str) -> None:
    assert printed.missing(shown, said) == line


def reader(folder: Path, **instead: str) -> Reader:
    return Reader(folder, folder, folder, dict(os.environ), instead)


def test_a_block_begins_where_the_last_one_ended(tmp_path: Path) -> None:
    walked = page(
        "```sh",
        "mkdir inside; cd inside; export WHO=me",
        "```",
        "```sh",
        'echo "$WHO ${PWD##*/}"',
        "```",
        "```text",
        "me inside",
        "```",
    )
    for block in walked.blocks:
        reader(tmp_path).follow(block)


@pytest.mark.parametrize(
    "lines",
    [
        ["```sh", "false; true", "```"],
        ["```sh", "false | true", "```"],
        ["```sh", "echo lost", "```", "```text", "kept", "```"],
        ["<!-- test: exits 2 -->", "```sh", "true", "```"],
        ["<!-- test: stays -->", "```sh", "echo up", "```", "```text", "up", "```"],
        ["<!-- test: instead of 192.0.2.1 -->", "```sh", "echo here", "```"],
    ],
)
def test_what_is_not_as_the_page_says_fails(tmp_path: Path, lines: list[str]) -> None:
    with pytest.raises(AssertionError, match=r"page\.md"):
        reader(tmp_path).follow(page(*lines).blocks[0])


def test_what_goes_on_is_ended_with_ctrl_c(tmp_path: Path) -> None:
    trap = "trap 'echo ended >> said; exit 0' INT; echo up; while true; do sleep 0.05; done"
    walked = page("<!-- test: stays -->", "```sh", trap, "```", "```text", "up", "```")
    at_desk = reader(tmp_path)
    at_desk.follow(walked.blocks[0])
    assert not (tmp_path / "said").exists()
    at_desk.leave()
    assert (tmp_path / "said").read_text() == "ended\n"


def test_pictures_are_small_and_each_is_shown() -> None:
    texts = [path.read_text(encoding="utf-8") for path in TEXTS]
    shown = {name for text in texts for name in re.findall(r"!\[.*?\]\([^)]*pictures/([^)]+)\)", text)}
    there = {
        path.name: path.stat().st_size
        for folder in (DOCS / "pictures", DOCS / "strategies" / "pictures")
        for path in folder.iterdir()
        if path.suffix in (".jpg", ".png", ".svg")
    }
    assert shown == there.keys()
    assert max(there.values()) <= MOST_BYTES


@pytest.mark.parametrize("path", TEXTS, ids=[str(path.relative_to(DOCS.parent)) for path in TEXTS])
def test_links_lead_somewhere(path: Path) -> None:
    for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", path.read_text(encoding="utf-8")):
        name, _, heading = link.partition("#")
        target = path.parent / name if name else path
        assert target.exists(), f"{path.name}: nothing at {link}"
        assert not heading or heading in headings(target), f"{path.name}: no such heading: {link}"


def headings(path: Path) -> set[str]:
    """As they stand behind a `#`: lower case, hyphens for spaces, nothing but letters, digits and hyphens."""
    titles = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
