"""Context: which frames are neighbours of a kept one, and that each of them is kept once, whatever happens on the way."""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.sampler.context import (
    MOST_EACH,
    MOST_PLACES,
    Context,
    Place,
    Want,
    places_after,
    places_before,
    worn,
)
from services.sampler.keeping import Keeper, Pixels
from services.sampler.privacy.options import Privacy
from services.sampler.privacy.veil import Veil
from services.sampler.recalling import MOST_SOURCES, MOST_UNSETTLED, MOST_WANTS, KeptFor, Recaller
from services.sampler.reencoding import ImageOptions
from shared.adapters.embedded.file_images import FileImages
from shared.adapters.embedded.file_objects import FileObjects
from shared.adapters.embedded.segment_log import SegmentLog
from shared.adapters.embedded.sqlite_state import SqliteState
from shared.errors import Unavailable
from shared.ports.state import Charge, Undecided
from shared.runtime.clock import SystemClock
from shared.runtime.pixels import FramePixels
from shared.settings import ReferencesConfig
from shared.streams import PREDICTIONS, SAMPLES, keys
from shared.streams.frames import FRAMES, new_frame
from shared.streams.predictions import Prediction, new_prediction
from shared.streams.record import NewRecord, Record
from shared.streams.samples import BufferedImage, Design, Neighbour, new_sample
from tests.hosts.samples import design as made_design
from tests.unit.services.sampler.making import jpeg, prediction

FRAMES_THERE = 60
APART_MS = 100
START_MS = int(time.time() * 1000) - FRAMES_THERE * APART_MS
"""The log's retention goes by the present."""


class Street:
    """A log with sixty frames of one camera, 100 ms apart, and their predictions; stores; recallers on them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now_ms = START_MS
        self.log = SegmentLog(folder / "log", now_ms=lambda: self.now_ms)
        self.log.apply()
        self.images = FileImages(folder / "images")
        self.reader = self.log.reader()
        self.frames = [self._predicted(number) for number in range(FRAMES_THERE)]

    def _predicted(self, number: int) -> tuple[Record, Prediction]:
        self.now_ms = START_MS + number * APART_MS
        record = self._sent(new_frame("door", jpeg(number, 16, 16), producer_frame_id=str(number)))
        seen = prediction(0.9, width_px=16, height_px=16).model_copy(update={"frame": FRAMES.decode(record).ref})
        return self._sent(new_prediction(seen)), seen

    def _sent(self, new: NewRecord) -> Record:
        producer = self.log.producer()
        record = producer.send(new).result(5)
        producer.close()
        return record

    def recaller(
        self,
        state: SqliteState,
        context: Context,
        charges: Callable[[Prediction, int], Sequence[Charge]] = lambda prediction, size: (),
        image: ImageOptions | None = None,
    ) -> Recaller:
        pixels = FramePixels(FileObjects(self.folder / "objects"), ReferencesConfig(), SystemClock())
        keeper = Keeper(self.reader, pixels, self.images, 64, Veil(Privacy(), image))
        common = KeptFor("default", ("dataset",), ("street",), "settings-1", 86_400)
        return Recaller(context, common, state, self.reader, keeper, charges)

    def design(self, number: int) -> Design:
        """The frame's design, as it would be in the log."""
        return made_design(seen=self.frames[number][1])

    def close(self) -> None:
        self.reader.close()
        self.images.close()
        self.log.close()


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    there = Street(tmp_path_factory.mktemp("street"))
    yield there
    there.close()


_names = count()


@pytest.fixture
def state(street: Street) -> Iterator[SqliteState]:
    """An empty one."""
    opened = SqliteState(street.folder / "state.db", prefix=f"{next(_names)}.")
    yield opened
    opened.close()


def handled(
    street: Street, recaller: Recaller, state: SqliteState, numbers: Sequence[int], kept: Sequence[int]
) -> list[Neighbour]:
    """A batch up to the point where its outputs are durable: frames are seen, some are kept by design."""
    recaller.begin()
    for number in numbers:
        recaller.seen(*street.frames[number])
    for number in kept:
        if number in numbers:
            design = street.design(number)
            memo = keys.memo_key("default", design.sample_id)
            state.decide([Undecided(memo, design.to_bytes(), 86_400)])
            recaller.kept(design)
    return [_decoded(new) for new in recaller.keep_all()]


