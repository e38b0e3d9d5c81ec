"""The command line in an empty folder of its own, and a log to look at: what the services would have written."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from services.__main__ import app
from shared.adapters.embedded.segment_log import SegmentLog
from shared.ports import Log
from shared.streams import ids
from shared.streams.frames import FrameRef, decode, new_frame
from shared.streams.predictions import Detection, Prediction, new_prediction, prediction_id
from shared.streams.record import NewRecord, Record
from shared.streams.samples import BufferedImage, Design, Reason, new_sample

Gleaner = Callable[..., Result]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GLEANER_SETTINGS", raising=False)
    return tmp_path


@pytest.fixture
def gleaner(folder: Path) -> Gleaner:
    def run(*arguments: object) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return run


def as_json(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


class Site:
    """The log of the default settings, open beside the commands as a service would have it open."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.producer = log.producer()

    def send(self, record: NewRecord) -> Record:
        return self.producer.send(record).result(timeout=10)

    def frame(self, source_id: str = "door", image: bytes = b"pixels") -> FrameRef:
        return decode(self.send(new_frame(source_id, image))).ref

    def prediction(self, source_id: str = "door", confidence: float | None = 0.9) -> tuple[str, Prediction]:
        """The id and the message of a new frame's prediction; None: without a detection."""
        box = (1.0, 1.0, 9.0, 9.0)
        seen = () if confidence is None else (confidence,)
        prediction = Prediction(
            frame=self.frame(source_id),
            source_id=source_id,
            width_px=64,
            height_px=48,
            model_id="packages",
            model_version="1",
            threshold=0.5,
            detections=tuple(Detection(box=box, class_id=0, class_name="package", confidence=c) for c in seen),
        )
        return prediction_id(self.send(new_prediction(prediction)), prediction), prediction

    def design(self, missing: str | None = None, strategy: str = "random") -> Design:
        """A sample of a new frame, bound for `dataset`."""
        id_, prediction = self.prediction()
        sample_id = ids.sample_id("default", prediction.frame.frame_id, prediction.model_id)
        image = BufferedImage(
            key="a.jpg", preview_key="b.jpg", sidecar_key="c.json", content_type="image/jpeg", sha256="0" * 64, size=6
        )
        design = Design(
            sample_id=sample_id,
            collection="default",
            prediction_id=id_,
            prediction=prediction,
            destinations=("dataset",),
            image=None if missing else image,
            missing=missing,
            settings_version="1",
            reasons=(Reason(strategy=strategy, rule="a random check", probability=0.5),),
            probabilities={strategy: 0.5},
            probability=0.5,
            salt_fingerprint="00000000",
        )
        self.send(new_sample(design))
        return design


@pytest.fixture
def site(folder: Path) -> Iterator[Site]:
    log = SegmentLog(folder / "gleaner-data" / "log")
    log.apply()
    yield Site(log)
    log.close()
