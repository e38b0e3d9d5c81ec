"""A member of a group on Kafka.

Promises: the listener runs inside `poll` on the caller's thread, though Kafka's client tells rebalances on a thread of
its own; no record of a partition that was just taken is returned; after `Fenced`, what was not committed comes again.
"""

import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from kafka import ConsumerRebalanceListener, KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord
from kafka.errors import (
    CommitFailedError,
    FencedInstanceIdError,
    IllegalGenerationError,
    KafkaError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)

from shared.adapters.cluster.kafka_assignor import StreamByStream
from shared.adapters.cluster.kafka_cluster import CALL_TIMEOUT_MS, KafkaCluster, log_errors
from shared.errors import Fenced
from shared.ports.log import Listener
from shared.streams import FRAMES
from shared.streams.record import Partition, Record

HEARTBEAT_MS = 3_000
MAX_POLL_INTERVAL_MS = 300_000
CLOSING_MS = 3_000
JOINING_MS = 3_000
LEARNING_S = 2.0
METADATA_MAX_AGE_MS = 30_000
"""How soon a stream that was missing, or got more partitions, is shared out."""
LAG_TIMEOUT_MS = 2_000
_FENCING = (
    CommitFailedError,
    IllegalGenerationError,
    UnknownMemberIdError,
    FencedInstanceIdError,
)
_FOR_FRAMES = {"max_partition_fetch_bytes": 4_194_304, "fetch_max_bytes": 33_554_432, "fetch_max_wait_ms": 100}


class GroupConsumer:
    """For one thread."""

    def __init__(self, cluster: KafkaCluster, group: str, streams: Sequence[str], listener: Listener | None) -> None:
        self._cluster = cluster
        self._listener = listener
        self._group = group
        self._assigned: frozenset[TopicPartition] = frozenset()
        self._to_rewind: set[TopicPartition] = set()
        with log_errors(f"joining group {group}"):
            self._kafka = KafkaConsumer(**_settings(cluster, group, streams))
            self._rebalances = Rebalances(self._kafka)
            topics = [cluster.topic(stream) for stream in streams]
            self._kafka.subscribe(topics, listener=self._rebalances)
            _learn_partitions(self._kafka, topics)

    def poll(self, timeout_s: float, max_records: int) -> Sequence[Record]:
        with log_errors(f"polling as a member of group {self._group}"):
            self._rewind()
            self._finish_joining()
            fetched = self._kafka.poll(timeout_ms=int(timeout_s * 1000), max_records=max_records)
        taken = self._tell_rebalances()
        # Fetched before or after it was taken and given again? Nobody can tell: read it again from the commit.
        # And what was fetched in spite of a pause must not count as read.
        unwanted = frozenset(fetched) if self._rebalances.paused else taken
        self._to_rewind |= unwanted & fetched.keys()
        return [self._cluster.record(raw) for raw in _of_others(fetched, unwanted)]

    def commit(self, offsets: Mapping[Partition, int]) -> None:
        wanted = {self._cluster.physical(at): OffsetAndMetadata(offset, "", -1) for at, offset in offsets.items()}
        not_ours = wanted.keys() - self._ours()
        if not_ours:
            self._fence(wanted, f"not assigned: {_names(self._cluster, not_ours)}")
        with log_errors(f"committing for group {self._group}"):
            try:
                self._kafka.commit(wanted, timeout_ms=CALL_TIMEOUT_MS)
            except RebalanceInProgressError as error:  # what stays ours is read on, and committed when it is over
                raise Fenced(f"group {self._group} is being shared out anew: {error}") from error
            except _FENCING as error:
                self._fence(wanted, error)

    def committed(self, partition: Partition) -> int | None:
        with log_errors(f"asking for the commits of group {self._group}"):
            return self._committed(self._cluster.physical(partition))

    def seek(self, partition: Partition, offset: int) -> None:
        at = self._cluster.physical(partition)
        try:
            self._kafka.seek(at, offset)
        except ValueError as error:
            raise Fenced(f"{partition[0]}/{partition[1]} is not assigned, so it has no position to move") from error
        self._to_rewind.discard(at)

    def pause(self) -> None:
        self._rebalances.paused = True
        self._kafka.pause(*self._kafka.assignment())

    def resume(self) -> None:
        self._rebalances.paused = False
        self._kafka.resume(*self._kafka.paused())

    def assignment(self) -> frozenset[Partition]:
        return frozenset(map(self._cluster.logical, self._assigned))

    def lag(self) -> Mapping[Partition, int]:
        ours = self._ours()
        ends = {at: self._highwater(at) for at in ours}
        with suppress(KafkaError):  # a moment's silence of the broker only leaves partitions out
            unknown = [at for at in ours if ends[at] is None or self._rebalances.paused]  # no fetch tells their end
            ends |= self._kafka.end_offsets(unknown, timeout_ms=LAG_TIMEOUT_MS) if unknown else {}
        positions = {at: self._position(at) for at in ours}
        return {self._cluster.logical(at): _behind(end, positions[at]) for at, end in ends.items() if end is not None}

    def close(self) -> None:
        with suppress(KafkaError):  # a broker that is away learns of our leaving by the session's timeout
            self._kafka.close(autocommit=False, timeout_ms=CLOSING_MS)

    def _ours(self) -> frozenset[TopicPartition]:
        """What the listener was told and is still true: the client's own thread may have lost some meanwhile."""
        return self._assigned.intersection(self._kafka.assignment())

    def _tell_rebalances(self) -> frozenset[TopicPartition]:
        """Tells the listener what happened since, in order. Returns all that was taken."""
        taken: frozenset[TopicPartition] = frozenset()
        for given, partitions in self._rebalances.happened():
            self._assigned = self._assigned | partitions if given else self._assigned - partitions
            taken = taken if given else taken | partitions
            if self._listener is not None and partitions:
                tell = self._listener.on_assigned if given else self._listener.on_revoked
                tell(frozenset(map(self._cluster.logical, partitions)))
        return taken

    def _fence(self, wanted: Iterable[TopicPartition], why: object) -> None:
        self._to_rewind |= set(wanted)  # whoever is fenced drops what is in flight; what stayed ours must come again
        raise Fenced(f"group {self._group} has moved on: {why}")

    def _finish_joining(self) -> None:
        """Waits for a join that is under way: one that ended between two polls is given up by the client and begun anew.

        Each of them shares the group out anew for everybody, so members that poll briefly and often would never be done.
        """
        coordinator = self._kafka._coordinator
        if coordinator.need_rejoin():
            coordinator.poll(timeout_ms=JOINING_MS)

    def _rewind(self) -> None:
        """Back to what is committed. Until that succeeds no record is returned."""
        for at in self._to_rewind & self._kafka.assignment():
            committed = self._committed(at)
            with suppress(ValueError):  # taken away this moment: nothing to rewind
                self._kafka.seek_to_beginning(at) if committed is None else self._kafka.seek(at, committed)
        self._to_rewind.clear()

    def _committed(self, at: TopicPartition) -> int | None:
        offset: int | None = self._kafka.committed(at, timeout_ms=CALL_TIMEOUT_MS)
        return offset

    def _highwater(self, at: TopicPartition) -> int | None:
        with suppress(KafkaError, KeyError):  # taken away this moment
            end: int | None = self._kafka.highwater(at)
            return end
        return None

    def _position(self, at: TopicPartition) -> int | None:
        with suppress(KafkaError, KeyError):
            position: int | None = self._kafka.position(at, timeout_ms=LAG_TIMEOUT_MS)
            return position
        return None


