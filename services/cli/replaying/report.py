"""Report: what a replay comes to, counted: for the settings in force and for the new ones. Pure.

Promises: where gates would have needed pixels that are gone, a count is a range: what is certain, what is to be expected, what
is possible.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.sampler.replay.drawn import GATES, KEPT, UNDECIDED, Drawn
from services.sampler.replay.replaying import Replayed
from services.sampler.replay.side import Side

DAY_S = 86_400
SHOWN = 24
SHORTEST_DAYS = 1 / 24
"""Of which a day is made."""


@dataclass(frozen=True, slots=True)
class Range:
    """`low` for certain, `expected`, `high` at most."""

    low: int = 0
    expected: int = 0
    high: int = 0

    def __str__(self) -> str:
        return f"{self.low:,}" if self.low == self.high else f"{self.low:,}..{self.high:,}"

    def plus(self, one: Drawn) -> "Range":
        """One more drawn frame, if it is kept or may be."""
        return Range(
            self.low + (one.is_kept and one.is_certain), self.expected + one.is_kept, self.high + may_be_kept(one)
        )


def may_be_kept(one: Drawn) -> bool:
    """Is it kept, or might it be: does nobody know what a gate would have said?"""
    return one.is_kept or (not one.is_certain and one.outcome in GATES)


@dataclass(frozen=True, slots=True)
class Counted:
    """One side. `bytes`: of what is kept, as expected; `not_kept`: why drawn frames were not, for certain or as expected.

    `per_day`: as expected; None where too little time was replayed to tell.
    """

    version: str
    kept: Range
    per_day: float | None
    bytes: int
    by_strategy: Mapping[str, Range]
    by_class: Mapping[str, Range]
    by_source: Mapping[str, Range]
    not_kept: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Changed:
    """Samples of both sides: kept by both, by the new alone, by the old alone; as far as is to be expected."""

    both: int
    gained: Sequence[Drawn]
    lost: Sequence[Drawn]


@dataclass(frozen=True, slots=True)
class Report:
    """All that a replay shows."""

    replayed: Replayed
    days: float
    old: Counted
    new: Counted | None
    changed: Changed | None


def report(replayed: Replayed) -> Report:
    days = replayed.covered.seconds / DAY_S
    old, new = replayed.old, replayed.new
    return Report(
        replayed,
        days,
        counted(old, replayed.old_version, days),
        None if new is None else counted(new, replayed.new_version, days),
        None if new is None else changed(old.drawn, new.drawn),
    )


def counted(side: Side, version: str, days: float) -> Counted:
    drawn = side.drawn
    kept = _sum(drawn)
    return Counted(
        version=version,
        kept=kept,
        per_day=None if days < SHORTEST_DAYS else kept.expected / days,
        bytes=sum(one.size for one in drawn if one.is_kept),
        by_strategy=_by(drawn, lambda one: one.fired or tuple(one.rules)),
        by_class=_by(drawn, lambda one: one.classes or ("(nothing shown)",)),
        by_source=_by(drawn, lambda one: (one.source_id,)),
        not_kept=dict(Counter(one.outcome for one in drawn if one.outcome != KEPT)),
    )


def changed(old: Sequence[Drawn], new: Sequence[Drawn]) -> Changed:
    """What is not decided yet is neither lost nor gained."""
    before = {one.sample_id: one for one in old if one.is_kept}
    now = {one.sample_id: one for one in new if one.is_kept}
    open_ = {one.sample_id for one in (*old, *new) if one.outcome == UNDECIDED}
    gained = [one for sample_id, one in now.items() if sample_id not in before.keys() | open_]
    lost = [one for sample_id, one in before.items() if sample_id not in now.keys() | open_]
    return Changed(len(before.keys() & now.keys()), gained, lost)


def spread(drawn: Sequence[Drawn], most: int = SHOWN) -> list[Drawn]:
    """At most so many, dealt round-robin over the strategies, each spread over the time."""
    piles: dict[str, list[Drawn]] = {}
    for one in drawn:
        piles.setdefault("+".join(one.fired), []).append(one)
    each = -(-most // max(1, len(piles)))
    few = [pile[:: max(1, len(pile) // each)] for pile in piles.values()]
    dealt = [pile[turn] for turn in range(each) for pile in few if turn < len(pile)]
    return dealt[:most]


def _sum(drawn: Iterable[Drawn]) -> Range:
    total = Range()
    for one in drawn:
        total = total.plus(one)
    return total


def _by(drawn: Iterable[Drawn], names: Callable[[Drawn], Iterable[str]]) -> dict[str, Range]:
    """Most first; a frame may count for several names."""
    counts: dict[str, Range] = {}
    for one in drawn:
        for name in names(one):
            counts[name] = counts.get(name, Range()).plus(one)
    met = {name: count for name, count in counts.items() if count.high}
    return dict(sorted(met.items(), key=lambda pair: (-pair[1].expected, pair[0])))
