"""What needs no server: which keys and numbers are taken, and that nobody waits for a port where nothing listens."""

import socket
import time

import pytest

from shared.adapters.cluster.redis_state import RedisState, _complaints
from shared.errors import Unavailable
from shared.ports.state import Charge, Undecided


@pytest.fixture
def state() -> RedisState:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    return RedisState(f"redis://127.0.0.1:{port}/0")


def test_a_refused_port_costs_less_than_a_second(state: RedisState) -> None:
    started_s = time.monotonic()
    with pytest.raises(Unavailable, match="state store is unavailable"):
        state.ping()
    assert time.monotonic() - started_s < 1.0


@pytest.mark.parametrize("key", ["", "köln", "line\nbreak"])
def test_keys_are_printable_ascii(state: RedisState, key: str) -> None:
    with pytest.raises(ValueError, match="printable ASCII"):
        state.get(key)


def test_numbers_that_lua_would_round_are_refused(state: RedisState) -> None:
    charge = Charge("limit", "lim:{c}", 1, 2**53 + 1, 60)
    with pytest.raises(ValueError, match="2\\*\\*53"):
        state.decide([Undecided("dec:{c}:1", b"", 60, (charge,))])


def test_an_empty_batch_asks_nobody(state: RedisState) -> None:
    assert state.decide([]) == []
    assert state.get_many([]) == []


WELL = {"maxmemory_policy": "noeviction", "maxmemory": 1000, "used_memory": 10, "aof_enabled": 1}


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({}, []),
        ({"maxmemory_policy": "allkeys-lru"}, ["maxmemory-policy is allkeys-lru"]),
        ({"used_memory": 800}, ["80% of its memory"]),
        ({"maxmemory": 0, "used_memory": 10**12}, []),
        ({"aof_enabled": 0}, ["appendonly yes"]),
        ({"aof_last_write_status": "err"}, ["cannot write to its disk (aof_last_write_status)"]),
    ],
)
def test_what_makes_a_server_forget_is_a_sentence(told: dict[str, object], said: list[str]) -> None:
    found = list(_complaints({**WELL, **told}))
    assert len(found) == len(said)
    assert all(part in one for part, one in zip(said, found, strict=True))


def test_a_server_that_tells_nothing_is_no_complaint() -> None:
    assert list(_complaints({})) == []
