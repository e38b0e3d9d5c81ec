"""All that the API answers is the same however the streams were read: as they came, at once, or in another interleaving."""

import json
import random
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.feedback.read_model import ReadModel, follow
from services.feedback.read_model.browse import Order
from services.feedback.read_model.filters import Filters
from services.feedback.read_model.history import VerdictFilters
from services.feedback.read_model.taking import FOLLOWED
from shared.streams.predictions import Prediction
from shared.streams.samples import Design, new_sample
from shared.streams.uploads import Outcome
from shared.streams.verdicts import Label
from tests.unit.services.feedback.read_model.making import ALWAYS, WAIT_S, Streams

STEPS = 70
MOST = 200
ORDERS: tuple[Order, ...] = ("newest", "audit")
OUTCOMES: tuple[Outcome, ...] = ("accepted", "uncertain", "evicted", "dead_lettered")
FILTERED = ("sources", "classes", "strategies", "verdicts", "uploads", "missing")
KINDS = ("confirmed", "rejected", "missed", "corrected", "unsure", "affirmed")


class Living:
    """A site in which anything happens in any order."""

    def __init__(self, streams: Streams, seed: int) -> None:
        self._streams = streams
        self._chance = random.Random(seed)
        self._designs: list[Design] = []
        self._seen: list[Prediction] = []
        self._number = 0

    def step(self) -> None:
        self._number += 1
        choices = [self._draw, self._predict, self._streams.tell]
        if self._designs:
            choices += [self._judge, self._judge, self._judge, self._again, self._neighbour, self._upload, self._show]
        self._chance.choice(choices)()

    def _frame(self) -> dict[str, Any]:
        number = self._chance.randrange(2)
        return {"minute": self._chance.randrange(3000), "source_id": ("door", "gate")[number], "partition": number}

    def _draw(self) -> None:
        pick = self._chance.choice
        model: dict[str, Any] = {
            "model_id": pick(("kitchen", "yard")),
            "model_version": pick("12"),
            "threshold": pick((0.5, 0.6)),
        }
        how: dict[str, Any] = {"missing": pick((None, None, "limit:day")), "strategy": pick(("random", "uncertain"))}
        self._designs.append(self._streams.draw(**self._frame(), **model, **how))
        self._seen.append(self._designs[-1].prediction)

    def _predict(self) -> None:
        self._seen.append(self._streams.predict(**self._frame())[1])

    def _judge(self) -> None:
        pick, changes = self._chance.choice, dict[str, Any]()
        kind = pick(KINDS)
        if kind not in ("missed", "affirmed"):
            changes["detection_index"] = pick((None, 0, 1))
        if kind == "corrected":
            label = Label(class_name="cup", box=(10, 10, 90, 90))
            changes |= {"labels": (label,)} if changes["detection_index"] is None else {"label": label}
        person = {"reviewer": pick(("ann", "ben", "bot", None)), "verdict_id": f"v{self._number}"}
        verdict = self._streams.judge(pick(self._seen), kind, **person, **changes)
        if self._chance.random() < 0.4:
            self._streams.revise(verdict, "flag")

    def _again(self) -> None:
        self._streams.send(new_sample(self._chance.choice(self._designs)))

    def _neighbour(self) -> None:
        self._streams.neighbour(self._chance.choice(self._designs), self._chance.choice(self._seen))

    def _upload(self) -> None:
        self._streams.upload(self._chance.choice(self._designs), self._chance.choice(OUTCOMES))

    def _show(self) -> None:
        self._streams.show(self._chance.choice(self._seen), f"e{self._number}")


def answers(model: ReadModel) -> dict[str, Any]:
    pages: dict[str, Any] = {order: page(model, Filters(), order) for order in ORDERS}
    return {
        **pages,
        "counts": told(model.counts(Filters())),
        "details": [told(model.sample(sample["sample_id"])) for sample in pages["newest"]],
        "verdicts": told(model.verdicts(VerdictFilters(), (), None, None, MOST)),
        "reviewers": told(model.reviewers()),
        "pipeline": told(model.pipeline()),
        "versions": model.versions(judged=True),
        "reviews": model.reviews(ALWAYS),
        "totals": model.totals_per_source_and_day(ALWAYS, ZoneInfo("Europe/Berlin")),
    }


def told(answer: Any) -> Mapping[str, Any]:
    """Without when it was given."""
    values = answer.model_dump()
    return {name: value for name, value in values.items() if name not in ("as_of_ms", "rebuilding")}


def page(model: ReadModel, filters: Filters, order: Order = "newest", limit: int = MOST) -> list[Any]:
    """All pages as one."""
    found: list[Any] = []
    cursor = None
    while True:
        one = json.loads(model.samples(filters, order, cursor, limit))
        found, cursor = found + one["samples"], one["next"]
        if cursor is None:
            return found


@pytest.mark.parametrize("seed", range(4))
def test_the_same_answers(streams: Streams, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    living, chance = Living(streams, seed), random.Random(seed)
    with streams.model("as-they-came.db", excluded=["bot"]) as model:
        for _ in range(STEPS):
            living.step()
            assert chance.random() < 0.5 or model.caught_up(WAIT_S)
        assert model.caught_up(WAIT_S)
        came = answers(model)
    with streams.model("at-once.db", excluded=["bot"]) as model:
        assert answers(model) == came
    monkeypatch.setattr(follow, "BATCH", 3)
    monkeypatch.setattr(follow, "FOLLOWED", FOLLOWED[::-1])
    with streams.model("backwards.db", excluded=["bot"]) as model:
        assert answers(model) == came


def test_pages_and_counts_agree(streams: Streams) -> None:
    living = Living(streams, 7)
    for _ in range(STEPS):
        living.step()
    with streams.model(excluded=["bot"]) as model:
        for order in ORDERS:
            assert page(model, Filters(), order, limit=3) == page(model, Filters(), order)
        counts = model.counts(Filters())
        assert counts.total == len(page(model, Filters()))
        for name in FILTERED:
            assert getattr(counts, name)
            for one in getattr(counts, name):
                alone: dict[str, Any] = {name: (one.value,)}
                combined = Filters(**{"sources": ("door",), **alone})
                assert len(page(model, Filters(**alone))) == one.samples
                assert len(page(model, combined)) == model.counts(combined).total
