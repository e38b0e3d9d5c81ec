"""A comparison: what two versions of a model found in the same frames, counted per class and held against people's verdicts.

Promises: pure. The numbers of `told` are those that comparison_tables.py prints and compare_picture.py draws.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from services.cli import output
from services.cli.models.judgements import SAYINGS, Judgement, Saying
from services.cli.models.matching import IOU, Kind, Pair, matched, overlap, shown
from shared.streams.predictions import Prediction

NOT_EVIDENCE = "frames that the new version was trained on do not count as evidence: it knows their answers by heart"
MOST_DRAWN = 12
"""Frames in the picture."""
BIASED = "people judged what the old versions showed: what only the new one finds, nobody has judged yet"


@dataclass(frozen=True)
class ComparedFrame:
    """One frame, what each version said of it, and what people said. `image`: encoded, None where it is not at hand."""

    name: str
    old: Prediction
    new: Prediction
    image: bytes | None = None
    judgements: tuple[Judgement, ...] = ()

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        return matched(shown(self.old), shown(self.new))

    @cached_property
    def differing(self) -> tuple[Pair, ...]:
        return tuple(pair for pair in self.pairs if pair.differs)

    @cached_property
    def verdicts(self) -> tuple[tuple[Judgement, bool, bool], ...]:
        """Each judgement, and whether the old and the new version are right about it."""
        old, new = shown(self.old), shown(self.new)
        return tuple((one, one.holds(old), one.holds(new)) for one in self.judgements)

    @property
    def better(self) -> int:
        return sum(new and not old for _, old, new in self.verdicts)

    @property
    def worse(self) -> int:
        return sum(old and not new for _, old, new in self.verdicts)

    def effect_of(self, pair: Pair) -> str:
        """`better` or `worse` where a verdict says so of that place, else nothing."""
        about = [(old, new) for judgement, old, new in self.verdicts if _same_place(pair, judgement)]
        return next(("better" if new else "worse" for old, new in about if old != new), "")

    def is_judged(self, pair: Pair) -> bool:
        """Whether a verdict is about that place, whatever it says."""
        return any(_same_place(pair, judgement) for judgement in self.judgements)


def _same_place(pair: Pair, judgement: Judgement) -> bool:
    places = [found.box for found in (pair.old, pair.new) if found]
    return any(overlap(place, judgement.box) >= IOU for place in places)


def most_telling(frames: Iterable[ComparedFrame]) -> list[ComparedFrame]:
    """Those that differ: first where people say that the new version is worse, then better, then by how much."""
    different = [frame for frame in frames if frame.differing]
    return sorted(different, key=lambda one: (-one.worse, -one.better, -len(one.differing)))


@dataclass(frozen=True, slots=True)
class VerdictCount:
    """Of all judgements of one kind: how many, about how many each version is right, and where they differ."""

    what: str
    judged: int
    old_right: int
    new_right: int
    better: int
    worse: int


@dataclass(frozen=True)
class Comparison:
    """`old` and `new` name the versions. `asked` frames were looked for; `places` says where they were, `unread` why not."""

    old: str
    new: str
    frames: Sequence[ComparedFrame] = ()
    asked: int = 0
    what: str = "frames"
    places: Mapping[str, int] = field(default_factory=dict)
    unread: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @cached_property
    def by_class(self) -> dict[str, Counter[Kind]]:
        """Of each class, how many were found by both, lost, gained, or have another class now; the most frequent first."""
        counts: dict[str, Counter[Kind]] = {}
        for frame in self.frames:
            for pair in frame.pairs:
                counts.setdefault(pair.class_name, Counter())[pair.kind] += 1
        return dict(sorted(counts.items(), key=lambda one: (-one[1].total(), one[0])))

    @property
    def changes(self) -> Counter[tuple[str, str]]:
        """Of those whose class changed: from which to which."""
        pairs = (pair for frame in self.frames for pair in frame.pairs if pair.kind == "changed")
        return Counter((pair.old.class_name, pair.new.class_name) for pair in pairs if pair.old and pair.new)

    @property
    def by_verdict(self) -> tuple[VerdictCount, ...]:
        """The kinds of judgement of which there are some."""
        counted = (self._verdicts_of(said) for said in SAYINGS)
        return tuple(one for one in counted if one.judged)

    @property
    def differing(self) -> list[ComparedFrame]:
        """Frames in which something differs, the most telling first."""
        return most_telling(self.frames)

    def told(self) -> dict[str, Any]:
        """Everything as JSON has it."""
        kinds: tuple[Kind, ...] = ("both", "lost", "gained", "changed")
        return {
            "old": self.old,
            "new": self.new,
            "frames": len(self.frames),
            "asked": self.asked,
            "read_from": dict(self.places),
            "unread": dict(self.unread),
            "frames_that_differ": len(self.differing),
            "classes": {name: {kind: counts[kind] for kind in kinds} for name, counts in self.by_class.items()},
            "changes": [{"from": old, "to": new, "count": number} for (old, new), number in self.changes.items()],
            "verdicts": [output.as_object(one) for one in self.by_verdict],
            "notes": list(self.notes),
        }

    def _verdicts_of(self, said: Saying) -> VerdictCount:
        found = [(old, new) for frame in self.frames for one, old, new in frame.verdicts if one.said == said]
        return VerdictCount(
            what=SAYINGS[said],
            judged=len(found),
            old_right=sum(old for old, _ in found),
            new_right=sum(new for _, new in found),
            better=sum(new and not old for old, new in found),
            worse=sum(old and not new for old, new in found),
        )
