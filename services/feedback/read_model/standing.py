"""Which of the verdicts on one prediction still stand, and whether the one that superseded another agrees with it.

Promises: pure. The rules are `accuracy.judging`'s: a later verdict on the frame supersedes all before it (`missed`: only those
on the frame), one on a box what was said of that box. So a fold of those that stand, of silence, and of new ones, in the
order of the log, is a fold of all.
"""

from collections.abc import Collection, Iterable, Iterator

from services.feedback.accuracy.judging import is_excluded
from shared.streams.verdicts import Verdict

_WRONG = ("rejected", "missed", "corrected")


def person_of(verdict: Verdict) -> str:
    """The reviewer, or the key's name where the application gave none."""
    return verdict.reviewer or verdict.caller


def standing(verdicts: Iterable[Verdict], excluded: Collection[str] = ()) -> list[Verdict]:
    """Those that stand, in their order. `affirmed` stands while nobody said anything: a person outranks silence."""
    given = [verdict for verdict in verdicts if not is_excluded(verdict, excluded)]
    people: list[Verdict] = []
    for verdict in given:
        if verdict.kind != "affirmed":
            people = [earlier for earlier in people if not supersedes(verdict, earlier)] + [verdict]
    if any(verdict.kind != "unsure" for verdict in people):
        return people
    return [verdict for verdict in given if verdict.kind == "affirmed" or verdict in people]


def supersedes(later: Verdict, earlier: Verdict) -> bool:
    if later.kind == "missed" or later.detection_index is not None:
        return earlier.detection_index == later.detection_index
    return True


def agreements(verdicts: Iterable[Verdict]) -> Iterator[tuple[str, bool]]:
    """(verdict id, agreed) of each that was superseded by another person who said something comparable."""
    people: list[Verdict] = []
    for verdict in verdicts:
        if verdict.kind == "affirmed":
            continue
        for earlier in people:
            if supersedes(verdict, earlier) and (agreed := _agrees(earlier, verdict)) is not None:
                yield earlier.verdict_id, agreed
        people = [earlier for earlier in people if not supersedes(verdict, earlier)] + [verdict]


def _agrees(earlier: Verdict, later: Verdict) -> bool | None:
    """Both say right, or both wrong. None: the same person, somebody unsure, or a right box of a wrong frame."""
    if "unsure" in (earlier.kind, later.kind) or person_of(earlier) == person_of(later):
        return None
    was_wrong, is_wrong = earlier.kind in _WRONG, later.kind in _WRONG
    if is_wrong and not was_wrong and earlier.detection_index != later.detection_index:
        return None
    return was_wrong == is_wrong
