"""What each adapter can do where the ports leave it open. No defaults: whoever adds an adapter must think of each."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class LogFeatures:
    """How a log differs from the other, within its promises."""

    compaction: Literal["immediate", "eventual"]
    """When a compacted stream loses a key's older records: with the newer one, or some time later."""

    times_never_go_back: bool
    """Whether the log times of a partition only rise (Kafka takes the broker's clock as it is)."""

    offsets_without_gaps: bool
    """Whether a partition that only ever saw clean stops has every offset. Transactions would cost Kafka this."""

    settle_s: float
    """The longest a join or a leave may take until every member has its share."""

    takeover_s: float
    """The longest until a vanished member's partitions have gone to others, with the session timeout of these tests."""


@dataclass(frozen=True)
class StateFeatures:
    """How a state store differs."""

    largest_count: int
    """Counters are exact up to this (Lua counts in doubles)."""


SEGMENT_LOG = LogFeatures(
    compaction="immediate",
    times_never_go_back=True,
    offsets_without_gaps=True,
    settle_s=5.0,
    takeover_s=10.0,
)
KAFKA_LOG = LogFeatures(
    compaction="eventual",
    times_never_go_back=False,
    offsets_without_gaps=True,
    settle_s=40.0,
    takeover_s=60.0,
)
SQLITE_STATE = StateFeatures(largest_count=2**62)
REDIS_STATE = StateFeatures(largest_count=2**53 - 1)
