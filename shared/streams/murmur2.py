"""murmur2 as Kafka's Java client computes it, so that a key meets the same partition in both backends.

Source: org.apache.kafka.common.utils.Utils.murmur2 and BuiltInPartitioner (`toPositive(hash) % partitions`).
"""

import struct

_SEED = 0x9747B28C
_M = 0x5BD1E995
_WORD = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """The hash as an unsigned 32-bit number."""
    whole = len(data) & ~3
    hashed = _SEED ^ len(data)
    for (word,) in struct.iter_unpack("<I", data[:whole]):
        word = word * _M & _WORD
        word = (word ^ word >> 24) * _M & _WORD
        hashed = hashed * _M & _WORD ^ word
    if whole < len(data):
        hashed = (hashed ^ int.from_bytes(data[whole:], "little")) * _M & _WORD
    hashed = (hashed ^ hashed >> 13) * _M & _WORD
    return hashed ^ hashed >> 15


def partition_of(key: bytes, partitions: int) -> int:
    """The partition that Kafka's own clients give this key."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions
