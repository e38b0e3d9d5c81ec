"""A page of docs/first-hour as blocks: commands, what they print, and files that the reader makes.

Promises: every fenced block of a page is one of the three, or the page is refused; so no block is passed over silently.
A comment before a block says what a reader has and a test has not: `<!-- test: WORDS; WORDS -->`, with these words:

    file NAME            the reader saves the block under this name; whatever is neither a command nor printed by one needs it
    with NAME NAME       what the reader has already: see `things.py`
    instead of TEXT      an address of the reader's; which one the test has instead: see `things.py`
    stays                the command goes on beside the rest of the page (another terminal, in a reader's life)
    ctrl-c               the command goes on until what is shown has been printed, and is ended with Ctrl-C
    exits NUMBER         the command ends with this status
    engine               needs a Docker engine; these blocks of all pages are walked in one stack
    needs NAME           needs a program that is not ours: go, node, uv, kcat

A `text` block is what the command before it prints: see `printed.py`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "docs" / "first-hour"
_FENCE = re.compile(r"^```(?P<kind>[a-z]*)$")
_MARK = re.compile(r"^<!-- test: (?P<words>.+) -->$")
WORDS = frozenset({"file", "with", "instead of", "stays", "ctrl-c", "exits", "engine", "needs"})


class BadPage(ValueError):
    """A page that cannot be walked; the text says where."""


@dataclass
class Block:
    """One fenced block. `shown`: what its command prints, as the page says; None: the page does not say."""

    where: str
    kind: str
    text: str
    marks: dict[str, str]
    shown: str | None = None

    @property
    def is_command(self) -> bool:
        return self.kind == "sh"

    @property
    def needs_engine(self) -> bool:
        return "engine" in self.marks

    def words(self, mark: str) -> list[str]:
        return self.marks.get(mark, "").split()


@dataclass
class Page:
    """The commands and files of a page, in reading order. `fences`: how many blocks of any kind it has."""

    name: str
    blocks: list[Block] = field(default_factory=list)
    fences: int = 0

    @property
    def shown(self) -> int:
        return sum(block.shown is not None for block in self.blocks)


def pages() -> list[Page]:
    """In the order in which a newcomer reads them: the index's."""
    index = (FOLDER / "README.md").read_text(encoding="utf-8")
    names = list(dict.fromkeys(re.findall(r"\]\(([a-z-]+\.md)\)", index)))
    there = {path.name for path in FOLDER.glob("*.md")} - {"README.md"}
    if set(names) != there:
        raise BadPage(f"expected the index to name each page of {FOLDER}, got {sorted(set(names) ^ there)} once only")
    return [parse(name, (FOLDER / name).read_text(encoding="utf-8")) for name in names]


def parse(name: str, text: str) -> Page:
    """Raises BadPage."""
    page = Page(name)
    for block in _fenced(name, text):
        page.fences += 1
        if block.is_command or "file" in block.marks:
            page.blocks.append(block)
        elif block.kind == "text":
            _shown_by(page, block)
        else:
            raise BadPage(f"{block.where}: expected `sh`, `text`, or a file's name before it, got `{block.kind}`")
    return page


def _shown_by(page: Page, block: Block) -> None:
    if not page.blocks or not page.blocks[-1].is_command or page.blocks[-1].shown is not None:
        raise BadPage(f"{block.where}: expected the command that prints this before it")
    page.blocks[-1].shown = block.text


def _fenced(name: str, text: str) -> Iterator[Block]:
    marks: dict[str, str] = {}
    lines = iter(enumerate(text.splitlines(), 1))
    for number, line in lines:
        where = f"{name}:{number}"
        if marked := _MARK.match(line):
            marks |= _marks(where, marked["words"])
        elif fence := _FENCE.match(line):
            yield Block(where, fence["kind"], _until_closed(where, lines), marks)
            marks = {}
        elif line.startswith("```"):
            raise BadPage(f"{where}: expected ``` and one word, got {line}")
        elif line.strip() and marks:
            raise BadPage(f"{where}: expected a block after the comment, got {line}")


def _until_closed(where: str, lines: Iterator[tuple[int, str]]) -> str:
    inside: list[str] = []
    for _, line in lines:
        if line == "```":
            return "\n".join(inside) + "\n"
        inside.append(line)
    raise BadPage(f"{where}: this block has no end")


def _marks(where: str, words: str) -> dict[str, str]:
    marks: dict[str, str] = {}
    for one in words.split(";"):
        word = next((word for word in WORDS if f"{one.strip()} ".startswith(f"{word} ")), None)
        if word is None:
            raise BadPage(f"{where}: expected one of {', '.join(sorted(WORDS))}, got {one.strip()}")
        marks[word] = one.strip().removeprefix(word).strip()
    return marks
