"""The file is a projection: whatever happens to it, the answers come back the same."""

import itertools
from pathlib import Path
from typing import Any

import pytest

from services.feedback.read_model import ReadModel
from shared.runtime.clock import SystemClock
from shared.streams.frames import FRAMES
from shared.streams.predictions import PREDICTIONS
from shared.streams.record import NewRecord
from shared.streams.samples import new_sample
from tests.unit.services.feedback.read_model.making import ALWAYS, SALT, WAIT_S, Streams, design_of

DAY_MS = 86_400_000


def a_bit_of_everything(streams: Streams) -> None:
    for number in range(30):
        design = streams.draw(minute=number * 61, source_id=("door", "gate")[number % 2], partition=number % 2)
        if number % 3 == 0:
            streams.judge(design.prediction, "confirmed")
        if number % 5 == 0:
            streams.judge(design.prediction, "rejected", detection_index=0, reviewer="ann")
            streams.show(design.prediction, f"shown-{number}")
        streams.upload(design, "accepted")
    streams.tell()


def answers(model: ReadModel) -> Any:
    return model.reviews(ALWAYS), model.totals(ALWAYS), model.versions()


def test_a_rebuild_gives_the_same_also_when_frames_and_predictions_have_expired(streams: Streams) -> None:
    a_bit_of_everything(streams)
    with streams.model() as model:
        before = answers(model)
    assert len(before[0]) == 30
    assert before[1].frames == 30

    streams.now_ms += 30 * DAY_MS
    streams.send(NewRecord(FRAMES.name, b"x", b"a sweep follows", 0))
    streams.send(NewRecord(PREDICTIONS.name, b"x", b"and another", 0))
    (streams.folder / "model.db").unlink()
    with streams.model() as model:
        assert answers(model) == before
    with streams.model("another.db") as model:
        assert answers(model) == before


def test_it_goes_on_where_it_was(streams: Streams) -> None:
    a_bit_of_everything(streams)
    with streams.model() as model:
        before = answers(model)
    design = streams.draw(minute=2000)

    with streams.model() as model:
        assert [one for one in model.reviews(ALWAYS) if one.sample_id != design.sample_id] == before[0]
        assert model.progress().total == model.progress().done


def test_a_damaged_file_is_made_anew(streams: Streams) -> None:
    a_bit_of_everything(streams)
    with streams.model() as model:
        before = answers(model)
    file = streams.folder / "model.db"
    for damage in (b"", b"no database at all", file.read_bytes()[:5000]):
        file.write_bytes(damage)
        with streams.model() as model:
            assert answers(model) == before


def test_another_salt_or_other_excluded_reviewers_make_it_anew(streams: Streams) -> None:
    a_bit_of_everything(streams)
    with streams.model() as model:
        wrong = sum(1 for review in model.reviews(ALWAYS) if review.outcome and review.outcome.wrong)
    with streams.model(excluded=["ann"]) as model:
        still_wrong = sum(1 for review in model.reviews(ALWAYS) if review.outcome and review.outcome.wrong)

    assert (wrong, still_wrong) == (6, 0)


def test_streams_that_were_made_anew_are_noticed(streams: Streams, tmp_path: Path) -> None:
    a_bit_of_everything(streams)
    with streams.model():
        pass
    for draws in (3, 60):  # shorter than what was read, and longer
        other = Streams(tmp_path / f"anew-{draws}")
        drawn = {other.draw(source_id="yard").sample_id for _ in range(draws)}
        other.tell()
        file = other.folder / "model.db"
        file.write_bytes((streams.folder / "model.db").read_bytes())
        with other.model() as model:
            assert {review.sample_id for review in model.reviews(ALWAYS)} == drawn
            assert model.totals(ALWAYS).frames == draws
        other.close()


def test_records_that_make_no_sense_are_passed_over(streams: Streams) -> None:
    streams.send(NewRecord("samples", b"x", b"{", 0))
    streams.send(NewRecord("verdicts", b"x", None, 1))
    design = streams.draw()

    with streams.model() as model:
        assert [review.sample_id for review in model.reviews(ALWAYS)] == [design.sample_id]


def test_two_records_with_one_verdict_id_are_one(streams: Streams) -> None:
    design = streams.draw()
    streams.judge(design.prediction, "confirmed", verdict_id="v")
    streams.judge(design.prediction, "rejected", verdict_id="v")

    with streams.model() as model:
        (review,) = model.reviews(ALWAYS)

    assert review.outcome is not None
    assert review.outcome.wrong is False


def test_the_batches_make_no_difference(streams: Streams) -> None:
    """Read in one go, or record by record while they come."""
    with streams.model("slowly.db") as slowly:
        for number in range(10):
            design = streams.draw(minute=number)
            assert slowly.caught_up(WAIT_S)
            streams.judge(design.prediction, "unsure")
            assert slowly.caught_up(WAIT_S)
            streams.judge(design.prediction, "rejected" if number % 2 else "confirmed", reviewer="ben")
            streams.tell()
            assert slowly.caught_up(WAIT_S)
        with streams.model("at-once.db") as at_once:
            assert answers(slowly) == answers(at_once)


@pytest.mark.parametrize("kinds", list(itertools.permutations(["affirmed", "rejected", "unsure"])))
def test_the_batches_make_no_difference_to_what_stands(streams: Streams, kinds: tuple[str, ...]) -> None:
    """Silence that was outranked stands again where they are unsure in the end."""
    with streams.model("slowly.db") as slowly:
        design = streams.draw()
        for kind in kinds:
            streams.judge(design.prediction, kind)
            assert slowly.caught_up(WAIT_S)
        with streams.model("at-once.db") as at_once:
            told, again = (model.sample(design.sample_id) for model in (slowly, at_once))
    assert told is not None
    assert again is not None
    assert (told.sample, told.history) == (again.sample, again.history)


def test_verdicts_on_two_predictions_of_one_frame_make_the_same_in_any_batches(streams: Streams) -> None:
    """An application that sends a frame again, with other boxes."""
    with streams.model("slowly.db") as slowly:
        design = streams.draw(partition=0)
        again = design.prediction.model_copy(update={"detections": ()})
        streams.judge(design.prediction, "rejected")
        assert slowly.caught_up(WAIT_S)
        streams.judge(again, "confirmed")
        assert slowly.caught_up(WAIT_S)
        streams.judge(again, "missed")
        assert slowly.caught_up(WAIT_S)
        with streams.model("at-once.db") as at_once:
            assert slowly.reviews(ALWAYS) == at_once.reviews(ALWAYS)


def test_closing_ends_it_and_a_second_owner_waits(streams: Streams) -> None:
    streams.draw()
    with streams.model():
        second = ReadModel(streams.folder / "model.db", streams.log, SystemClock(), SALT, interval_s=0.02)
        second.start()
        assert not second.caught_up(0.1)
    assert second.caught_up(WAIT_S)
    assert len(second.reviews(ALWAYS)) == 1
    second.close()


def test_progress_says_how_far_it_is(streams: Streams) -> None:
    prediction_id, prediction = streams.predict()
    streams.send_all([new_sample(design_of(prediction, prediction_id)) for _ in range(1200)])

    model = ReadModel(streams.folder / "model.db", streams.log, SystemClock(), SALT, interval_s=0.02)
    assert model.progress().rebuilding
    model.start()
    assert model.caught_up(WAIT_S)
    model.close()
    progress = model.progress()

    assert progress.done <= progress.total == 1200
