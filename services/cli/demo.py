"""`gleaner demo`: the story of a doorstep camera whose detector knows brown boxes and not the yellow flat packs.

Promises: real frames through the real four services on the embedded adapters; ends by itself with a dataset, a contact sheet
and a table. Nothing is fetched. Its folder is its own: an older demo is replaced, anything else is refused.
"""

import secrets
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shared.errors import SettingsError

if TYPE_CHECKING:
    from rich.console import Console

    from deploy.demo.clip import ClipFrame
    from services.cli.through import Flowing
    from services.sources.picture import Picture
    from shared.settings import Settings

BEGAN = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
MARK = ".gleaner-demo"
APPLICATION = "doorstep-app"


def demo(
    folder: Annotated[Path, typer.Option(help="where everything goes")] = Path("gleaner-demo"),
    frames: Annotated[int, typer.Option(min=100, max=100_000, help="length of the clip")] = 600,
    seed: Annotated[int, typer.Option(help="another seed, another clip")] = 7,
) -> None:
    """Stream a doorstep clip through all four services. Ends with what they kept."""
    from rich.console import Console

    from shared.telemetry import logs

    logs.configure("demo", level="WARNING")
    console = Console()
    api_key = secrets.token_urlsafe(24)
    _empty(folder)
    _play(settings_for(folder, api_key), folder, frames, seed, api_key, console)


def settings_for(folder: Path, api_key: str) -> "Settings":
    """The demo's settings: a random floor, unsure, contradiction; near-duplicates are kept once; a local dataset.

    Fixed probabilities, so that the same frames are drawn at every run: a budget would follow the clock of the log.
    """
    from deploy.demo.detector import MODEL_PATH
    from shared.settings import Settings

    values: dict[str, Any] = {
        "site": "demo",
        "salt": "the demo draws the same frames on every run",
        "backend": {"type": "embedded", "folder": str(folder / "data")},
        "model": {"path": str(MODEL_PATH), "id": "doorstep-packages", "threshold": 0.5},
        "strategies": [
            {"type": "random", "name": "random floor", "fraction": 0.04},
            {"type": "uncertain", "name": "unsure"},
            {"type": "temporal", "name": "contradiction", "probability": 0.8},
        ],
        "limits": [{"most": 150, "per": "day"}],
        "destinations": [{"type": "dataset", "folder": str(folder / "dataset")}],
        "feedback": {"port": 0, "api_keys": {APPLICATION: api_key}},
    }
    return Settings(values, "the demo's settings")


def _play(settings: "Settings", folder: Path, frames: int, seed: int, api_key: str, console: "Console") -> None:
    from services.cli import demo_report, kept
    from services.cli.contact_sheet import contact_sheet
    from services.cli.demo_user import judge
    from services.cli.through import flowing

    console.print(
        f"[bold]Two doorstep cameras, {frames} frames.[/] The detector knows brown boxes, not yellow flat packs.\n"
    )
    started_s = time.monotonic()
    truth: dict[str, ClipFrame] = {}
    with flowing(settings, console) as flow:
        flow.publish(_pictures(frames, seed, truth), frames)
        verdicts = judge(flow, truth, api_key)
        flow.wait()
        found = kept.read(flow.backend.log)
        seen = _frames_by_id(flow)
    sheet = contact_sheet(folder / "dataset", folder / "contact-sheet.png")
    console.print()
    console.print(kept.table(found))
    console.print()
    console.print(demo_report.table(found, truth, seen))
    console.print(f"\n{verdicts} verdicts of the application's users went in over HTTP.")
    console.print(
        f"dataset        {folder / 'dataset'}\ncontact sheet  {sheet}\n({time.monotonic() - started_s:.0f} s)"
    )


def _pictures(frames: int, seed: int, truth: "dict[str, ClipFrame]") -> "Iterator[Picture]":
    """The clip as a producer publishes it; what was really there is noted beside, by the producer's frame id."""
    from deploy.demo.clip import clip
    from services.sources.picture import Picture, rfc3339

    indexes: dict[str, int] = {}
    for frame in clip(frames, seed):
        index = indexes[frame.source_id] = indexes.get(frame.source_id, -1) + 1
        name = f"clip-{seed}-{frame.index}"
        truth[name] = frame
        captured_at = rfc3339((BEGAN + timedelta(seconds=frame.captured_at_s)).timestamp())
        yield Picture(frame.source_id, frame.jpeg, index, name, captured_at, "image/jpeg")


def _frames_by_id(flow: "Flowing") -> dict[str, str]:
    """Frame id → the producer's own id, of every predicted frame."""
    from services.cli import kept

    return {p.frame.frame_id: p.producer_frame_id or "" for _, p in kept.predictions_of(flow.backend.log)}


def _empty(folder: Path) -> None:
    """An empty folder that carries the demo's mark. Raises SettingsError for one that is somebody's or cannot be made."""
    try:
        if folder.exists() and not (folder / MARK).is_file() and any(folder.iterdir()):
            raise SettingsError(f"{folder} is not empty and was not made by the demo; choose another with --folder")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / MARK).write_text("made by `gleaner demo`, which replaces this folder\n", encoding="utf-8")
    except OSError as error:
        raise SettingsError(
            f"cannot make the folder {folder}: {error.strerror}; choose another with --folder"
        ) from error
