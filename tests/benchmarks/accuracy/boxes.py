"""Precision, frame miss rate and object recall, with several objects in a frame and errors that come in clumps."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from services.feedback.accuracy import estimates
from services.feedback.accuracy.audit import Refusal
from services.feedback.accuracy.estimates import Estimate
from services.feedback.accuracy.rates import Rate
from services.feedback.accuracy.review import Outcome, Review, Totals
from tests.benchmarks.accuracy.drawing_frames import FRAMES, Floats, draw
from tests.benchmarks.accuracy.rows import Row, row

ERROR_RATES = (0.01, 0.05, 0.2)
LABELS = (300, 1000)
OBJECTS_A_FRAME, CLUMPING = 2.0, 0.3
PRECISION, MISSES, RECALL = "precision: gamma", "frames with a miss: gamma", "object recall: KG with cap"


@dataclass(frozen=True, slots=True)
class World:
    """Per frame: found, falsely shown and missed objects, and the score that the draw goes by."""

    found: Any
    false: Any
    missed: Any
    score: Floats

    def truth(self) -> dict[str, float]:
        shown, objects = (self.found + self.false).sum(), (self.found + self.missed).sum()
        return {
            PRECISION: float(self.found.sum() / shown),
            MISSES: float((self.missed > 0).mean()),
            RECALL: float(self.found.sum() / objects),
        }


def world(rng: np.random.Generator, error_rate: float) -> World:
    """Few frames are difficult, and those have many errors; the score follows the difficulty, with noise."""
    difficulty = rng.gamma(CLUMPING, 1 / CLUMPING, FRAMES)
    objects = rng.poisson(OBJECTS_A_FRAME, FRAMES)
    missed = rng.binomial(objects, np.minimum(1, error_rate * difficulty))
    false = rng.poisson(error_rate * OBJECTS_A_FRAME * difficulty)
    score = np.clip(0.1 * difficulty + rng.beta(1, 6, FRAMES), 0.03, 1)
    return World(objects - missed, false, missed, score)


def rows(runs: int, seed: int) -> Iterator[Row]:
    for error_rate in ERROR_RATES:
        for labels in LABELS:
            yield from _cell(error_rate, labels, runs, np.random.default_rng([seed, labels, round(1000 * error_rate)]))


def _cell(error_rate: float, labels: int, runs: int, rng: np.random.Generator) -> Iterator[Row]:
    truths: dict[str, list[float]] = {PRECISION: [], MISSES: [], RECALL: []}
    said: dict[str, list[Rate]] = {PRECISION: [], MISSES: [], RECALL: []}
    for _ in range(runs):
        this = world(rng, error_rate)
        made, truth = _estimates(this, labels, rng), this.truth()
        for metric, estimate in made.items():
            if not isinstance(estimate, Refusal):
                truths[metric].append(truth[metric])
                said[metric].append(estimate.rate)
    for metric, rates in said.items():
        value, low, high = np.array(rates).T
        yield row(("boxes", "mix", error_rate, labels), metric, truths[metric], value, low, high, error_rate)


def _estimates(this: World, labels: int, rng: np.random.Generator) -> dict[str, Estimate | Refusal]:
    drawn = draw(rng, "mix", this.score, labels)
    reviews = [
        _review(this, int(index), float(probability), bool(on_floor), drawn.floor)
        for index, probability, on_floor in zip(drawn.index, drawn.probability, drawn.on_floor, strict=True)
    ]
    totals = Totals(FRAMES, detections={"cat": int((this.found + this.false).sum())})
    return {
        PRECISION: estimates.precision(reviews, totals, "cat", drawn.floor),
        MISSES: estimates.frame_miss_rate(reviews, FRAMES, drawn.floor),
        RECALL: estimates.object_recall(reviews, FRAMES, drawn.floor),
    }


def _review(this: World, index: int, probability: float, on_floor: bool, floor: float) -> Review:
    found, false, missed = int(this.found[index]), int(this.false[index]), int(this.missed[index])
    outcome = Outcome(
        wrong=false + missed > 0, right={"cat": found}, false={"cat": false}, boxes_judged=True, missed={"cat": missed}
    )
    return Review(
        sample_id=str(index),
        frame_id=str(index),
        source_id="door",
        model_id="model",
        model_version="1",
        time_ms=index,
        probability=probability,
        floor_probability=floor,
        on_floor=on_floor,
        audit=index / FRAMES,
        outcome=outcome,
    )
