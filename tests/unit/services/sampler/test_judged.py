"""Corrections: kept whatever draw, gates, limits and budgets said, charged to none of them, and never taken for a design."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from services.sampler.limit_options import Limit
from services.sampler.service import SamplerService
from services.sampler.strategies.close_to_threshold import CloseToThreshold
from shared.adapters.embedded.file_images import FileImages
from shared.adapters.embedded.sqlite_state import SqliteState
from shared.runtime.service import Received
from shared.streams import keys
from shared.streams.frames import new_frame
from shared.streams.record import Record
from shared.streams.samples import Design, Revision
from shared.streams.verdicts import Label, Verdict
from tests.unit.services.sampler.bench import EVERYTHING, Bench, published, verdict
from tests.unit.services.sampler.making import frame, jpeg

NOBODY_DREW = CloseToThreshold()
NEAR = CloseToThreshold(epsilon=0.45)
VAN = Label(class_name="van")
FULL = (Limit(most=1, per="day"),)
OF_PEOPLE = ("ver:", "kept:")
"""Keys of what a verdict keeps: its revision, and where the image lies."""


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench.at(tmp_path / "one")
    yield bench
    bench.close()


@pytest.fixture
def untold(bench: Bench, tmp_path: Path) -> Iterator[Bench]:
    """A sampler's world on the same log, in which nobody says anything."""
    folder = tmp_path / "untold"
    folder.mkdir()
    other = Bench(bench.log, SqliteState(folder / "state.db"), FileImages(folder / "images"), bench.objects, folder)
    yield other
    other.state.close()
    other.images.close()


def corrected(received: Received, name: str = "v1", **said: Any) -> Received:
    """The first detection is a van, or what is said."""
    judged = verdict(received, "confirmed", None, name).message
    told = {**judged.model_dump(), "kind": "corrected", **(said or {"label": VAN.model_dump()})}
    made = Verdict.model_validate(told)
    return Received(Record("verdicts", 0, 0, 0, b"", made.to_bytes()), made)


def revision_of(sampler: SamplerService, judged: Received) -> Revision:
    (revision,) = published(sampler, [judged])
    assert isinstance(revision, Revision)
    return revision


def stored(bench: Bench) -> dict[str, tuple[Any, ...]]:
    """Everything that the state store holds, but for lifetimes and the marks of additions, which are random."""
    with closing(sqlite3.connect(bench.folder / "state.db")) as database:
        entries = database.execute("SELECT key, value, refused_by, distance, known FROM entries").fetchall()
        fields = database.execute("SELECT key || '/' || field, value FROM fields").fetchall()
    return {str(key): tuple(rest) for key, *rest in [*entries, *fields] if ":sent:" not in key}


def test_a_correction_keeps_what_nobody_drew(bench: Bench) -> None:
    received = bench.frame(1)
    revision = revision_of(bench.sampler(NOBODY_DREW), corrected(received))
    assert (revision.effect, revision.outcome_dependent, revision.revision) == ("replace", True, "v1")
    assert revision.verdict.label == VAN
    assert revision.image is not None
    assert bench.images.get(revision.image.key) == frame(1).value


def test_a_correction_keeps_what_a_gate_dropped(bench: Bench) -> None:
    first, twin = bench.frame(1), bench.predicted(bench.sent(new_frame("door", jpeg(1), producer_frame_id="twin")))
    sampler = bench.sampler(NEAR)
    assert len(published(sampler, [first, twin])) == 1
    revision = revision_of(sampler, corrected(twin, detection_index=None, labels=[]))
    assert revision.verdict.labels == ()
    assert revision.image is not None


def test_a_correction_revises_a_kept_sample_and_reads_no_pixels(bench: Bench) -> None:
    received = bench.frame(1)
    sampler = bench.sampler()
    (design,) = published(sampler, [received])
    sampler.reader.close()
    revision = revision_of(sampler, corrected(received))
    assert (revision.effect, revision.image, revision.sample_id) == ("replace", design.image, design.sample_id)


def test_a_redelivered_correction_is_the_same_revision(bench: Bench) -> None:
    received = bench.frame(1)
    first = revision_of(bench.sampler(NOBODY_DREW), corrected(received))
    assert revision_of(bench.sampler(NOBODY_DREW), corrected(received)) == first


def test_a_full_limit_refuses_the_draw_and_not_the_person_and_is_not_charged(bench: Bench) -> None:
    sampler = bench.sampler(limits=FULL)
    received = bench.frame(1)
    _, refused = published(sampler, [bench.frame(2), received])
    assert (refused.image, refused.missing) == (None, "limit:all/day")
    before = stored(bench)
    revision = revision_of(sampler, corrected(received))
    assert revision.image is not None
    after = stored(bench)
    assert {key: after[key] for key in before} == before
    assert all(key.startswith(OF_PEOPLE) for key in after.keys() - before.keys())


def test_budgets_and_limits_are_used_as_if_nobody_had_said_anything(bench: Bench, untold: Bench) -> None:
    """Three frames, words on each, three more: plans, ledger, fuses, limits, rings and memos are the same in the end."""
    planned = CloseToThreshold(name="near", epsilon=0.45, budget="1/day")
    seen = [bench.frame(seed, f"door-{seed % 2}") for seed in range(6)]
    ends = []
    for world, said in ((bench, [corrected(one, f"v{number}") for number, one in enumerate(seen)]), (untold, [])):
        sampler = world.sampler(EVERYTHING, planned, limits=(Limit(most=5, per="day"),))
        designs = drawn(sampler, seen[:3])
        if said:
            assert all(isinstance(one, Revision) and one.image for one in published(sampler, said[:3]))
        designs += drawn(sampler, seen[3:])
        sampler.parting()
        kept = {key: value for key, value in stored(world).items() if not key.startswith(OF_PEOPLE)}
        ends.append((designs, kept))
    assert ends[0] == ends[1]


def test_a_budget_that_has_nothing_left_keeps_nothing_and_the_correction_all_the_same(bench: Bench) -> None:
    planned = CloseToThreshold(name="near", epsilon=0.45, budget="1/day")
    sampler = bench.sampler(planned, sampler={"declared_fps": 100_000})
    seen = [bench.frame(seed) for seed in range(3)]
    assert published(sampler, seen) == []
    for number, one in enumerate(seen):
        assert revision_of(sampler, corrected(one, f"v{number}")).image is not None


def drawn(sampler: SamplerService, batch: Sequence[Received]) -> list[Design]:
    return [one for one in published(sampler, batch) if isinstance(one, Design)]


def test_what_it_leaves_can_never_be_taken_for_a_design(bench: Bench) -> None:
    """Not in the stream, not in the memo: a draw that comes later makes a design of its own."""
    received = bench.frame(1)
    sampler = bench.sampler()
    revision = revision_of(sampler, corrected(received))
    told = json.loads(revision.to_bytes())
    assert (told["kind"], told["outcome_dependent"]) == ("revision", True)
    assert not told.keys() & {"reasons", "probabilities", "probability", "scores", "weights", "epoch_ms"}
    assert bench.state.memo(keys.memo_key("default", revision.sample_id)) is None
    (design,) = published(sampler, [received])
    assert isinstance(design, Design)
    assert (design.sample_id, design.probability, design.image) == (revision.sample_id, 1.0, revision.image)
