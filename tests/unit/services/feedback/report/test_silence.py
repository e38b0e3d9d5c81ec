"""Silence in the report: who was shown what, who objected in time, and how often the silent are right."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.feedback.accuracy.review import Review
from services.feedback.report.content import ModelVersion, Silence
from services.feedback.report.silence import silence
from shared.streams import verdicts
from shared.streams.predictions import Prediction
from shared.streams.verdicts import new_shown
from tests.unit.services.feedback.read_model.making import ALWAYS, START_MS, Streams, shown_of

OF = ModelVersion(model_id="kitchen", model_version="1")
OBJECTION_S = 600
LATER_MS = START_MS + 86_400_000


@pytest.fixture
def streams(tmp_path: Path) -> Iterator[Streams]:
    opened = Streams(tmp_path)
    yield opened
    opened.close()


def show(streams: Streams, prediction: Prediction, **changes: object) -> None:
    shown = shown_of(prediction, f"{prediction.frame.frame_id} {changes}")
    streams.send(new_shown(shown.model_copy(update={"objection_s": OBJECTION_S, **changes})))


def told(streams: Streams, now_ms: int = LATER_MS, reviews: list[Review] | None = None) -> Silence:
    found = silence(streams.log, OF, reviews or [], now_ms)
    assert found is not None
    return found


def test_who_objected_in_time(streams: Streams) -> None:
    def shown() -> Prediction:
        _, prediction = streams.predict()
        show(streams, prediction)
        return prediction

    for _ in range(3):
        shown()  # nobody says anything
    streams.judge(shown(), "rejected")
    streams.judge(shown(), "missed", caller="inbox", exhaustive=True)  # who searched it is no user
    streams.judge(shown(), "rejected", caller="another-app")  # nor who was not shown it
    streams.judge(shown(), "confirmed")
    late = shown()
    streams.now_ms += OBJECTION_S * 1000 + 1
    streams.judge(late, "rejected")
    found = told(streams)
    assert (found.shown, found.objected) == (8, 1)


def test_how_many_frames_people_judged_beside_those_that_became_labels_by_themselves(streams: Streams) -> None:
    nobody_objected = verdicts.Silence(
        exposure_id="e",
        deadline_ms=1,
        weight=0.8,
        p_correct=0.9,
        p=0.9,
        reject_rate=0.0,
        audited_errors=0,
        probability=1.0,
    )
    for said in ({"kind": "affirmed", "silence": nobody_objected}, {"kind": "confirmed"}):
        for _ in range(2):
            _, prediction = streams.predict()
            show(streams, prediction)
            streams.judge(prediction, **said)
    streams.judge(prediction, "rejected")  # the same frame, which counts once
    found = told(streams)
    assert (found.affirmed, found.judged) == (2, 2)


def test_glimpses_other_versions_and_open_deadlines_do_not_count(streams: Streams) -> None:
    _, seen = streams.predict()
    _, other = streams.predict(model_version="2")
    show(streams, seen, probability=0.0)
    show(streams, other)
    assert silence(streams.log, OF, [], LATER_MS) is None
    show(streams, seen)
    assert silence(streams.log, OF, [], streams.now_ms + OBJECTION_S * 1000) is None
    assert told(streams).shown == 1


def test_how_often_the_silent_are_right(streams: Streams) -> None:
    for number in range(200):
        drawn = streams.draw(probabilities={"random": 0.5}, probability=0.5) if number % 2 else None
        seen = drawn.prediction if drawn else streams.predict()[1]
        show(streams, seen)
        wrong = number % 20 == 1
        if wrong and number % 40 == 1:
            streams.judge(seen, "rejected", caller="app")
        if drawn:
            streams.judge(
                seen, "missed" if wrong else "confirmed", exhaustive=True, caller="inbox", verdict_id=f"v{number}"
            )
    with streams.model() as model:
        found = told(streams, reviews=model.reviews(ALWAYS))
    assert (found.shown, found.objected) == (200, 5)
    assert found.wrong is not None
    assert found.wrong.value == pytest.approx(5 / 0.5 / 195)
    assert found.wrong.frames == 195
    assert found.wrong.says.startswith("Between ")


def test_too_little_audited_is_a_sentence(streams: Streams) -> None:
    show(streams, streams.predict()[1])
    wrong = told(streams).wrong
    assert wrong is not None
    assert (wrong.value, wrong.refused) == (None, "too_few")
