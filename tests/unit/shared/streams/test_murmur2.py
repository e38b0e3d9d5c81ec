"""The same hash as Kafka's clients."""

from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner.default import murmur2 as kafkas_murmur2

from shared.streams.murmur2 import murmur2, partition_of


@given(st.binary(max_size=64))
def test_it_is_kafkas_hash(key: bytes) -> None:
    assert murmur2(key) == kafkas_murmur2(key)


@given(st.binary(max_size=64), st.integers(1, 100))
def test_the_partition_is_kafkas(key: bytes, partitions: int) -> None:
    assert partition_of(key, partitions) == (kafkas_murmur2(key) & 0x7FFFFFFF) % partitions


def test_reference_values_of_the_java_client() -> None:
    """From org.apache.kafka.common.utils.UtilsTest.testMurmur2, there as signed numbers."""
    reference = {b"21": -973932308, b"foobar": -790332482, b"a-little-bit-long-string": -985981536, b"abc": 479470107}
    assert {key: murmur2(key) for key in reference} == {key: value % 2**32 for key, value in reference.items()}
