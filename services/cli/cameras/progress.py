"""How far the look at the cameras is, on stderr."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from services.sources.cameras.probe import Looking, OnTick


@contextmanager
def progress(quiet: bool = False) -> Iterator[OnTick]:
    """A line that a terminal shows while the block runs, and nobody else."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as bar:
        task = bar.add_task("opening")

        def show(looking: Sequence[Looking]) -> None:
            bar.update(task, description=summary(looking))

        yield show


def summary(looking: Sequence[Looking]) -> str:
    """`looking at 40 cameras: 36 answer, 2 are dead, 2 not yet`."""
    states = [one.state for one in looking]
    answers, dead = states.count("answers"), states.count("dead")
    cameras = "1 camera" if len(states) == 1 else f"{len(states)} cameras"
    return f"looking at {cameras}: {answers} answer, {dead} dead, {len(states) - answers - dead} not yet"
