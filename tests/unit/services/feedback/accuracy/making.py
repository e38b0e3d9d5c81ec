"""Reviews, predictions and verdicts for the tests of accuracy, and a small world with a known truth."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from services.feedback.accuracy.review import Outcome, Review
from shared.streams.frames import FrameRef
from shared.streams.predictions import Box, ClassScore, Detection, Prediction
from shared.streams.verdicts import Verdict

RIGHT = Outcome(wrong=False, boxes_judged=True, missed={})
WRONG = Outcome(wrong=True, boxes_judged=True, missed={"": 1})


def a_review(number: int = 0, outcome: Outcome | None = RIGHT, probability: float = 0.1, **changes: Any) -> Review:
    """On the floor, with a floor as likely as the draw; reviewed in the order of its number."""
    made = Review(
        sample_id=f"sample-{number}",
        frame_id=f"frame-{number}",
        source_id="door",
        model_id="model",
        model_version="1",
        time_ms=1_000 * number,
        probability=probability,
        floor_probability=probability,
        on_floor=True,
        audit=(number % 1_000_000) / 1_000_000,
        outcome=outcome,
    )
    return replace(made, **changes)


def reviews(right: int, wrong: int = 0, open_: int = 0, probability: float = 0.1) -> list[Review]:
    """In audit order: the wrong ones, the right ones, the open ones."""
    outcomes = [WRONG] * wrong + [RIGHT] * right + [None] * open_
    return [a_review(number, outcome, probability) for number, outcome in enumerate(outcomes)]


def world(frames: int, error_rate: float, seed: int, floor: float = 0.02) -> tuple[list[Review], int]:
    """A design with unequal probabilities over frames with a known truth: what was drawn, and how many frames are wrong.

    Errors are likelier where the score is high, and a third of them independent of it.
    """
    rng = np.random.default_rng(seed)
    score = rng.beta(0.6, 4, frames)
    wrong = rng.random(frames) < error_rate * (0.3 + 0.7 * score / score.mean())
    informative = np.minimum(1, 0.03 * score**2 / (score**2).mean())
    by_floor, by_score = rng.random(frames) < floor, rng.random(frames) < informative
    probability = 1 - (1 - floor) * (1 - informative)
    drawn = [
        a_review(
            int(i),
            WRONG if wrong[i] else RIGHT,
            float(probability[i]),
            floor_probability=floor,
            on_floor=bool(by_floor[i]),
            audit=float(rng.random()),
        )
        for i in np.flatnonzero(by_floor | by_score)
    ]
    return drawn, int(wrong.sum())


# Predictions and verdicts


def a_detection(class_name: str = "cat", box: Box = (0, 0, 10, 10), confidence: float = 0.9) -> Detection:
    return Detection(box=box, class_id=0, class_name=class_name, confidence=confidence)


def a_prediction(*detections: Detection, **changes: Any) -> Prediction:
    frame = FrameRef(stream="frames", partition=0, offset=1, time_ms=1, frame_id="f" * 32, sha256="0" * 64, size=1)
    given: dict[str, Any] = {
        "frame": frame,
        "source_id": "door",
        "width_px": 100,
        "height_px": 100,
        "model_id": "model",
        "model_version": "1",
        "threshold": 0.5,
        "detections": detections,
    }
    return Prediction(**given | changes)


def a_classified(best: str, confidence: float = 0.9) -> Prediction:
    classes = (ClassScore(class_id=0, class_name=best, confidence=confidence),)
    return a_prediction(task="classify", classes=classes)


def verdicts(prediction: Prediction, *said: Mapping[str, Any]) -> Sequence[Verdict]:
    """In log order; each with an id of its own unless it says otherwise."""
    common = {
        "prediction_id": "0-1-x",
        "prediction": prediction,
        "caller": "app",
        "judged_at": "2026-05-01T12:00:00Z",
    }
    return [Verdict(**common | {"verdict_id": f"v{number}"} | dict(one)) for number, one in enumerate(said)]
