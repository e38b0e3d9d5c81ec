"""The state store on Redis or Valkey: plain commands, and one Lua script for a whole batch of decisions.

Promises: a server that is gone or hangs costs less than a second per call, then Unavailable; a script that was retried
after its answer was lost charges nobody twice, because its memos were written with its charges.
"""

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.resources import files
from typing import cast

import redis
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError, ReadOnlyError, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from shared.errors import Unavailable
from shared.ports.state import Charge, Decided, Undecided, hash64, printable

STORE = "state store"
TIMEOUT_S = 0.25
MAX_CONNECTIONS = 64
FULL_SHARE = 0.7
MARK_S = 60
"""How long a call of `add` is remembered: well past its own retry."""
LARGEST_INTEGER = 2**53
"""Lua counts in doubles; above this they round."""

_TEMPORARY = ("BUSY", "CLUSTERDOWN", "LOADING", "MASTERDOWN", "MISCONF", "NOREPLICAS", "OOM", "READONLY", "TRYAGAIN")


class RedisState:
    """May be shared by threads."""

    def __init__(self, url: str, prefix: str = "") -> None:
        self._prefix = prefix
        retry = Retry(ExponentialWithJitterBackoff(cap=0.05, base=0.01), 1)
        self._redis = redis.Redis.from_url(
            url,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            retry=retry,
            max_connections=MAX_CONNECTIONS,
            decode_responses=False,
        )
        self._decide = self._redis.register_script(_script("near.lua", "decide.lua"))
        self._amend = self._redis.register_script(_script("amend.lua"))
        self._add = self._redis.register_script(_script("add.lua"))
        self._fix = self._redis.register_script(_script("fix.lua"))
        self._learn = self._redis.register_script(_script("learn.lua"))

    def get(self, key: str) -> bytes | None:
        with _store_errors():
            return cast("bytes | None", self._redis.get(self._key(key)))

    def get_many(self, keys: Sequence[str]) -> Sequence[bytes | None]:
        if not keys:
            return []
        with _store_errors():
            return cast("list[bytes | None]", self._redis.mget([self._key(key) for key in keys]))

    def put(self, key: str, value: bytes, ttl_s: int) -> None:
        with _store_errors():
            self._redis.set(self._key(key), value, ex=ttl_s)

    def put_if_absent(self, key: str, value: bytes, ttl_s: int) -> bytes:
        with _store_errors():
            before = cast("bytes | None", self._redis.set(self._key(key), value, ex=ttl_s, nx=True, get=True))
        return value if before is None else before

    def add(self, counters: Mapping[str, Mapping[str, int]], ttl_s: int) -> None:
        if not counters:
            return
        keys = [self._key(key) for key in counters]
        arguments: list[str | int] = [ttl_s, MARK_S]
        for fields in counters.values():
            arguments += [len(fields), *(part for field in fields.items() for part in field)]
        with _store_errors():
            self._add(keys=[f"{keys[0]}:once:{secrets.token_hex(8)}", *keys], args=arguments)

    def counters(self, keys: Sequence[str]) -> Sequence[Mapping[str, int]]:
        if not keys:
            return []
        with _store_errors(), self._redis.pipeline(transaction=True) as together:
            for key in keys:
                together.hgetall(self._key(key))
            found = cast("list[dict[bytes, bytes]]", together.execute())
        return [{field.decode(): int(count) for field, count in fields.items()} for fields in found]

    def fix(self, key: str, fields: Mapping[str, bytes], ttl_s: int) -> Mapping[str, bytes]:
        if not fields:
            return {}
        arguments = [part for field in fields.items() for part in field]
        with _store_errors():
            there = cast("list[bytes]", self._fix(keys=[self._key(key)], args=[ttl_s, *arguments]))
        return dict(zip(fields, there, strict=True))

    def fields(self, key: str) -> Mapping[str, bytes]:
        with _store_errors():
            found = cast("dict[bytes, bytes]", self._redis.hgetall(self._key(key)))
        return {field.decode(): value for field, value in found.items()}

    def decide(self, batch: Sequence[Undecided]) -> Sequence[Decided]:
        if not batch:
            return []
        keys: dict[str, int] = {}
        arguments = [argument for one in batch for argument in self._arguments(one, keys)]
        with _store_errors():
            answers = self._decide(keys=list(keys), args=arguments)
        return [_decided(one, answer) for one, answer in zip(batch, answers, strict=True)]

    def amend(self, memo_key: str, decision: bytes, ttl_s: int) -> None:
        with _store_errors():
            self._amend(keys=[self._key(memo_key)], args=[decision, ttl_s])

    def memo(self, memo_key: str) -> Decided | None:
        stored = self.get(memo_key)
        return None if stored is None else _remembered(stored)

    def learn(self, key: str, hashes: Sequence[bytes]) -> int:
        if not hashes:
            return 0
        with _store_errors():
            return cast("int", self._learn(keys=[self._key(key)], args=[hash64(one) for one in hashes]))

    def known(self, key: str) -> int:
        with _store_errors():
            return int(cast("bytes | None", self._redis.hget(self._key(key), "n")) or 0)

    def forget(self, key: str) -> None:
        with _store_errors():
            self._redis.unlink(self._key(key))

    def check(self) -> Sequence[str]:
        with _store_errors():
            info = cast("dict[str, object]", {**self._redis.info("memory"), **self._redis.info("persistence")})
        return list(_complaints(info))

    def ping(self) -> None:
        with _store_errors():
            self._redis.ping()

    def close(self) -> None:
        self._redis.close()

    def _key(self, key: str) -> str:
        return self._prefix + printable(key)

    def _arguments(self, one: Undecided, keys: dict[str, int]) -> Iterator[str | int | bytes]:
        """What decide.lua takes for one frame; each key is sent once and meant by its index."""

        def index(key: str) -> int:
            return keys.setdefault(self._key(key), len(keys) + 1)

        yield from (index(one.memo_key), one.ttl_s)
        yield from _case(*one.in_case(match=False), index)
        near = one.near
        if near is None:
            yield 0
            return
        yield from (index(near.key), near.entry, near.most_bits, near.size, near.max_age_s, near.ttl_s, int(near.add))
        yield index(near.known) if near.known else 0
        if one.instead is None:
            yield 0
            return
        yield 1
        yield from _case(*one.in_case(match=True), index)


