"""Checking: does a replay by the settings in force come to what was decided live? Every difference has its reason. Pure.

Promises: a decision is reproduced when the same frame was drawn by the same prediction with the same probabilities, to the last
bit. A frame that a limit refused is reproduced too: it was drawn.
"""

from collections.abc import Collection as Many
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.sampler.replay.drawn import UNDECIDED, Drawn
from services.sampler.replay.facts import Fact


@dataclass(frozen=True, slots=True)
class Difference:
    """One decision that was not reproduced: what differs, and why."""

    collection: str
    sample_id: str
    frame_id: str
    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Checked:
    """`decisions`: what was decided live about frames of the span; `gated`: of them, without a design since a gate took all.

    `undecided`: drawn frames that the sampler has not come to yet; they are no decisions.
    """

    decisions: int
    reproduced: int
    gated: int
    refused: int
    undecided: int
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class InForce:
    """By what a replay decided: to say why a decision was another. `gone`: collection → epochs without a stored plan."""

    version: str
    salt_fingerprint: str
    gone: Mapping[str, Many[int]]
    needing_past: Many[str]


def check(drawn: Sequence[Drawn], facts: Iterable[Fact], by: InForce) -> Checked:
    """`drawn` by the settings in force; `facts`: the designs of the collections that were replayed."""
    recorded = {fact.sample_id: fact for fact in facts}
    met = {one.sample_id: one for one in drawn}
    differences = [_difference(met.get(fact.sample_id), fact, by) for fact in recorded.values()]
    without = [one for one in drawn if one.sample_id not in recorded]
    unexplained = [one for one in without if one.outcome == "kept" or not _is_settled(one)]
    said = [one for one in differences if one] + [_undesigned(one, by) for one in unexplained]
    gated = len(without) - len(unexplained) - sum(one.outcome == UNDECIDED for one in without)
    decisions = len(recorded) + gated + len(unexplained)
    return Checked(
        decisions,
        decisions - len(said),
        gated,
        sum((fact.missing or "").startswith("limit:") for fact in recorded.values()),
        sum(one.outcome == UNDECIDED for one in without),
        tuple(said),
    )


def _is_settled(one: Drawn) -> bool:
    """Without a design, and rightly so: a gate took it, as a memo says; or nobody has decided it yet."""
    return one.outcome in ("near_duplicate", "quality", UNDECIDED)


def _difference(one: Drawn | None, fact: Fact, by: InForce) -> Difference | None:
    if one is None:
        what = f"drawn then by {', '.join(fact.fired)}, not drawn now"
    elif one.place != fact.place:
        what = "drawn by another prediction of the same frame"
    elif dict(one.probabilities) != dict(fact.probabilities):
        what = f"probability {fact.probability:.6g} then, {one.probability:.6g} now"
    elif set(one.fired) != set(fact.fired):
        what = f"drawn by {', '.join(fact.fired)} then, by {', '.join(one.fired)} now"
    else:
        return None
    return Difference(fact.collection, fact.sample_id, fact.frame_id, what, _why(fact, one, by))


def _undesigned(one: Drawn, by: InForce) -> Difference:
    what = f"drawn now by {', '.join(one.fired)}, and there is no sample of it"
    why = "other settings held then, or the sampler knew another past of the source (a restart, a rebalance)"
    return Difference(one.collection, one.sample_id, one.frame_id, what, why)


def _why(fact: Fact, one: Drawn | None, by: InForce) -> str:
    if fact.settings_version != by.version:
        return f"settings {fact.settings_version} decided it, {by.version} are in force"
    if fact.salt_fingerprint != by.salt_fingerprint:
        return f"the salt was another one ({fact.salt_fingerprint}, now {by.salt_fingerprint})"
    if fact.epoch_ms is not None and fact.epoch_ms in by.gone.get(fact.collection, ()):
        return "the plan of its epoch has expired"
    if one is not None and one.place != fact.place:
        return "the frame was predicted twice, and the sampler met them in another order"
    if by.needing_past:
        return (
            "it came late, or the sampler knew another past of the source (a restart, a rebalance): "
            f"{', '.join(sorted(by.needing_past))} look at it"
        )
    return "the state store or the log was changed since: nothing else explains it"