def _decoded(new: NewRecord) -> Neighbour:
    sample = SAMPLES.decode(Record(new.stream, new.partition or 0, 0, 0, new.key, new.value))
    assert isinstance(sample, Neighbour)
    return sample


def passed(street: Street, recaller: Recaller, state: SqliteState, kept: Sequence[int], most: int) -> list[Neighbour]:
    """All frames, batch by batch, undisturbed."""
    found = []
    for start in range(0, FRAMES_THERE, most):
        found += handled(street, recaller, state, range(start, min(start + most, FRAMES_THERE)), kept)
        recaller.settle()
    return found


def numbers_of(neighbours: Sequence[Neighbour]) -> list[int]:
    return sorted(one.prediction.frame.offset for one in neighbours)


def test_neighbours_before_and_after_are_kept_with_their_images(street: Street, state: SqliteState) -> None:
    context = Context(before_s=0.4, after_s=0.2, every=2)
    found = passed(street, street.recaller(state, context), state, [30], most=10)
    assert numbers_of(found) == [26, 28, 32]
    kept = street.design(30)
    for one in found:
        assert one.of == kept.sample_id
        assert one.after_ms == (one.prediction.frame.offset - 30) * APART_MS
        assert one.image is not None
        assert street.images.get(one.image.key) == jpeg(one.prediction.frame.offset, 16, 16)
        assert street.images.stat(one.image.preview_key) is not None
        assert street.images.get(one.image.sidecar_key) == one.to_bytes()
        assert (one.tags, one.destinations, one.missing) == (("street",), ("dataset",), None)
        record, seen = street.frames[one.prediction.frame.offset]
        assert one.prediction == seen
        assert one.prediction_id.startswith(f"{record.partition}-{record.offset}-")


def test_what_has_a_design_is_no_neighbour(street: Street, state: SqliteState) -> None:
    found = passed(street, street.recaller(state, Context(before_s=0.3)), state, [28, 30], most=60)
    assert numbers_of(found) == [25, 26, 27, 29]


def test_a_memo_of_a_draw_that_a_gate_took_away_is_no_design(street: Street, state: SqliteState) -> None:
    state.decide([Undecided(keys.memo_key("default", street.design(29).sample_id), b"", 86_400)])
    found = passed(street, street.recaller(state, Context(before_s=0.1)), state, [30], most=60)
    assert numbers_of(found) == [29]


def test_one_frame_is_the_neighbour_of_the_first_that_asks(street: Street, state: SqliteState) -> None:
    found = passed(street, street.recaller(state, Context(before_s=0.2, after_s=0.2)), state, [20, 22], most=1)
    assert numbers_of(found) == [18, 19, 21, 23, 24]
    assert {one.prediction.frame.offset: one.of for one in found}[21] == street.design(20).sample_id


def test_a_design_without_an_image_has_no_neighbours(street: Street, state: SqliteState) -> None:
    recaller = street.recaller(state, Context(before_s=1))
    recaller.begin()
    for frame in street.frames[:5]:
        recaller.seen(*frame)
    recaller.kept(street.design(4).model_copy(update={"image": None, "missing": "expired"}))
    assert recaller.keep_all() == []


def test_a_frame_that_waited_has_the_neighbours_that_came_meanwhile(street: Street, state: SqliteState) -> None:
    recaller = street.recaller(state, Context(before_s=0.2, after_s=0.3))
    handled(street, recaller, state, range(20), [])
    recaller.settle()
    recaller.begin()
    recaller.kept(street.design(10))
    assert numbers_of([_decoded(new) for new in recaller.keep_all()]) == [8, 9, 11, 12, 13]


def test_a_limit_publishes_them_without_an_image(street: Street, state: SqliteState) -> None:
    size: list[int] = []

    def charges(prediction: Prediction, image_bytes: int) -> tuple[Charge, ...]:
        size.append(image_bytes)
        return (Charge("all/day", keys.limit_key("default", "all", "today"), 1, 1, 60),)

    recaller = street.recaller(state, Context(before_s=0.2), charges)
    found = passed(street, recaller, state, [30], most=60)
    assert {one.prediction.frame.offset: one.missing for one in found} == {29: None, 28: "limit:all/day"}
    assert size == [len(jpeg(29, 16, 16)), len(jpeg(28, 16, 16))]