class Rebalances(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python has no types
    """Runs on the client's own thread, where anything that blocks raises: it notes what happened, and keeps the pause."""

    def __init__(self, kafka: KafkaConsumer) -> None:
        self.paused = False
        self._kafka = kafka
        self._lock = threading.Lock()
        self._events: deque[tuple[bool, frozenset[TopicPartition]]] = deque()

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        self._note(False, revoked)

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        if self.paused:
            self._kafka.pause(*assigned)
        self._note(True, assigned)

    def happened(self) -> list[tuple[bool, frozenset[TopicPartition]]]:
        """(given?, partitions), oldest first; each is told once."""
        with self._lock:
            events = list(self._events)
            self._events.clear()
        return events

    def _note(self, given: bool, partitions: Iterable[TopicPartition]) -> None:
        with self._lock:
            self._events.append((given, frozenset(partitions)))


def _settings(cluster: KafkaCluster, group: str, streams: Sequence[str]) -> dict[str, object]:
    session_ms = int(cluster.session_timeout_s * 1000)
    return cluster.settings(
        group_id=cluster.group(group),
        enable_auto_commit=False,
        auto_offset_reset="earliest",  # "latest" would skip retained frames without a count
        allow_auto_create_topics=False,
        metadata_max_age_ms=METADATA_MAX_AGE_MS,
        partition_assignment_strategy=[StreamByStream],
        session_timeout_ms=session_ms,
        heartbeat_interval_ms=min(HEARTBEAT_MS, session_ms // 3),
        max_poll_interval_ms=max(MAX_POLL_INTERVAL_MS, session_ms),
        **(_FOR_FRAMES if FRAMES.name in streams else {}),
    )


def _learn_partitions(kafka: KafkaConsumer, topics: Sequence[str]) -> None:
    """Asks for the topics' metadata before joining, which the client itself does for patterns alone.

    A leader that joins first shares out partitions it does not know of yet: everybody gets none, and keeps it.
    """
    cluster, deadline_s = kafka._cluster, time.monotonic() + LEARNING_S
    while any(cluster.partitions_for_topic(topic) is None for topic in topics) and time.monotonic() < deadline_s:
        kafka._net.run(kafka._manager.wait_for, cluster.request_update(), CALL_TIMEOUT_MS)


def _of_others(
    fetched: Mapping[TopicPartition, Sequence[ConsumerRecord]], taken: frozenset[TopicPartition]
) -> Iterable[ConsumerRecord]:
    return (raw for at, records in fetched.items() if at not in taken for raw in records)


def _behind(end: int, position: int | None) -> int:
    return max(0, end - position) if position is not None else end


def _names(cluster: KafkaCluster, partitions: Iterable[TopicPartition]) -> str:
    return ", ".join(sorted("{}/{}".format(*cluster.logical(at)) for at in partitions))
