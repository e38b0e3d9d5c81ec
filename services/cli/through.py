"""Through: pictures in at one end, all four services on this box, and back when everything has come out at the other.

Promises: returns only when every published frame was predicted, decided and delivered; says meanwhile how far each step is.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from services import embedded
from services.embedded import Running
from services.sources.picture import Picture, Unreadable
from services.sources.publisher import Published, publish
from shared.bootstrap import OpenBackend, open_backend
from shared.settings import Settings

LOOK_EVERY_S = 0.2
STEPS = (
    ("inference", "frames", "predicted"),
    ("sampler", "predictions", "decided"),
    ("uploader", "samples", "delivered"),
)


@dataclass
class Flowing:
    """The services at work, the backend they share with us, and the bars that show it."""

    running: Running
    backend: OpenBackend
    bars: Progress
    steps: dict[str, TaskID]
    readers: Mapping[str, tuple[str, ...]]

    def publish(
        self, pictures: "Iterable[Picture | Unreadable]", total: int | None, fps: float | None = None
    ) -> Published:
        """Publishes them all and waits until they are through."""
        bar = self.bars.add_task("published", total=total)
        before: str | None = None

        def show(frames: int, waiting_for: str | None) -> None:
            nonlocal before
            self.bars.update(bar, completed=frames, description="waiting" if waiting_for else "published")
            if waiting_for and waiting_for != before:
                self.bars.console.print(
                    f"[yellow]waiting:[/] {escape(waiting_for)}. Nothing is lost; Ctrl-C stops it", soft_wrap=True
                )
            before = waiting_for
            self.look()

        published = publish(self.backend.log, pictures, fps, lambda p: show(p.frames, p.waiting_for))
        self.bars.update(bar, completed=published.frames, total=published.frames, description="published")
        self.wait()
        return published

    def wait(self) -> None:
        """Returns when everything is through. Raises what ended a service."""
        while not embedded.drained(self.backend.log, self.readers):
            self.look()
            self.running.check_flood()
            self.backend.clock.wait_s(LOOK_EVERY_S)
        self.look()

    def look(self) -> None:
        """Draws how far each step is."""
        self.running.check()
        for group, stream, _ in STEPS:
            done = sum(self.backend.log.committed(group, stream).values())
            self.bars.update(self.steps[group], completed=done, total=self._end(stream))

    def _end(self, stream: str) -> int:
        return sum(bounds.end for bounds in self.backend.log.bounds(stream).values())


@contextmanager
def flowing(settings: Settings, console: Console) -> Iterator[Flowing]:
    """The four services and their bars, until the block ends; then they drain."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:<12}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with (
        open_backend(settings) as backend,
        embedded.running(settings) as running,
        Progress(*columns, console=console) as bars,
    ):
        steps = {group: bars.add_task(label, total=None) for group, _, label in STEPS}
        yield Flowing(running, backend, bars, steps, embedded.groups(settings))
