"""Comparing: both versions on the same frames, one version after the other, and what came of it.

Promises: a frame counts only where both versions said something of it; the others are counted with the reason.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from services.cli.models import pictures
from services.cli.models.comparison import (
    BIASED,
    MOST_DRAWN,
    NOT_EVIDENCE,
    ComparedFrame,
    Comparison,
    most_telling,
)
from services.cli.models.judged import PREVIEW, JudgedFrame, judged
from services.cli.models.judgements import Judgement, judgements
from services.cli.models.seeing import seeing
from shared.errors import InvalidImage, SettingsError
from shared.models.config import ModelConfig
from shared.models.files import ModelFiles
from shared.settings import Settings
from shared.streams.predictions import Prediction

NOBODY = "nobody has judged a frame yet, so there was nothing to compare on"


AT_ONCE = 16
"""Frames that both versions look at before the pictures of most are let go."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One frame to look at, or `why` there is no image of it. `width_px`: of the picture that the judgements speak of."""

    name: str
    image: bytes
    judgements: tuple[Judgement, ...] = ()
    width_px: int = 0
    why: str = ""


def on_judged(settings: Settings, old: ModelConfig, new: ModelConfig, limit: int) -> Comparison:
    """See `compare`."""
    found = judged(settings, limit)
    nothing = Comparison(_name(old), _name(new), asked=found.asked, what="judged frames", unread=found.unread)
    if not found.frames:
        return nothing if found.asked else replace(nothing, notes=(NOBODY,))
    frames, unread = compared(old, new, map(_subject, found.frames))
    notes = (NOT_EVIDENCE, BIASED, *_on_previews(found.places[PREVIEW]))
    return replace(nothing, frames=frames, places=found.places, unread=found.unread + unread, notes=notes)


def on_pictures(old: ModelConfig, new: ModelConfig, paths: Sequence[Path]) -> Comparison:
    """On image files and folders. Raises SettingsError."""
    files = pictures.files_of(paths)
    subjects = (Subject(str(one.path), one.image, why=one.why) for one in pictures.read(files))
    frames, unread = compared(old, new, subjects)
    return Comparison(
        _name(old), _name(new), frames, asked=len(files), what="images", unread=unread, notes=(NOT_EVIDENCE,)
    )


def compared(
    old: ModelConfig, new: ModelConfig, subjects: Iterable[Subject]
) -> tuple[list[ComparedFrame], Counter[str]]:
    """What both said, and why some subjects are missing. Images stay with the frames that a picture would show."""
    frames: list[ComparedFrame] = []
    unread: Counter[str] = Counter()
    rest = iter(subjects)
    with seeing(old) as before, seeing(new) as after:
        while some := list(islice(rest, AT_ONCE)):
            unread.update(f"{one.name}: {one.why}" for one in some if one.why)
            readable = [one for one in some if not one.why]
            images = [one.image for one in readable]
            for subject, first, second in zip(readable, before.see(images), after.see(images), strict=True):
                if isinstance(first, Prediction) and isinstance(second, Prediction):
                    frames.append(_frame(subject, first, second))
                else:
                    unread[f"{subject.name}: {first if isinstance(first, InvalidImage) else second}"] += 1
            frames = _with_few_images(frames)
    return frames, unread


def _with_few_images(frames: list[ComparedFrame]) -> list[ComparedFrame]:
    drawn = {id(frame) for frame in most_telling(frames)[:MOST_DRAWN]}
    return [one if one.image is None or id(one) in drawn else replace(one, image=None) for one in frames]


def _frame(subject: Subject, old: Prediction, new: Prediction) -> ComparedFrame:
    if old.task != new.task:
        raise SettingsError(
            f"expected two models of one task, got one that can {old.task} ({old.model_id}) "
            f"and one that can {new.task} ({new.model_id})"
        )
    scale = new.width_px / subject.width_px if subject.width_px else 1.0
    return ComparedFrame(subject.name, old, new, subject.image, tuple(one.scaled(scale) for one in subject.judgements))


def _subject(one: JudgedFrame) -> Subject:
    return Subject(frame_name(one.prediction), one.image, judgements(one.verdicts), one.prediction.width_px)


def frame_name(prediction: Prediction) -> str:
    """Source and time."""
    return f"{prediction.source_id} {datetime.fromtimestamp(prediction.frame.time_ms / 1000, UTC):%Y-%m-%d %H:%M:%S}"


def _name(model: ModelConfig) -> str:
    """As predictions say it: id and version."""
    if model.path is None:
        raise SettingsError("expected a model file to compare with, got the name of a release: fetch it first")
    return f"{model.model_id} {ModelFiles.of(model.path, model.sidecar).version}"


def _on_previews(number: int) -> tuple[str, ...]:
    return (f"{number:,} were read as previews: both versions see less in them than in the frames",) if number else ()