def _case(decision: bytes, charges: Sequence[Charge], index: Callable[[str], int]) -> Iterator[str | int | bytes]:
    """What is decided, and what it costs."""
    yield from (decision, len(charges))
    for charge in charges:
        _need_exact(charge.amount, charge.most)
        yield from (index(charge.key), charge.amount, charge.most, charge.ttl_s, charge.name)


def _complaints(info: Mapping[str, object]) -> Iterator[str]:
    """What a server's INFO says that would make it forget. A managed server may leave things out: no complaint."""
    policy, most, used = (info.get(name, 0) for name in ("maxmemory_policy", "maxmemory", "used_memory"))
    if isinstance(policy, str) and policy != "noeviction":
        yield f"maxmemory-policy is {policy}: limits and memos may be forgotten without a word; set it to noeviction"
    if isinstance(most, int) and isinstance(used, int) and most and used > FULL_SHARE * most:
        yield f"{used / most:.0%} of its memory is used, and nothing is taken when it is full: raise maxmemory"
    if info.get("aof_enabled") == 0:
        yield "nothing is appended to its disk: a restart forgets limits and memos since the last snapshot; set appendonly yes"
    failed = [name for name in ("aof_last_write_status", "rdb_last_bgsave_status") if info.get(name, "ok") != "ok"]
    if failed:
        yield f"it cannot write to its disk ({', '.join(failed)}): look at the disk of the Redis server"


def _decided(one: Undecided, answer: bytes | tuple[bytes, int, int]) -> Decided:
    if isinstance(answer, bytes):
        return _remembered(answer)
    refused_by, distance, known = answer
    decision, _ = one.in_case(match=distance >= 0)
    return Decided(decision, refused_by.decode() or None, True, None if distance < 0 else distance, known == 1)


def _remembered(memo: bytes) -> Decided:
    """A memo as decide.lua writes it, and wrote it before it knew of near-duplicates."""
    near, refusal = (memo[1:4], memo[4:]) if memo[:1] == b"2" else (b"", memo)
    distance, known = (int(near[1:], 16), near[:1] == b"1") if near else (None, False)
    if refusal[:1] == b"0":
        return Decided(refusal[1:], None, False, distance, known)
    end = 9 + int(refusal[1:9], 16)
    return Decided(refusal[end:], refusal[9:end].decode(), False, distance, known)


def _need_exact(*numbers: int) -> None:
    if any(abs(number) > LARGEST_INTEGER for number in numbers):
        raise ValueError(f"expected amounts and limits up to 2**53, got {numbers}: the store would round them")


def _script(*names: str) -> str:
    return "\n".join(files(__package__).joinpath(name).read_text() for name in names)


@contextmanager
def _store_errors() -> Iterator[None]:
    """A store that does not answer, or cannot now, is Unavailable; a command it does not understand is our fault."""
    try:
        yield
    except (RedisConnectionError, RedisTimeoutError, ReadOnlyError, OutOfMemoryError, OSError) as error:
        raise Unavailable(STORE, error) from error
    except ResponseError as error:
        if not any(word in str(error) for word in _TEMPORARY):
            raise
        raise Unavailable(STORE, error) from error
    except RedisError as error:
        raise Unavailable(STORE, error) from error
