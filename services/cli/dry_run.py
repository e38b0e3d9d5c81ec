"""`gleaner run --dry-run`: a minute of your own stream through the real services, to see what would be kept and sent.

Promises: the services run on a backend of their own in a temporary folder, each destination replaced by a folder there under
its own name. Your data, datasets and servers are neither contacted nor changed (a model that was released is read from its
bucket); the one file that is written is the picture.
"""

import os
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from services.cli import output
from services.cli.rehearsal import table as tables
from services.cli.rehearsal.outlook import Outlook, read
from services.cli.rehearsal.picture import picture_of
from services.cli.rehearsal.settings import rehearsal, stored
from services.cli.rehearsal.sources import Looked, look_at_cameras, look_at_files
from services.cli.through import flowing
from services.feedback.config import FeedbackConfig
from services.sources.config import SourcesConfig
from services.sources.files import open_sources
from services.uploader.config import UploaderConfig
from services.uploader.destinations.dataset import write_whole
from shared.errors import SettingsError
from shared.settings import Settings
from shared.telemetry import logs

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for. Without `paths` the settings' cameras are looked at."""

    paths: tuple[Path, ...]
    fps: float | None
    for_s: float
    picture: Path


def dry_run(settings: Settings, wanted: Wanted, console: "Console") -> None:
    """Looks, shows, and leaves nothing behind but the picture. Raises SettingsError before anything is looked at."""
    real = settings.read(UploaderConfig).destinations
    settings.read(FeedbackConfig)
    _refuse_unwritable(wanted.picture)
    logs.configure("dry-run", level="ERROR")  # what is wrong with a source stands in the table
    with tempfile.TemporaryDirectory(prefix="gleaner-dry-run-", ignore_cleanup_errors=True) as folder:
        outlook, drawn = _rehearsed(rehearsal(settings, Path(folder)), wanted, console)
        size = {one.name: stored(Path(folder), one.name) for one in real}
    tables.show(outlook, real, size)
    if drawn is not None:
        _write(wanted.picture, drawn)
        output.say(f"the picture of them is {wanted.picture}; nothing else was written, and nothing was sent")
    else:
        output.say("no frame could be shown, so there is no picture; nothing was written, and nothing was sent")


def _rehearsed(settings: Settings, wanted: Wanted, console: "Console") -> tuple[Outlook, bytes | None]:
    """What was seen, and the picture of it."""
    cameras = settings.read(SourcesConfig).sources.cameras
    files = open_sources(wanted.paths, fps=wanted.fps) if wanted.paths else []
    if not files and not cameras:
        raise SettingsError(
            "nothing to look at: name pictures or videos (`gleaner run --dry-run street.mp4`), or cameras under `sources:`"
        )
    with until_interrupted() as interrupted, flowing(settings, console) as flow:
        looked: Looked = (
            look_at_files(flow, files, wanted.for_s, interrupted)
            if files
            else look_at_cameras(flow, settings, cameras, wanted.for_s, interrupted)
        )
        outlook = read(flow.backend, settings, looked)
        return outlook, picture_of(outlook, flow.backend.log)


@contextmanager
def until_interrupted() -> Iterator[threading.Event]:
    """Set by Ctrl-C or SIGTERM: enough was seen. The second one ends it as usual, and the folder goes all the same."""
    enough = threading.Event()

    def on_signal(number: int, _: FrameType | None) -> None:
        if enough.is_set():
            raise KeyboardInterrupt
        enough.set()

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield enough
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _write(picture: Path, drawn: bytes) -> None:
    try:
        write_whole(picture, drawn)
    except OSError as error:
        raise SettingsError(
            f"--picture: {picture} cannot be written: {error.strerror}; the tables above are all there is"
        ) from error


def _refuse_unwritable(picture: Path) -> None:
    """Now, and not after a minute."""
    folder = picture.parent
    if picture.is_dir():
        raise SettingsError(f"--picture: {picture} is a folder, expected a file such as {picture / 'dry-run.png'}")
    if not folder.is_dir():
        raise SettingsError(f"--picture: there is no folder {folder}")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise SettingsError(f"--picture: no permission to write in {folder.absolute()}; name a file elsewhere")