def test_a_frame_that_has_gone_is_published_as_expired(street: Street, state: SqliteState) -> None:
    """Its prediction is still there: it names a record that is not the frame's any more."""
    record, seen = street.frames[5]
    gone = seen.frame.model_copy(update={"sha256": "0" * 64})
    again = street._sent(new_prediction(seen.model_copy(update={"frame": gone})))
    recaller = street.recaller(state, Context(before_s=0.1))
    recaller.begin()
    recaller.seen(again, PREDICTIONS.decode(again))
    recaller.seen(*street.frames[6])
    recaller.kept(street.design(6))
    (one,) = [_decoded(new) for new in recaller.keep_all()]
    assert (one.image, one.missing) == (None, "expired")
    assert record.offset != again.offset


def test_a_prediction_that_has_gone_gives_no_neighbour(street: Street, state: SqliteState) -> None:
    record, seen = street.frames[5]
    recaller = street.recaller(state, Context(before_s=0.1))
    recaller.begin()
    recaller.seen(Record("predictions", 0, 10_000, record.time_ms, b"", b""), seen)
    recaller.seen(*street.frames[6])
    recaller.kept(street.design(6))
    assert recaller.keep_all() == []


def test_an_image_that_never_reached_the_buffer_is_missing_for_ever(
    street: Street, state: SqliteState, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Decided as kept, then a crash; when the batch comes again, the frame has gone."""
    context = Context(before_s=0.1)
    (first,) = handled(street, street.recaller(state, context), state, range(40, 43), [42])
    assert first.image is not None
    street.images.delete(first.image.key)
    recaller = street.recaller(state, context)
    monkeypatch.setattr(Keeper, "read", lambda keeper, prediction: Pixels(missing="expired"))
    (again,) = handled(street, recaller, state, range(40, 43), [42])
    assert (again.image, again.missing) == (None, "expired")
    monkeypatch.undo()
    (third,) = handled(street, street.recaller(state, context), state, range(40, 43), [42])
    assert third == again


def test_other_settings_change_what_is_stored_only_where_nothing_is_yet(street: Street, state: SqliteState) -> None:
    context, smaller = Context(before_s=0.1), ImageOptions(jpeg_quality=30)
    (first,) = handled(street, street.recaller(state, context), state, range(50, 53), [52])
    recaller = street.recaller(state, context, image=smaller)
    assert handled(street, recaller, state, range(50, 53), [52]) == [first]
    assert first.image is not None
    street.images.delete(first.image.key)
    (again,) = handled(street, recaller, state, range(50, 53), [52])
    assert again.image is not None
    assert again.image.altered
    assert again.image.sha256 != first.image.sha256
    stored = street.images.get(again.image.key)
    assert stored is not None
    assert hashlib.sha256(stored).hexdigest() == again.image.sha256
    assert handled(street, street.recaller(state, context), state, range(50, 53), [52]) == [again]


def test_no_store_is_asked_for_frames_of_which_nothing_is_wanted(street: Street, state: SqliteState) -> None:
    recaller = street.recaller(state, Context(before_s=1, after_s=1))
    handled(street, recaller, state, range(10), [])
    recaller.settle()
    state.close()
    assert handled(street, recaller, state, range(10, 20), []) == []
    recaller.settle()


def test_a_store_that_is_away_loses_nothing(street: Street, state: SqliteState) -> None:
    context = Context(before_s=0.2, after_s=0.2)
    away = SqliteState(street.folder / "state.db", prefix=state._prefix)
    recaller = street.recaller(away, context)
    away.close()
    recaller.begin()
    for frame in street.frames[:11]:
        recaller.seen(*frame)
    recaller.kept(street.design(10))
    with pytest.raises(Unavailable):
        recaller.keep_all()
    recaller._state = state
    assert numbers_of(handled(street, recaller, state, range(11), [10])) == [8, 9]
    recaller._state = away
    with pytest.raises(Unavailable):
        recaller.settle()
    recaller._state = state
    recaller.settle()
    assert numbers_of(handled(street, street.recaller(state, context), state, range(11, 20), [])) == [11, 12]


def test_a_rebalance_while_the_store_is_away_loses_nothing_of_what_stays_ours(
    street: Street, state: SqliteState
) -> None:
    context = Context(before_s=0.2, after_s=0.2)
    recaller = street.recaller(state, context)
    assert numbers_of(handled(street, recaller, state, range(11), [10])) == [8, 9]
    recaller.forget({7})
    recaller.settle()
    assert numbers_of(handled(street, street.recaller(state, context), state, range(11, 20), [])) == [11, 12]


def test_what_another_version_wanted_in_another_form_is_wanted_no_more(street: Street, state: SqliteState) -> None:
    state.put(keys.want_key("default", "door/0"), b"of another form", 60)
    assert numbers_of(handled(street, street.recaller(state, Context(after_s=0.2)), state, range(11), [8])) == [9, 10]


def test_changed_settings_forget_no_frame_that_may_still_be_kept(street: Street, state: SqliteState) -> None:
    former, context = street.recaller(state, Context(after_s=1)), Context(before_s=0.2)
    handled(street, former, state, range(11), [])
    former.settle()
    recaller = street.recaller(state, context)
    recaller.go_on_from(former)
    assert numbers_of(handled(street, recaller, state, range(11, 12), [11])) == [9, 10]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kept=st.sets(st.integers(0, FRAMES_THERE - 1), min_size=1, max_size=5),
    before_s=st.sampled_from([0.0, 0.1, 0.5, 1.5]),
    after_s=st.sampled_from([0.1, 0.5, 1.5]),
    every=st.integers(1, 4),
    sizes=st.lists(st.integers(1, 25), min_size=1, max_size=12),
    ends=st.lists(
        st.sampled_from(["settled", "settled", "again", "killed", "killed late", "taken"]), min_size=12, max_size=12
    ),
)
def test_whatever_happens_on_the_way_the_same_frames_are_kept_once(
    street: Street,
    kept: set[int],
    before_s: float,
    after_s: float,
    every: int,
    sizes: list[int],
    ends: list[str],
) -> None:
    """Batches of any size are handed in again, die before or after they were settled, and change their owner."""
    context = Context(before_s=before_s, after_s=after_s, every=every)
    drawn = sorted(kept)
    calm = SqliteState(street.folder / "state.db", prefix=f"{next(_names)}.")
    wild = SqliteState(street.folder / "state.db", prefix=f"{next(_names)}.")
    expected = passed(street, street.recaller(calm, context), calm, drawn, most=FRAMES_THERE)
    found = _disturbed(street, street.recaller(wild, context), wild, context, drawn, sizes, ends)
    calm.close()
    wild.close()
    assert {one.sample_id for one in found} == {one.sample_id for one in expected}
    assert len({(one.sample_id, one.of, one.after_ms) for one in found}) == len({one.sample_id for one in found})


def _disturbed(
    street: Street,
    recaller: Recaller,
    state: SqliteState,
    context: Context,
    kept: Sequence[int],
    sizes: Sequence[int],
    ends: Sequence[str],
) -> list[Neighbour]:
    """What is published by batches that end well or not; whoever takes over sees what came before once more."""
    found: list[Neighbour] = []
    start = 0
    for size, end in zip(
        [*sizes, *[10] * FRAMES_THERE], [*ends[: len(sizes)], *["settled"] * FRAMES_THERE], strict=False
    ):
        batch = range(start, min(start + size, FRAMES_THERE))
        made = handled(street, recaller, state, batch, kept)
        if end == "again":
            made = handled(street, recaller, state, batch, kept)
        if end in ("killed", "killed late"):
            if end == "killed late":  # its outputs are durable and it is settled, and the offset is not committed
                found += made
                recaller.settle()
            recaller = _successor(street, state, context, start)
            continue
        found += made
        recaller.settle()
        start = batch.stop
        if end == "taken":
            recaller.forget({0})
            _warmed(street, recaller, start)
    return found


def _successor(street: Street, state: SqliteState, context: Context, start: int) -> Recaller:
    recaller = street.recaller(state, context)
    _warmed(street, recaller, start)
    return recaller


def _warmed(street: Street, recaller: Recaller, start: int) -> None:
    for frame in street.frames[:start]:
        recaller.seen(*frame)


spans = st.builds(
    Context,
    before_s=st.floats(0.001, 60),
    after_s=st.floats(0.001, 60),
    every=st.integers(1, MOST_PLACES),
)
gaps_ms = st.lists(st.integers(0, 3000), max_size=400)


def _places(gaps: Sequence[int]) -> list[Place]:
    times = [sum(gaps[: n + 1]) for n in range(len(gaps))]
    return [Place(3 * n, 7 * n, time_ms) for n, time_ms in enumerate(times)]


@settings(deadline=None)
@given(context=spans, gaps=gaps_ms, data=st.data())
def test_neighbours_lie_in_the_span_at_the_asked_distance_and_are_few(
    context: Context, gaps: list[int], data: st.DataObject
) -> None:
    places = _places(gaps)
    at = data.draw(st.integers(0, max(0, len(places) - 1)))
    kept = places[at] if places else Place(0, 0, 0)
    before = places_before(places, context, kept.frame_offset, kept.time_ms)
    want = Want(
        of="s", model_id="m", time_ms=kept.time_ms, until_ms=kept.time_ms + context.after_ms, last=kept.frame_offset
    )
    after, then = places_after(places, context, want)
    every = context.every
    back = [places[n] for n in range(at - every, -1, -every) if kept.time_ms - places[n].time_ms <= context.before_ms]
    on = [places[n] for n in range(at + every, len(places), every) if places[n].time_ms <= want.until_ms]
    assert before == back[:MOST_EACH]
    assert after == on[:MOST_EACH]
    assert then.left == MOST_EACH - len(after)


@settings(deadline=None)
@given(context=spans, gaps=gaps_ms)
def test_what_is_forgotten_nobody_can_ask_for(context: Context, gaps: list[int]) -> None:
    places = _places(gaps)
    left = places[worn(places, context) :] if places else []
    assert len(left) <= MOST_PLACES
    assert left[-context.every :] == places[-context.every :][-MOST_PLACES:]
    young = [one for one in places if one.time_ms >= places[-1].time_ms - context.before_ms]
    assert left[-len(young) :] == young[-MOST_PLACES:] or not young


def test_memory_is_bounded_in_sources_and_wants(street: Street, state: SqliteState) -> None:
    recaller = street.recaller(state, Context(before_s=1, after_s=60))
    recaller.begin()
    for number in range(MOST_SOURCES + 50):
        seen = street.frames[0][1].model_copy(update={"source_id": f"door-{number}"})
        recaller.seen(street.frames[0][0], seen)
    for number in range(MOST_WANTS + 10):
        ref = street.frames[0][1].frame.model_copy(update={"frame_id": f"f{number}", "offset": number})
        recaller.kept(made_design(seen=street.frames[0][1].model_copy(update={"frame": ref})))
    recaller.keep_all()
    recaller.settle()
    assert len(recaller._places) == MOST_SOURCES
    assert max(len(wants) for wants in recaller._wants.values()) <= MOST_WANTS


def test_what_is_read_back_before_the_first_batch_is_bounded_too(street: Street, state: SqliteState) -> None:
    recaller = street.recaller(state, Context(before_s=1))
    record, seen = street.frames[0]
    for number in range(3 * MOST_UNSETTLED):
        ref = seen.frame.model_copy(update={"offset": number})
        recaller.seen(record, seen.model_copy(update={"frame": ref}))
    recaller.begin()
    (places,) = recaller._places.values()
    assert (len(places), places[-1].frame_offset) == (MOST_UNSETTLED, 3 * MOST_UNSETTLED - 1)


def test_a_context_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="before_s or after_s above 0"):
        Context(every=5)


def test_neighbours_are_samples_as_others_are(street: Street, state: SqliteState) -> None:
    (one,) = passed(street, street.recaller(state, Context(before_s=0.1)), state, [30], most=60)
    new = new_sample(one)
    assert (new.key, new.partition) == (one.sample_id.encode(), 0)
    assert isinstance(one.image, BufferedImage)
    assert one.revision == ""
