"""What commands print: sentences, tables, JSON.

Promises: text from outside (source ids, messages) cannot move the cursor, colour the terminal or break a line: what is
not printable is shown escaped, what is long is cut.
"""

import dataclasses
import json
import re
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import Any

import typer

_LINE_BREAKS = re.compile(r"\s*[\r\n\f\v\u2028\u2029]+\s*")
WIDE = 160
"""Columns where no terminal says how many it has."""


def printable(text: object, most_chars: int = 200) -> str:
    """One line of printable characters, cut in the middle of what is too long."""
    line = _LINE_BREAKS.sub(" ", str(text))
    safe = "".join(char if char.isprintable() else char.encode("unicode_escape", "replace").decode() for char in line)
    half = most_chars // 2 - 1
    return safe if len(safe) <= most_chars else f"{safe[:half]} … {safe[-half:]}"


def say(text: object = "") -> None:
    typer.echo(printable(text, 2_000))


def note(text: object) -> None:
    """For people, beside the result."""
    typer.echo(printable(text, 2_000), err=True)


def complain(text: object) -> None:
    """One clear red line."""
    typer.secho(printable(text, 2_000), fg=typer.colors.RED, err=True)


def show_json(value: Any) -> None:
    """ASCII alone: whatever a name holds, no terminal obeys it. Dataclasses become objects, and so do those inside."""
    typer.echo(json.dumps(value, indent=2, default=as_object))


def show_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], most_chars: int = 200) -> None:
    """Columns of which every value is a number are aligned to the right; longer texts than `most_chars` are cut."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    cells = [list(row) for row in rows]
    table = Table(title=Text(title), title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for number, name in enumerate(columns):
        numeric = bool(cells) and all(isinstance(row[number], int | float) for row in cells)
        longest_word = max(map(len, name.split()), default=0)  # a name is not broken inside a word
        table.add_column(name, justify="right" if numeric else "left", overflow="fold", min_width=longest_word)
    for row in cells:
        table.add_row(*(Text(_cell(value, most_chars)) for value in row))
    console = Console()
    if console.is_terminal:
        if console.measure(table, options=console.options.update(max_width=10_000)).maximum > console.width:
            table.padding = (0, 0)  # ten columns fit into a terminal of 80 without folding
        console.print(table)
        return
    plain = Console(width=WIDE, file=StringIO())
    with plain.capture() as captured:
        plain.print(table)
    typer.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


def as_object(value: Any) -> Any:
    """A dataclass as names and values, anything else as text."""
    if not dataclasses.is_dataclass(value):
        return str(value)
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


def _cell(value: object, most_chars: int) -> str:
    if isinstance(value, float):
        return f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) else printable(value, most_chars)
