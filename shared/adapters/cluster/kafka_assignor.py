"""The assignor: which member of a group gets which partitions. Cooperative and sticky, for each stream alone.

Promises: every member has about as many partitions of each stream as any other. The client's own assignor counts those of all
streams together: of two samplers it gave one all predictions and the other all verdicts, and left it so.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from kafka.cluster import ClusterMetadata
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.protocol.consumer.metadata import ConsumerProtocolAssignment, ConsumerProtocolSubscription


class _Member(NamedTuple):
    """A member as the client's assignor wants it. `metadata`: a ConsumerProtocolSubscription."""

    member_id: str
    metadata: Any


class StreamByStream(CooperativeStickyAssignor):  # type: ignore[misc]
    """The same protocol and name on the wire, so that members with the client's own assignor may be in the group."""

    def assign(self, cluster: ClusterMetadata, members: Sequence[Any]) -> dict[str, Any]:
        """Member id → ConsumerProtocolAssignment. What moves is given up first, and given away in the next round."""
        topics = sorted({topic for member in members for topic in member.metadata.topics})
        shares = [super(StreamByStream, self).assign(cluster, list(_readers(members, topic))) for topic in topics]
        return {
            member.member_id: ConsumerProtocolAssignment(self.version, _together(shares, member.member_id), b"")
            for member in members
        }


def _readers(members: Iterable[Any], topic: str) -> Iterable[_Member]:
    """The members that read this topic, as if they read no other."""
    for member in members:
        asked = member.metadata
        if topic in asked.topics:
            owned = [one for one in getattr(asked, "owned_partitions", None) or () if one.topic == topic]
            alone = ConsumerProtocolSubscription(
                version=asked.version,
                topics=[topic],
                user_data=b"",
                owned_partitions=owned,
                generation_id=getattr(asked, "generation_id", -1),
            )
            yield _Member(member.member_id, alone)


def _together(shares: Iterable[dict[str, Any]], member_id: str) -> list[tuple[str, list[int]]]:
    assigned = [share[member_id] for share in shares if member_id in share]
    return [(topic, list(numbers)) for one in assigned for topic, numbers in one.assigned_partitions]
