"""What needs no server: which keys and numbers are taken, and that nobody waits for a port where nothing listens."""

import socket
import time
import uuid
from collections.abc import Callable
from contextlib import closing

import pytest

from shared.adapters.cluster.redis_state import RedisState, _complaints, _remembered
from shared.errors import Unavailable
from shared.ports.state import Charge, Decided, State, Undecided
from tests.servers import Servers


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
    assert state.counters([]) == []
    assert state.fix("k", {}, 60) == {}
    assert state.learn("k", []) == 0
    state.add({}, 60)


VERBS: list[Callable[[State], object]] = [
    lambda state: state.add({"h:{c}": {"n": 1}}, 60),
    lambda state: state.counters(["h:{c}"]),
    lambda state: state.fix("plan:{c}", {"a": b""}, 60),
    lambda state: state.fields("plan:{c}"),
    lambda state: state.learn("known:{c}", [b"8 bytes."]),
    lambda state: state.known("known:{c}"),
    lambda state: state.forget("known:{c}"),
    lambda state: state.decide([Undecided("dec:{c}:1", b"", 60)]),
]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_says_that_nobody_answers(state: RedisState, verb: Callable[[State], object]) -> None:
    with pytest.raises(Unavailable, match="state store"):
        verb(state)


@pytest.mark.parametrize(
    ("memo", "expected"),
    [
        (b"0kept", Decided(b"kept", None, fresh=False)),
        (b"100000003daykept", Decided(b"kept", "day", fresh=False)),
        (b"20080kept", Decided(b"kept", None, fresh=False, distance=8)),
        (b"21400kept", Decided(b"kept", None, fresh=False, distance=64, known=True)),
        (b"2002100000003daykept", Decided(b"kept", "day", fresh=False, distance=2)),
    ],
)
def test_memos_are_read_as_they_were_ever_written(memo: bytes, expected: Decided) -> None:
    assert _remembered(memo) == expected


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


@pytest.mark.servers
def test_an_addition_that_was_sent_again_because_its_answer_was_lost_counts_once(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(RedisState(servers.redis.url, f"{uuid.uuid4().hex}:")) as state:
        add = state._add

        def sent_twice(keys: list[str], args: list[str | int]) -> None:
            add(keys=keys, args=args)
            add(keys=keys, args=args)

        monkeypatch.setattr(state, "_add", sent_twice)
        state.add({"h:{c}": {"n": 1}, "k:{c}": {"n": 2}}, 60)
        state.add({"h:{c}": {"n": 1}}, 60)
        assert list(state.counters(["h:{c}", "k:{c}"])) == [{"n": 2}, {"n": 2}]


@pytest.mark.servers
def test_a_memo_of_an_earlier_version_is_found_and_amended(servers: Servers) -> None:
    with closing(RedisState(servers.redis.url, f"{uuid.uuid4().hex}:")) as state:
        state.put("dec:{c}:1", b"100000003daykept", 60)
        asked = Undecided("dec:{c}:1", b"new", 60)
        assert state.decide([asked]) == [Decided(b"kept", "day", fresh=False)]
        state.amend("dec:{c}:1", b"gone", 60)
        assert state.decide([asked]) == [Decided(b"gone", "day", fresh=False)]
