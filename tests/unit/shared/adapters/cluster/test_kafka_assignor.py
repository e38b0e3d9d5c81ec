"""The assignor: each stream is shared out evenly, whoever joins or leaves, and nobody is given what another still owns."""

from collections import Counter
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.protocol.consumer.metadata import ConsumerProtocolSubscription

from shared.adapters.cluster.kafka_assignor import StreamByStream

Owned = dict[str, set[tuple[str, int]]]
"""Member → (topic, partition)."""


class Topics(NamedTuple):
    """What the assignor asks of the cluster's metadata."""

    partitions: dict[str, int]

    def topics(self) -> set[str]:
        return set(self.partitions)

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        return set(range(self.partitions[topic])) if topic in self.partitions else None


class Joined(NamedTuple):
    member_id: str
    metadata: object


def joined(name: str, topics: list[str], owned: set[tuple[str, int]]) -> Joined:
    of = ConsumerProtocolSubscription.TopicPartition
    by_topic = {topic: sorted(number for at, number in owned if at == topic) for topic in topics}
    said = [of(topic=topic, partitions=numbers) for topic, numbers in by_topic.items() if numbers]
    return Joined(name, ConsumerProtocolSubscription(version=1, topics=topics, user_data=b"", owned_partitions=said))


def shared_out(assignor: CooperativeStickyAssignor, cluster: Topics, owned: Owned) -> Owned:
    """After as many rounds as it takes; in each, members first give up what moves."""
    for _ in range(10):
        members = [joined(name, sorted(cluster.topics()), mine) for name, mine in sorted(owned.items())]
        assigned = assignor.assign(cluster, members)
        new = {
            name: {(topic, number) for topic, numbers in assigned[name].assigned_partitions for number in numbers}
            for name in owned
        }
        for name, mine in new.items():
            taken = {one for other, theirs in owned.items() if other != name for one in theirs}
            assert not mine & taken, "given while another owns it"
        if new == owned:
            return owned
        owned = new
    raise AssertionError("never settled")


def per_stream(owned: Owned, topic: str) -> list[int]:
    return [sum(at == topic for at, _ in mine) for mine in owned.values()]


TWO = Topics({"predictions": 12, "verdicts": 12})


def test_the_client_s_own_gives_one_all_of_a_stream() -> None:
    """Why there is another one. When this fails, the client has mended it."""
    alone = shared_out(CooperativeStickyAssignor(), TWO, {"a": set()})
    both = shared_out(CooperativeStickyAssignor(), TWO, {**alone, "b": set()})
    assert sorted(per_stream(both, "predictions")) == [0, 12]


def test_a_second_member_gets_half_of_each_stream() -> None:
    alone = shared_out(StreamByStream(), TWO, {"a": set()})
    both = shared_out(StreamByStream(), TWO, {**alone, "b": set()})
    assert per_stream(both, "predictions") == per_stream(both, "verdicts") == [6, 6]


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(st.sampled_from(["frames", "predictions", "verdicts"]), st.integers(1, 13), min_size=1),
    st.lists(st.sampled_from("abcdef"), min_size=1, max_size=8),
)
def test_whoever_comes_and_goes_each_partition_has_one_owner_and_each_stream_is_even(
    topics: dict[str, int], steps: list[str]
) -> None:
    cluster, owned = Topics(topics), Owned()
    for step in steps:
        if step in owned and len(owned) > 1:
            del owned[step]
        else:
            owned.setdefault(step, set())
        owned = shared_out(StreamByStream(), cluster, owned)
        owners = Counter(one for mine in owned.values() for one in mine)
        assert owners == Counter((topic, number) for topic, many in topics.items() for number in range(many))
        for topic in topics:
            assert max(per_stream(owned, topic)) - min(per_stream(owned, topic)) <= 1


def test_it_has_the_name_that_the_client_s_own_has() -> None:
    assert StreamByStream.name == CooperativeStickyAssignor.name == "cooperative-sticky"


@pytest.mark.parametrize("other", ["verdicts"])
def test_who_reads_one_stream_gets_none_of_another(other: str) -> None:
    members = [joined("a", ["predictions"], set()), joined("b", ["predictions", other], set())]
    assigned = StreamByStream().assign(TWO, members)
    assert {topic for topic, numbers in assigned["a"].assigned_partitions if numbers} == {"predictions"}
    assert dict(assigned["b"].assigned_partitions)[other] == list(range(12))
