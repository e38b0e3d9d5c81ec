"""Comparing: both versions on the same frames, one version after the other, and what came of it.

Promises: a frame counts only where both versions said something of it; the others are counted with the reason.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from services.cli.models import pictures
from services.cli.models.comparison import BIASED, NOT_EVIDENCE, ComparedFrame, Comparison
from services.cli.models.judged import PREVIEW, JudgedFrame, judged
from services.cli.models.judgements import Judgement, judgements
from services.cli.models.seeing import Outcome, seeing
from services.inference.config import ModelConfig
from services.inference.models.files import ModelFiles
from shared.errors import InvalidImage, SettingsError
from shared.settings import Settings
from shared.streams.predictions import Prediction

NOBODY = "nobody has judged a frame yet, so there was nothing to compare on"


@dataclass(frozen=True, slots=True)
class Subject:
    """One frame to look at. `width_px`: of the picture that the judgements speak of."""

    name: str
    image: bytes
    judgements: tuple[Judgement, ...] = ()
    width_px: int = 0


def on_judged(settings: Settings, old: ModelConfig, new: ModelConfig, limit: int) -> Comparison:
    """See `compare`."""
    found = judged(settings, limit)
    names = (_name(old), _name(new))
    if not found.asked:
        return Comparison(*names, what="judged frames", notes=(NOBODY,))
    frames, unread = compared(old, new, [_subject(one) for one in found.frames])
    return Comparison(
        *names,
        frames,
        asked=found.asked,
        what="judged frames",
        places=found.places,
        unread=found.unread + unread,
        notes=(NOT_EVIDENCE, BIASED, *_on_previews(found.places[PREVIEW])),
    )


def on_pictures(old: ModelConfig, new: ModelConfig, paths: Sequence[Path]) -> Comparison:
    """On image files and folders. Raises SettingsError."""
    named = list(pictures.read(pictures.files_of(paths)))
    subjects = [Subject(str(one.path), one.image) for one in named if not one.why]
    frames, unread = compared(old, new, subjects)
    unread.update(f"{one.path}: {one.why}" for one in named if one.why)
    return Comparison(
        _name(old), _name(new), frames, asked=len(named), what="images", unread=unread, notes=(NOT_EVIDENCE,)
    )


def compared(
    old: ModelConfig, new: ModelConfig, subjects: Sequence[Subject]
) -> tuple[list[ComparedFrame], Counter[str]]:
    """What both said, and why some subjects are missing."""
    frames: list[ComparedFrame] = []
    unread: Counter[str] = Counter()
    if not subjects:
        return frames, unread
    images = [one.image for one in subjects]
    for subject, before, after in zip(subjects, _seen(old, images), _seen(new, images), strict=True):
        if isinstance(before, InvalidImage):
            unread[f"{subject.name}: {before}"] += 1
        elif isinstance(after, InvalidImage):
            unread[f"{subject.name}: {after}"] += 1
        else:
            frames.append(_frame(subject, before, after))
    return frames, unread


def _seen(model: ModelConfig, images: Sequence[bytes]) -> list[Outcome]:
    with seeing(model) as eyes:
        return eyes.see(images)


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
