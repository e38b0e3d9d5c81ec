"""The frame error rate as the pages ask for it, from reviews: all of them, a part in audit order, and with frames missing."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from services.feedback.accuracy.audit import Refusal
from services.feedback.accuracy.estimates import frame_error_rate
from services.feedback.accuracy.rates import Rate
from services.feedback.accuracy.review import Outcome, Review
from tests.benchmarks.accuracy.drawing_frames import FRAMES, draw, scores, wrong
from tests.benchmarks.accuracy.rows import Row, row

ERROR_RATES = (0.01, 0.05, 0.2)
LABELS = 300
WAYS = ("all reviewed", "60 % reviewed", "a few unsure", "missing, wrong ones more often")
REVIEWED, UNSURE, MISSING = 0.6, 0.005, (0.03, 0.09)


def rows(runs: int, seed: int) -> Iterator[Row]:
    for error_rate in ERROR_RATES:
        for way in WAYS:
            yield _cell(way, error_rate, runs, np.random.default_rng([seed, round(1000 * error_rate)]))


def _cell(way: str, error_rate: float, runs: int, rng: np.random.Generator) -> Row:
    truth, said = [], []
    for _ in range(runs):
        score = scores(rng)
        is_wrong = wrong(rng, score, error_rate)
        reviews = _reviews(rng, score, is_wrong)
        made = frame_error_rate([_changed(one, way, rng) for one in reviews], FRAMES, reviews[0].floor_probability)
        if not isinstance(made, Refusal):
            truth.append(float(is_wrong.mean()))
            said.append(made.rate)
    value, low, high = np.array(said or [Rate(np.nan, np.nan, np.nan)]).T
    return row(("audit", "mix", error_rate, LABELS), way, truth, value, low, high, error_rate)


def _reviews(rng: np.random.Generator, score: np.ndarray, is_wrong: np.ndarray) -> list[Review]:
    drawn = draw(rng, "mix", score, LABELS)
    return [
        Review(
            sample_id=str(index),
            frame_id=str(index),
            source_id="door",
            model_id="model",
            model_version="1",
            time_ms=int(index),
            probability=float(probability),
            floor_probability=drawn.floor,
            on_floor=bool(on_floor),
            audit=float(rng.random()),
            outcome=Outcome(wrong=bool(is_wrong[index])),
        )
        for index, probability, on_floor in zip(drawn.index, drawn.probability, drawn.on_floor, strict=True)
    ]


def _changed(review: Review, way: str, rng: np.random.Generator) -> Review:
    """What happened to the review. Missing frames are the harder ones: whatever an estimate assumed of them would be wrong."""
    if way == "60 % reviewed":
        return review if review.audit < REVIEWED else replace(review, outcome=None)
    if way == "a few unsure":
        return review if rng.random() >= UNSURE else replace(review, outcome=None)
    if way == WAYS[-1]:
        is_wrong = review.outcome is not None and review.outcome.wrong
        lost = rng.random() < MISSING[bool(is_wrong)]
        return replace(review, outcome=None, missing="limit:day") if lost else review
    return review
