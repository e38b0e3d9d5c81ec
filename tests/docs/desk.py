"""A desk for a page: a fresh copy of the tree, what the reader has already, and what stands here for the reader's addresses.

Promises: nothing of the machine's own settings reaches a command; what a desk was given goes with it.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.docs import programs, things
from tests.docs.pages import Block
from tests.docs.walking import Reader

ROOT = Path(__file__).parents[2]
OF_THE_TREE = (
    *("services", "shared", "deploy", "tests", "docs", ".ci", "Makefile", "docker-compose.yml", "pyproject.toml"),
    *("requirements.lock", "requirements-dev.lock", "README.md", "LICENSE", ".dockerignore", ".gitignore"),
)
"""What a clone has and a page may need; what somebody left in the folder stays there."""
_OURS = ("GLEANER_", "VIRTUAL_ENV", "PYTHONPATH", "COMPOSE_")

Address = Callable[[], str]


class Addresses(Mapping[str, str]):
    """What stands here for an address of a page; asked for only when a page has it, since servers take their time."""

    def __init__(self, known: Mapping[str, Address]) -> None:
        self._known = known

    def __getitem__(self, address: str) -> str:
        return self._known[address]()

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


@contextmanager
def desk(folder: Path, instead: Mapping[str, str], variables: Mapping[str, str] | None = None) -> Iterator[Reader]:
    """A reader at a desk of its own; whatever it left running is ended."""
    tree, logs, tools = (folder / name for name in ("gleaner", "logs", "tools"))
    for made in (tree, logs, tools):
        made.mkdir()
    for name in OF_THE_TREE:
        _copy(ROOT / name, tree / name)
    programs.plain_python(tools)
    reader = Reader(tree, logs, tools, _environment(tools, variables or {}), instead)
    try:
        yield reader
    finally:
        reader.leave()


def walk(reader: Reader, block: Block) -> str | None:
    """Gives the reader what the block takes for granted, and has it followed; else says why it cannot be."""
    for name in block.words("needs"):
        if why := programs.absent(name, reader.tools):
            return f"{block.where}: {why}"
    for name in block.words("with"):
        things.put(reader.folder, name)
    reader.follow(block)
    return None


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    else:
        shutil.copy2(source, target)


def _environment(tools: Path, variables: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return {**kept, "PATH": f"{tools}{os.pathsep}{programs.gleaner_folder()}{os.pathsep}{kept['PATH']}", **variables}
