"""How far a long look at the streams is, on stderr."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

EVERY = 500
"""Records between two drawings."""


@dataclass
class Bar:
    bars: Progress
    task: TaskID
    done: int = 0

    def count(self, records: int) -> None:
        """So many more; of how many is not known."""
        self.done += records
        if self.done % EVERY < records:
            self.bars.update(self.task, completed=self.done)

    def show(self, done: int, total: int) -> None:
        self.bars.update(self.task, completed=done, total=max(1, total))


@contextmanager
def bar(what: str) -> Iterator[Bar]:
    """Gone when it is through, and nowhere where nobody looks."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        yield Bar(bars, bars.add_task(what, total=None))
