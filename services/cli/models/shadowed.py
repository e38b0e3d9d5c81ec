"""Shadowed: what the live model and the shadow said of the same frames, from the predictions stream.

Promises: the newest frames first; one version against one version, those that predicted last, so that no swap blurs the
table. Looks at most at `MOST_LOOKED` predictions; pixels are read only of frames that differ, while the log has them.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import islice

from services.cli.context import has_data
from services.cli.models.comparing import frame_name
from services.cli.models.comparison import MOST_DRAWN, ComparedFrame, Comparison
from services.cli.models.judged import PREVIEW, Places, latest_verdicts, newest_first
from services.cli.models.judgements import judgements
from shared.bootstrap import OpenBackend, open_backend
from shared.errors import InvalidMessage
from shared.ports.log import Reader
from shared.settings import Settings
from shared.streams import PREDICTIONS
from shared.streams.predictions import Prediction
from shared.streams.verdicts import Verdict

PAIRS = 1_000
MOST_LOOKED = 20_000
JUDGED = 1_000
NONE = (
    "no frame has a prediction of the live model and one of a shadow; does a shadow run? "
    "`shadow: {path: next.onnx}` in the settings makes one"
)

Version = tuple[str, str]
"""Model id and version."""


def shadowed(settings: Settings, confidence: float | None = None) -> Comparison:
    """`confidence`: instead of the thresholds that the predictions carry. Raises SettingsError, Unavailable."""
    if not has_data(settings):
        return Comparison("live", "shadow", notes=(NONE,))
    with open_backend(settings) as backend, closing(backend.log.reader()) as reader:
        pairs = list(islice(_pairs(backend, reader), PAIRS))
        if not pairs:
            return Comparison("live", "shadow", notes=(NONE,))
        verdicts = latest_verdicts(backend.log, reader, JUDGED)
        frames = [_frame(live, shadow, confidence, verdicts) for live, shadow in pairs]
        compared = Comparison(_name(pairs[0][0]), _name(pairs[0][1]), frames, asked=len(frames))
        return replace(compared, frames=_with_pixels(compared, Places(settings, backend, reader)))


def _pairs(backend: OpenBackend, reader: Reader) -> Iterator[tuple[Prediction, Prediction]]:
    """(live, shadow) of one frame, the newest first, of the two versions that met last."""
    waiting: dict[tuple[str, str], Prediction] = {}
    versions: tuple[Version, Version] | None = None
    for prediction in _predictions(backend, reader):
        frame_id = prediction.frame.frame_id
        waiting.setdefault((frame_id, prediction.role), prediction)
        live, shadow = waiting.get((frame_id, "live")), waiting.get((frame_id, "shadow"))
        if live is None or shadow is None:
            continue
        del waiting[frame_id, "live"], waiting[frame_id, "shadow"]
        versions = versions or (_version(live), _version(shadow))
        if versions == (_version(live), _version(shadow)):
            yield live, shadow


def _predictions(backend: OpenBackend, reader: Reader) -> Iterator[Prediction]:
    for record in islice(newest_first(backend.log, reader, PREDICTIONS.name), MOST_LOOKED):
        try:
            yield PREDICTIONS.decode(record)
        except InvalidMessage:
            continue  # a dead letter of its readers, and counted there


def _frame(
    live: Prediction, shadow: Prediction, confidence: float | None, verdicts: Mapping[str, Sequence[Verdict]]
) -> ComparedFrame:
    said = judgements(verdicts.get(live.frame.frame_id, ()))
    return ComparedFrame(frame_name(live), _at(live, confidence), _at(shadow, confidence), judgements=said)


def _at(prediction: Prediction, confidence: float | None) -> Prediction:
    if confidence is None:
        return prediction
    return prediction.model_copy(update={"threshold": confidence, "class_thresholds": {}})


def _with_pixels(compared: Comparison, places: Places) -> list[ComparedFrame]:
    """The same frames; those that a picture would show with their pixels."""
    drawn = {id(frame) for frame in compared.differing[:MOST_DRAWN]}
    return [replace(one, image=_image(one, places)) if id(one) in drawn else one for one in compared.frames]


def _image(frame: ComparedFrame, places: Places) -> bytes | None:
    pixels = places.pixels_of(frame.old)
    return None if pixels is None or pixels.place == PREVIEW else pixels.image


def _version(prediction: Prediction) -> Version:
    return prediction.model_id, prediction.model_version


def _name(prediction: Prediction) -> str:
    return " ".join(_version(prediction))
