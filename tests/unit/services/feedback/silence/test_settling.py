"""Deadlines are settled by the log: the same affirmations, whoever settles, whenever, and however often it is killed."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.feedback.silence.weight import own_confidence, p_correct, reject_rate, weight
from shared.streams.record import NewRecord
from shared.streams.verdicts import affirmed_id
from tests.unit.services.feedback.conftest import Site
from tests.unit.services.feedback.silence.telling import (
    DAY_S,
    GRACE_S,
    Settlers,
    affirmations,
    audited,
    drawn,
    prediction,
    said,
    shown,
)


@pytest.fixture
def settlers(site: Site) -> Settlers:
    return Settlers(site)


def id_of(number: int) -> str:
    seen = prediction(number)
    return affirmed_id("default", seen.frame.frame_id, seen.model_id)


def after(site: Site, seconds: float, *records: NewRecord) -> list[int]:
    """That much later these are written; their log times."""
    site.now_ms += round(seconds * 1000)
    return [site.send(record).time_ms for record in records]


def test_nobody_objected(site: Site, settlers: Settlers) -> None:
    (at_ms,) = after(site, 0, shown(1, "e1"))
    after(site, DAY_S + GRACE_S)
    assert settlers.step() == 0
    after(site, 1)
    assert settlers.step() == 1
    one = affirmations(site)[id_of(1)]
    assert (one.kind, one.caller, one.prediction) == ("affirmed", "silence", prediction(1))
    assert one.silence is not None
    assert (one.silence.deadline_ms, one.silence.exposure_id) == (at_ms + DAY_S * 1000, "e1")
    assert (one.silence.p, one.silence.weight) == (0.61, 0.22)
    assert settlers.step() == settlers.step("another") == 0


@pytest.mark.parametrize("kind", ["rejected", "missed", "confirmed", "unsure"])
def test_who_said_anything_in_time_was_not_silent(site: Site, settlers: Settlers, kind: str) -> None:
    after(site, 0, shown(1, "e1"))
    after(site, DAY_S, said(1, kind, "v1"))  # at the deadline, to the millisecond
    after(site, 2 * DAY_S)
    assert settlers.step() == 0
    assert affirmations(site) == {}


def test_who_objects_late_does_not_undo_what_was_so(site: Site, settlers: Settlers) -> None:
    after(site, 0, shown(1, "e1"))
    after(site, DAY_S + 0.001, said(1, "rejected", "v1"))
    after(site, 2 * DAY_S)
    assert settlers.step() == 1


def test_a_word_from_before_it_was_shown_counts(site: Site, settlers: Settlers) -> None:
    after(site, 0, said(1, "rejected", "v1"))
    after(site, 5, shown(1, "e1"))
    after(site, 2 * DAY_S)
    assert settlers.step() == 0


def test_the_first_exposure_counts(site: Site, settlers: Settlers) -> None:
    (first_ms,) = after(site, 0, shown(1, "e1"))
    after(site, DAY_S / 2, shown(1, "e2"))
    after(site, DAY_S * 0.6)
    assert settlers.step() == 1
    after(site, 3 * DAY_S)
    assert settlers.step() == 0
    one = affirmations(site)[id_of(1)]
    assert one.silence is not None
    assert one.silence.deadline_ms == first_ms + DAY_S * 1000


def test_what_is_not_held_is_not_affirmed(site: Site, settlers: Settlers) -> None:
    after(site, 0, shown(1, "e1", held=False))
    after(site, 2 * DAY_S)
    assert settlers.step() == 0


def test_a_clock_that_is_behind_waits_for_every_partition_of_the_log(site: Site) -> None:
    """Both partitions of both streams must have something from after the deadline."""
    settlers = Settlers(site, off_ms=-30 * DAY_S * 1000)
    after(site, 0, shown(1, "e1"))
    for record in (said(2, "confirmed", "a"), said(3, "confirmed", "b"), drawn(2), drawn(3)):
        assert settlers.step() == 0
        after(site, DAY_S + 1, record)
    assert settlers.step() == 1


def test_only_who_has_the_lease_works(site: Site, settlers: Settlers) -> None:
    after(site, 0, shown(1, "e1"))
    after(site, 2 * DAY_S)
    settlers.has_lease = False
    assert settlers.step() == 0
    settlers.has_lease = True
    assert settlers.step() == 1


def test_a_lost_or_damaged_file_is_made_anew(site: Site, settlers: Settlers) -> None:
    after(site, 0, shown(1, "e1"), shown(2, "e2"))
    after(site, 2 * DAY_S)
    assert settlers.step() == 2
    (site.folder / "silence-a.db").write_bytes(b"no database at all, but long enough to look like one" * 50)
    after(site, 0, shown(3, "e3"))
    after(site, 2 * DAY_S)
    assert settlers.step() == 1
    assert len(affirmations(site)) == 3


# A thousand exposures


@dataclass
class Told:
    """What was written about one prediction, by log time: all that an oracle needs."""

    shown_ms: list[int] = field(default_factory=list)
    said_ms: list[int] = field(default_factory=list)
    rejected_ms: list[int] = field(default_factory=list)
    audited_ms: int | None = None
    drawn_ms: int | None = None

    @property
    def deadline_ms(self) -> int:
        return min(self.shown_ms) + DAY_S * 1000

    @property
    def is_affirmed(self) -> bool:
        return all(at_ms > self.deadline_ms for at_ms in self.said_ms)

    def is_error(self, now_ms: int) -> bool:
        known = (self.audited_ms, self.drawn_ms, self.deadline_ms)
        return all(at_ms is not None and at_ms <= now_ms for at_ms in known)

    @property
    def was_rejected(self) -> bool:
        return any(at_ms <= self.deadline_ms for at_ms in self.rejected_ms)


def script(number: int, dice: random.Random) -> list[tuple[float, str, NewRecord]]:
    """(when, what, record): one of ten things that may happen to a prediction; every fourth one is drawn and audited."""
    at_s = dice.uniform(0, 3 * DAY_S)
    soon_s, late_s = at_s + dice.uniform(1, DAY_S - 1), at_s + DAY_S + dice.uniform(0.1, DAY_S)
    events = [(at_s, "shown", shown(number, f"e{number}"))]
    what = number % 10
    if what in (4, 5):
        events.append((soon_s, "rejected", said(number, "rejected", f"v{number}")))
    elif what == 6:
        events.append((soon_s, "said", said(number, "confirmed", f"v{number}")))
    elif what == 7:
        events.append((at_s - 1, "rejected", said(number, "missed", f"v{number}")))
    elif what == 8:
        events.append((late_s, "rejected", said(number, "rejected", f"v{number}")))
    elif what == 9:
        events += [
            (soon_s, "shown", shown(number, f"e{number}b")),
            (late_s, "said", said(number, "unsure", f"v{number}")),
        ]
    if number % 4 == 0:
        events += [(at_s + dice.uniform(-5, 5), "drawn", drawn(number)), (late_s + 1, "audited", audited(number))]
    return [(when_s, what_, record) for when_s, what_, record in events]


def write(site: Site, begun_ms: int, when_s: float, what: str, record: NewRecord, told: Told) -> None:
    site.now_ms = begun_ms + round(when_s * 1000)
    at_ms = site.send(record).time_ms
    if what == "shown":
        told.shown_ms.append(at_ms)
    elif what == "drawn":
        told.drawn_ms = at_ms
    else:
        told.said_ms.append(at_ms)
    if what == "rejected":
        told.rejected_ms.append(at_ms)
    if what == "audited":
        told.audited_ms = at_ms


def check(site: Site, told: dict[int, Told]) -> None:
    """Exactly the right affirmations, with exactly the right weights."""
    found = affirmations(site)
    expected = {id_of(number): number for number, one in told.items() if one.is_affirmed}
    assert found.keys() == expected.keys()
    for verdict_id, number in expected.items():
        deadline_ms = told[number].deadline_ms
        errors = [one for one in told.values() if one.is_error(deadline_ms)]
        r = reject_rate(sum(one.was_rejected for one in errors), len(errors))
        p = own_confidence(prediction(number))
        silence = found[verdict_id].silence
        assert silence is not None
        assert (silence.deadline_ms, silence.audited_errors, silence.reject_rate) == (deadline_ms, len(errors), r)
        assert (silence.p, silence.p_correct, silence.weight) == (p, p_correct(p, r), weight(p_correct(p, r)))


def test_a_thousand_exposures_through_kills_end_with_exactly_the_right_affirmations(site: Site) -> None:
    dice = random.Random(7)
    told = {number: Told() for number in range(1_000)}
    events = sorted(((*event, number) for number in told for event in script(number, dice)), key=lambda one: one[0])
    settlers, begun_ms, killed = Settlers(site), site.now_ms + 10_000, 0
    for count, (when_s, what, record, number) in enumerate(events):
        write(site, begun_ms, when_s, what, record, told[number])
        if count % 40 == 0:
            replica = dice.choice("abc")
            if dice.random() < 0.1:
                settlers.fresh(replica)
            killed += settlers.step(replica, dice.choice([None, 0, 1, 5])) < 0
    site.now_ms += 5 * DAY_S * 1000
    while settlers.step(dice.choice("abc"), dice.choice([None, 0, 30])):
        pass
    settlers.step("last")
    check(site, told)
    assert killed > 10
    assert max(one.silence.reject_rate for one in affirmations(site).values() if one.silence) > 0.1
    assert 500 < len(affirmations(site)) < 800


# Whatever the order


@contextmanager
def another_site() -> Iterator[Site]:
    with TemporaryDirectory() as folder:
        site = Site(Path(folder))
        try:
            yield site
        finally:
            site.close()


STEPS = st.none() | st.tuples(st.sampled_from("ab"), st.none() | st.integers(0, 2))
OFF_MS = st.integers(-3 * DAY_S * 1000, (GRACE_S - 1) * 1000)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32), steps=st.lists(STEPS, min_size=60, max_size=60), off_ms=OFF_MS)
def test_when_it_is_looked_at_changes_nothing(
    seed: int, steps: list[tuple[str, int | None] | None], off_ms: int
) -> None:
    """Clocks that are behind, or ahead by less than the grace; steps at any moment, or none for long."""
    dice = random.Random(seed)
    told = {number: Told() for number in range(24)}
    events = sorted(((*event, number) for number in told for event in script(number, dice)), key=lambda one: one[0])
    with another_site() as site:
        settlers, begun_ms = Settlers(site, off_ms), site.now_ms + 10_000
        for (when_s, what, record, number), step in zip(events, [*steps, *[None] * len(events)], strict=False):
            write(site, begun_ms, when_s, what, record, told[number])
            if step is not None:
                settlers.step(*step)
        settlers.off_ms = 0
        site.now_ms += 5 * DAY_S * 1000
        settlers.step("last")
        check(site, told)
