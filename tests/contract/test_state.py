"""What `shared.ports.state` promises, on every state store."""

import struct
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from shared.ports import Charge, Decided, Near, State, Undecided
from tests.contract.conftest import StateBackend

LONG_S = 3600
VALUES = [b"", b"text", bytes(range(256)), b"x" * 100_000]


def charge(name: str, amount: int, most: int, key: str | None = None) -> Charge:
    return Charge(name, f"lim:{{c}}:{key or name}", amount, most, LONG_S)


def ask(memo: str, *charges: Charge, decision: bytes | None = None) -> Undecided:
    return Undecided(f"dec:{{c}}:{memo}", memo.encode() if decision is None else decision, LONG_S, charges)


def wait_until_gone(state: State, key: str) -> None:
    deadline = time.monotonic() + 10
    while state.get(key) is not None:
        assert time.monotonic() < deadline, f"{key} is still there after 10 s"
        threading.Event().wait(0.02)


# --- values ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", VALUES, ids=["empty", "text", "any bytes", "large"])
def test_a_value_comes_back_as_it_was(state: State, value: bytes) -> None:
    state.put("k", value, LONG_S)
    assert state.get("k") == value


def test_there_is_none_where_nobody_put_one(state: State) -> None:
    assert state.get("k") is None
    assert state.memo("dec:{c}:k") is None


def test_put_sets_it_whatever_was_there(state: State) -> None:
    state.put("k", b"one", LONG_S)
    state.put("k", b"two", LONG_S)
    assert state.get("k") == b"two"


def test_several_come_in_order(state: State) -> None:
    state.put("a", b"1", LONG_S)
    state.put("c", b"3", LONG_S)
    assert list(state.get_many(["c", "b", "a", "c"])) == [b"3", None, b"1", b"3"]
    assert list(state.get_many([])) == []


def test_put_if_absent_gives_the_value_of_whoever_came_first(state: State) -> None:
    assert state.put_if_absent("k", b"one", LONG_S) == b"one"
    assert state.put_if_absent("k", b"two", LONG_S) == b"one"
    assert state.get("k") == b"one"


def test_of_many_who_put_if_absent_all_see_the_same_first(state_backend: StateBackend) -> None:
    states = [state_backend.open("a:") for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        seen = list(pool.map(lambda n: states[n % 4].put_if_absent("k", b"%d" % n, LONG_S), range(40)))
    assert set(seen) == {states[0].get("k")}


def test_a_value_lives_as_long_as_it_should(state: State) -> None:
    state.put("short", b"v", 1)
    state.put("long", b"v", LONG_S)
    assert state.get("short") == b"v"
    wait_until_gone(state, "short")
    assert list(state.get_many(["short", "long"])) == [None, b"v"]
    assert state.put_if_absent("short", b"new", LONG_S) == b"new"


def test_put_again_lives_by_the_new_lifetime(state: State) -> None:
    state.put("k", b"one", 1)
    state.put("k", b"two", LONG_S)
    state.put("clock", b"", 1)
    wait_until_gone(state, "clock")
    assert state.get("k") == b"two"


def test_prefixes_never_meet(state_backend: StateBackend) -> None:
    one, other = state_backend.open("a:"), state_backend.open("b:")
    one.put("k", b"one", LONG_S)
    assert other.get("k") is None
    assert one.decide([ask("m", charge("day", 1, 1))])[0].fresh
    assert other.decide([ask("m", charge("day", 1, 1))]) == [Decided(b"m", None, fresh=True)]


def test_two_stores_on_one_place_see_each_other(state_backend: StateBackend) -> None:
    one, other = state_backend.open("a:"), state_backend.open("a:")
    one.put("k", b"v", LONG_S)
    assert other.get("k") == b"v"


def test_ping_is_answered(state: State) -> None:
    state.ping()


def test_a_store_that_is_set_up_well_has_no_faults(state: State) -> None:
    assert list(state.check()) == []


# --- fields ------------------------------------------------------------------------------------------------------------


def test_what_is_added_adds_up(state: State) -> None:
    state.add({"h:{c}": {"random/3": 2, "drawn": 1}, "h:{d}": {"drawn": 7}}, LONG_S)
    state.add({"h:{c}": {"random/3": 5, "köln": -3}}, LONG_S)
    assert list(state.counters(["h:{d}", "none", "h:{c}"])) == [
        {"drawn": 7},
        {},
        {"random/3": 7, "drawn": 1, "köln": -3},
    ]
    state.add({}, LONG_S)
    assert list(state.counters([])) == []


def test_counts_are_exact_to_the_last_digit(state: State) -> None:
    state.add({"h:{c}": {"bytes": 2**62}}, LONG_S)
    state.add({"h:{c}": {"bytes": 1}}, LONG_S)
    assert state.counters(["h:{c}"])[0] == {"bytes": 2**62 + 1}


def test_many_who_add_at_once_lose_nothing(state_backend: StateBackend) -> None:
    states = [state_backend.open("a:") for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: states[n % 4].add({"h:{c}": {"all": 1, str(n % 3): n}}, LONG_S), range(60)))
    expected = {"all": 60} | {str(rest): sum(range(rest, 60, 3)) for rest in range(3)}
    assert states[0].counters(["h:{c}"])[0] == expected


def test_counters_that_were_added_together_are_seen_together(state_backend: StateBackend) -> None:
    adding, looking = state_backend.open("a:"), state_backend.open("a:")

    def add() -> None:
        for _ in range(50):
            adding.add({"h:{c}": {"n": 1}, "k:{c}": {"n": 1}}, LONG_S)

    with ThreadPoolExecutor(1) as pool:
        added = pool.submit(add)
        while not added.done():
            one, other = looking.counters(["h:{c}", "k:{c}"])
            assert one == other
        added.result()


def test_the_first_fixes_a_field_for_all(state: State) -> None:
    assert state.fix("plan:{c}:1", {"7/random": b"0.5", "8/random": b""}, LONG_S) == {
        "7/random": b"0.5",
        "8/random": b"",
    }
    assert state.fix("plan:{c}:1", {"7/random": b"0.9", "9/köln": VALUES[2]}, LONG_S) == {
        "7/random": b"0.5",
        "9/köln": VALUES[2],
    }
    assert state.fields("plan:{c}:1") == {"7/random": b"0.5", "8/random": b"", "9/köln": VALUES[2]}
    assert state.fields("plan:{c}:2") == {}
    assert state.fix("plan:{c}:2", {}, LONG_S) == {}


def test_of_many_who_fix_all_see_the_same_first(state_backend: StateBackend) -> None:
    states = [state_backend.open("a:") for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        seen = list(pool.map(lambda n: states[n % 4].fix("p:{c}", {"a": b"%d" % n, "b": b"%d" % n}, LONG_S), range(40)))
    assert seen == [states[0].fields("p:{c}")] * 40
    assert seen[0]["a"] == seen[0]["b"], "both by the same, or it was no atomic step"


def test_fields_live_on_with_every_write_and_then_begin_anew(state: State) -> None:
    """The ones that nobody touches again are the clock of the test."""
    for key in ("h:{c}", "gone"):
        state.add({key: {"n": 1}}, 1)
    for key in ("plan", "past"):
        state.fix(key, {"a": b"1"}, 1)
    state.add({"h:{c}": {"m": 1}}, LONG_S)
    state.fix("plan", {"a": b"2", "b": b"2"}, LONG_S)
    deadline = time.monotonic() + 10
    while state.counters(["gone"])[0] or state.fields("past"):
        assert time.monotonic() < deadline, "what was to live 1 s is still there after 10 s"
        threading.Event().wait(0.02)
    assert state.counters(["h:{c}"])[0] == {"n": 1, "m": 1}
    assert state.fields("plan") == {"a": b"1", "b": b"2"}
    state.add({"gone": {"m": 1}}, LONG_S)
    assert state.counters(["gone"])[0] == {"m": 1}
    assert state.fix("past", {"a": b"new"}, LONG_S) == {"a": b"new"}


def test_fields_of_two_prefixes_never_meet(state_backend: StateBackend) -> None:
    one, other = state_backend.open("a:"), state_backend.open("b:")
    one.add({"k": {"n": 1}}, LONG_S)
    one.fix("f", {"a": b"1"}, LONG_S)
    assert list(other.counters(["k"])) == [{}]
    assert other.fields("f") == {}


@pytest.mark.parametrize("key", ["", "köln", "line\nbreak"])
def test_a_key_is_printable_ascii_for_every_verb(state: State, key: str) -> None:
    asked = Undecided(key, b"", LONG_S)
    verbs: list[Callable[[], object]] = [
        lambda: state.get(key),
        lambda: state.put(key, b"", LONG_S),
        lambda: state.add({key: {"n": 1}}, LONG_S),
        lambda: state.counters([key]),
        lambda: state.fix(key, {"a": b""}, LONG_S),
        lambda: state.fields(key),
        lambda: state.decide([asked]),
        lambda: state.memo(key),
    ]
    for verb in verbs:
        with pytest.raises(ValueError, match="printable ASCII"):
            verb()


# --- decisions ---------------------------------------------------------------------------------------------------------


def test_without_charges_everything_is_kept(state: State) -> None:
    assert state.decide([ask("a"), ask("b")]) == [Decided(b"a", None, fresh=True), Decided(b"b", None, fresh=True)]
    assert list(state.decide([])) == []


def test_a_redelivered_frame_gets_its_old_answer_and_pays_once(state: State) -> None:
    day = charge("day", 1, 2)
    assert state.decide([ask("a", day)])[0].fresh
    assert state.decide([ask("a", day, decision=b"another")]) == [Decided(b"a", None, fresh=False)]
    assert state.decide([ask("b", day)]) == [Decided(b"b", None, fresh=True)]
    assert state.decide([ask("c", day)]) == [Decided(b"c", "day", fresh=True)]


def test_a_redelivery_within_the_batch_pays_once(state: State) -> None:
    day = charge("day", 1, 2)
    decided = state.decide([ask("a", day), ask("a", day, decision=b"another"), ask("b", day), ask("c", day)])
    assert [(each.decision, each.refused_by, each.fresh) for each in decided] == [
        (b"a", None, True),
        (b"a", None, False),
        (b"b", None, True),
        (b"c", "day", True),
    ]


def test_a_refusal_is_remembered_also_when_there_is_room_again(state: State) -> None:
    assert state.decide([ask("a", charge("hour", 5, 4))]) == [Decided(b"a", "hour", fresh=True)]
    assert state.decide([ask("a", charge("hour", 5, 400))]) == [Decided(b"a", "hour", fresh=False)]
    assert state.memo("dec:{c}:a") == Decided(b"a", "hour", fresh=False)


def test_a_counter_may_reach_its_most_and_no_more(state: State) -> None:
    full = charge("bytes", 10, 10)
    assert state.decide([ask("a", full)])[0].refused_by is None
    assert state.decide([ask("b", charge("bytes", 1, 10))])[0].refused_by == "bytes"
    assert state.decide([ask("c", charge("bytes", 0, 10))])[0].refused_by is None


def test_large_counts_are_exact(state_backend: StateBackend, state: State) -> None:
    most = state_backend.features.largest_count
    asked = [
        ask("a", charge("bytes", most - 1, most)),
        ask("b", charge("bytes", 2, most)),
        ask("c", charge("bytes", 1, most)),
    ]
    assert [each.refused_by for each in state.decide(asked)] == [None, "bytes", None]


def test_all_limits_are_charged_or_none(state: State) -> None:
    wide, narrow = charge("wide", 1, 2), charge("narrow", 1, 0)
    assert state.decide([ask("a", wide, narrow)])[0].refused_by == "narrow"
    assert [each.refused_by for each in state.decide([ask("b", wide), ask("c", wide), ask("d", wide)])] == [
        None,
        None,
        "wide",
    ]


def test_the_first_that_does_not_fit_refuses(state: State) -> None:
    none, neither = charge("none", 1, 0), charge("neither", 1, 0)
    fits = charge("fits", 1, 9)
    assert state.decide([ask("a", fits, neither, none)])[0].refused_by == "neither"
    assert state.decide([ask("b", none, neither)])[0].refused_by == "none"


def test_one_after_the_other_within_the_batch(state: State) -> None:
    asked = [ask("a", charge("day", 3, 5)), ask("b", charge("day", 3, 5)), ask("c", charge("day", 2, 5))]
    assert [each.refused_by for each in state.decide(asked)] == [None, "day", None]


def test_any_bytes_are_a_decision(state: State) -> None:
    for n, value in enumerate(VALUES):
        assert state.decide([ask(f"m{n}", decision=value)]) == [Decided(value, None, fresh=True)]
        assert state.memo(f"dec:{{c}}:m{n}") == Decided(value, None, fresh=False)


def test_many_at_once_never_exceed_a_limit(state_backend: StateBackend) -> None:
    states = [state_backend.open("a:") for _ in range(4)]
    numbers = count()

    def decide(state: State) -> Sequence[Decided]:
        return state.decide([ask(f"m{next(numbers)}", charge("day", 1, 30)) for _ in range(5)])

    with ThreadPoolExecutor(4) as pool:
        decided = [each for batch in pool.map(decide, states * 4) for each in batch]
    assert sum(each.refused_by is None for each in decided) == 30
    assert len(decided) == 80


def test_a_memo_lives_as_long_as_it_should(state: State) -> None:
    state.decide([Undecided("dec:{c}:a", b"one", 1)])
    state.put("clock", b"", 2)
    wait_until_gone(state, "clock")
    assert state.decide([Undecided("dec:{c}:a", b"two", LONG_S)]) == [Decided(b"two", None, fresh=True)]


# --- amending ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("most", "refused_by"), [(1, None), (0, "day")])
def test_amend_replaces_the_decision_and_keeps_who_refused(state: State, most: int, refused_by: str | None) -> None:
    asked = ask("a", charge("day", 1, most))
    state.decide([asked])
    state.amend("dec:{c}:a", b"missing", LONG_S)
    assert state.memo("dec:{c}:a") == Decided(b"missing", refused_by, fresh=False)
    assert state.decide([asked]) == [Decided(b"missing", refused_by, fresh=False)]


# --- against a model ---------------------------------------------------------------------------------------------------

NAMES = st.sampled_from("abc")
CHARGES = st.lists(
    st.builds(charge, NAMES, st.integers(0, 4), st.integers(0, 8)), max_size=3, unique_by=lambda each: each.key
).map(tuple)
BATCHES = st.lists(
    st.lists(st.tuples(st.sampled_from("pqrstuvw"), st.binary(max_size=3), CHARGES), max_size=6), max_size=5
)


def model_decide(memos: dict[str, Decided], counters: dict[str, int], asked: Undecided) -> Decided:
    """The port's three steps, on dictionaries."""
    there = memos.get(asked.memo_key)
    if there is not None:
        return there
    refused_by = next((c.name for c in asked.charges if counters.get(c.key, 0) + c.amount > c.most), None)
    for each in asked.charges if refused_by is None else ():
        counters[each.key] = counters.get(each.key, 0) + each.amount
    memos[asked.memo_key] = Decided(asked.decision, refused_by, fresh=False)
    return Decided(asked.decision, refused_by, fresh=True)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(batches=BATCHES)
def test_decide_does_what_the_three_steps_say(
    state: State, batches: list[list[tuple[str, bytes, tuple[Charge, ...]]]]
) -> None:
    place = uuid.uuid4().hex  # each example its own keys: the fixture is made once
    memos: dict[str, Decided] = {}
    counters: dict[str, int] = {}
    for batch in batches:
        asked = [
            Undecided(
                f"dec:{{{place}}}:{memo}",
                decision,
                LONG_S,
                tuple(Charge(c.name, f"lim:{{{place}}}:{c.name}", c.amount, c.most, LONG_S) for c in charges),
            )
            for memo, decision, charges in batch
        ]
        assert list(state.decide(asked)) == [model_decide(memos, counters, each) for each in asked]
    for key, expected in memos.items():
        assert state.memo(key) == expected


# --- near-duplicates ---------------------------------------------------------------------------------------------------

RING = "ring:{c}:door"
INDEX = "known:{c}"
IMAGE = bytes.fromhex("0f1e2d3c4b5a6978")
NOON_S = 1_700_000_000


def turned(image: bytes, *bits: int) -> bytes:
    """The hash with some of its 64 bits turned, the highest first."""
    number = int.from_bytes(image)
    for bit in bits:
        number ^= 1 << (63 - bit)
    return number.to_bytes(8)


def near(image: bytes = IMAGE, signature: int = 1, time_s: int = NOON_S, **more: Any) -> Near:
    options: dict[str, Any] = {"most_bits": 8, "size": 64, "max_age_s": 3600, "ttl_s": LONG_S, "add": True}
    return Near(entry=image + struct.pack(">II", signature, time_s), **{"key": RING, **options, **more})


def meet(memo: str, near: Near | None, *charges: Charge, **more: Any) -> Undecided:
    """A frame with another decision in case it is a near-duplicate."""
    return replace(ask(memo, *charges), near=near, **{"instead": b"instead " + memo.encode(), **more})


def distances(state: State, *asked: Undecided) -> list[int | None]:
    return [each.distance for each in state.decide(asked)]


def test_a_near_duplicate_is_decided_otherwise_and_says_how_near(state: State) -> None:
    assert state.decide([meet("a", near())]) == [Decided(b"a", None, fresh=True)]
    decided = Decided(b"instead b", None, fresh=True, distance=3)
    assert state.decide([meet("b", near(turned(IMAGE, 0, 31, 63)))]) == [decided]
    assert state.decide([meet("b", None)]) == [replace(decided, fresh=False)]
    assert state.memo("dec:{c}:b") == replace(decided, fresh=False)


def test_a_redelivered_frame_never_meets_its_own_entry(state: State) -> None:
    assert distances(state, meet("a", near()), meet("a", near()), meet("b", near())) == [None, None, 0]
    assert distances(state, meet("a", near())) == [None]


@pytest.mark.parametrize(
    ("other", "distance"),
    [
        (near(turned(IMAGE, *range(8))), 8),
        (near(turned(IMAGE, *range(9))), None),
        (near(turned(IMAGE, *range(28, 37)), most_bits=9), 9),
        (near(turned(IMAGE, 5), most_bits=0), None),
        (near(bytes(0xFF - byte for byte in IMAGE), most_bits=64), 64),
        (near(signature=2), None),
        (near(time_s=NOON_S + 3600), 0),
        (near(time_s=NOON_S + 3601), None),
        (near(time_s=NOON_S - 3600), 0),
        (near(time_s=NOON_S - 3601), None),
        (near(key="ring:{c}:yard"), None),
    ],
)
def test_a_match_is_near_of_the_same_signature_and_of_the_same_hour(
    state: State, other: Near, distance: int | None
) -> None:
    assert distances(state, meet("a", near()), meet("b", other)) == [None, distance]


def test_hashes_and_signatures_of_high_bits_are_compared_whole(state: State) -> None:
    high = near(b"\xff" * 8, signature=2**32 - 1, time_s=2**32 - 1)
    asked = meet("b", near(turned(b"\xff" * 8, 0, 32), signature=2**32 - 1, time_s=2**32 - 1))
    assert distances(state, meet("a", high), asked) == [None, 2]


def test_the_nearest_match_is_said(state: State) -> None:
    far, close = near(turned(IMAGE, *range(30, 36))), near(turned(IMAGE, *range(26, 37)))
    assert distances(state, meet("a", far), meet("b", close, instead=None)) == [None, 5]
    assert distances(state, meet("c", near(turned(IMAGE, 63)))) == [7]


def test_only_what_is_kept_joins_the_ring(state: State) -> None:
    full = charge("day", 1, 0)
    asked = [meet("refused", near(), full), meet("looks", near(add=False)), meet("kept", near()), meet("twin", near())]
    assert distances(state, *asked) == [None, None, None, 0]
    later = near(time_s=NOON_S + 3000)
    assert distances(state, meet("later", later)) == [0], "a duplicate does not make the entry younger"
    assert distances(state, meet("next", near(time_s=NOON_S + 4000))) == [None]


def test_a_ring_holds_the_last_kept(state: State) -> None:
    images = [bytes([n] * 8) for n in (0x00, 0x0F, 0xF0, 0xFF)]
    kept = [meet(f"k{n}", near(image, size=3)) for n, image in enumerate(images)]
    assert distances(state, *kept) == [None] * 4
    asked = [meet(f"a{n}", near(image, size=3, add=False)) for n, image in enumerate(images)]
    assert distances(state, *asked) == [None, 0, 0, 0]


def test_a_ring_lives_as_long_as_it_should(state: State) -> None:
    assert distances(state, meet("a", near(ttl_s=1))) == [None]
    wait_until_gone(state, RING)
    assert distances(state, meet("b", near())) == [None]


def test_a_duplicate_pays_what_is_charged_instead(state: State) -> None:
    usual, otherwise = charge("uncertain", 1, 1), charge("all", 1, 1)
    asked = [meet(name, near(), usual, charges_instead=(otherwise,)) for name in "abc"]
    assert [each.refused_by for each in state.decide(asked)] == [None, None, "all"]
    assert state.memo("dec:{c}:c") == Decided(b"instead c", "all", fresh=False, distance=0)


def test_what_nothing_else_drew_is_remembered_and_costs_nothing(state: State) -> None:
    day = charge("day", 1, 1)
    asked = [meet(name, near(), day, drops=True, charges_instead=(day,)) for name in "abc"]
    assert [(each.decision, each.refused_by) for each in state.decide(asked)] == [
        (b"a", None),
        (b"instead b", None),
        (b"instead c", None),
    ]
    assert state.get(day.key) == b"1"


def test_without_another_decision_a_match_is_only_said(state: State) -> None:
    day = charge("day", 1, 2)
    asked = [meet(name, near(), day, instead=None) for name in "abc"]
    assert state.decide(asked) == [
        Decided(b"a", None, fresh=True),
        Decided(b"b", None, fresh=True, distance=0),
        Decided(b"c", "day", fresh=True, distance=0),
    ]


@pytest.mark.parametrize(("most", "refused_by"), [(1, None), (0, "day")])
def test_amend_keeps_the_distance(state: State, most: int, refused_by: str | None) -> None:
    state.decide([meet("a", near()), meet("b", near(), charges_instead=(charge("day", 1, most),))])
    state.amend("dec:{c}:b", b"missing", LONG_S)
    assert state.memo("dec:{c}:b") == Decided(b"missing", refused_by, fresh=False, distance=0)


def test_an_entry_is_whole_or_refused() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        near(b"short")
    with pytest.raises(ValueError, match="65 bits"):
        near(most_bits=65)


# --- known images ------------------------------------------------------------------------------------------------------


def test_what_was_learned_is_counted_once(state: State) -> None:
    hashes = [bytes([n] * 8) for n in range(10)]
    assert state.known(INDEX) == 0
    assert state.learn(INDEX, [*hashes, hashes[0]]) == 10
    assert state.learn(INDEX, [*hashes, IMAGE]) == 1
    assert state.learn(INDEX, []) == 0
    assert state.known(INDEX) == 11
    assert state.known("known:{d}") == 0
    state.forget(INDEX)
    state.forget(INDEX)
    assert state.known(INDEX) == 0
    assert distances(state, meet("a", near(hashes[0], known=INDEX))) == [None]


def test_a_known_image_is_a_duplicate_of_any_signature_and_age(state: State) -> None:
    state.learn(INDEX, [IMAGE])
    other = near(turned(IMAGE, 3, 40), signature=9, known=INDEX)
    assert state.decide([meet("a", other)]) == [Decided(b"instead a", None, fresh=True, distance=2, known=True)]
    assert state.memo("dec:{c}:a") == Decided(b"instead a", None, fresh=False, distance=2, known=True)
    state.amend("dec:{c}:a", b"missing", LONG_S)
    assert state.memo("dec:{c}:a") == Decided(b"missing", None, fresh=False, distance=2, known=True)
    assert distances(state, meet("b", replace(other, known=None))) == [None], "neither asked for nor in the ring"


def test_the_ring_is_asked_before_the_index(state: State) -> None:
    state.learn(INDEX, [turned(IMAGE, 1)])
    decided = state.decide([meet("a", near()), meet("b", near(turned(IMAGE, 1, 2), known=INDEX))])
    assert [(each.distance, each.known) for each in decided] == [(None, False), (2, False)]


def test_a_hash_that_is_none_is_refused(state: State) -> None:
    with pytest.raises(ValueError, match="8 bytes"):
        state.learn(INDEX, [IMAGE, b"short"])
    assert state.known(INDEX) == 0


def as_bits(hashes: Sequence[bytes]) -> NDArray[np.uint8]:
    return np.unpackbits(np.frombuffer(b"".join(hashes), np.uint8).reshape(-1, 8), axis=1)


def bits_between(image: bytes, others: Sequence[bytes]) -> NDArray[np.int_]:
    return np.asarray((as_bits([image]) != as_bits(others)).sum(axis=1))


def neighbours(dice: np.random.Generator, image: bytes, most_bits: int, number: int) -> list[bytes]:
    return [turned(image, *dice.permutation(64)[: dice.integers(0, most_bits)].tolist()) for _ in range(number)]


@pytest.mark.parametrize("most_bits", [0, 7, 8, 20, 64])
def test_distances_in_a_ring_are_those_that_numpy_counts(state: State, most_bits: int) -> None:
    """6,400 pairs each."""
    dice = np.random.default_rng(most_bits)
    hashes = sorted({*neighbours(dice, IMAGE, 24, 40), *(dice.bytes(8) for _ in range(40))})[:64]
    assert distances(state, *(meet(f"k{n}", near(one, most_bits=0)) for n, one in enumerate(hashes))) == [None] * 64
    asked = [*neighbours(dice, IMAGE, 30, 50), *(dice.bytes(8) for _ in range(50))]
    closest = [int(bits_between(one, hashes).min()) for one in asked]
    looking = [meet(f"a{n}", near(one, most_bits=most_bits, add=False)) for n, one in enumerate(asked)]
    assert distances(state, *looking) == [bits if bits <= most_bits else None for bits in closest]


def test_the_index_finds_what_its_bands_can_find(state: State) -> None:
    """Within 7 bits all of them; further away those of which one quarter differs in at most one bit."""
    dice = np.random.default_rng(7)
    hashes = [dice.bytes(8) for _ in range(500)]
    assert state.learn(INDEX, hashes) == 500
    asked = [one for image in hashes[:50] for one in neighbours(dice, image, 14, 4)]
    looking = [meet(f"a{n}", near(one, most_bits=12, add=False, known=INDEX)) for n, one in enumerate(asked)]
    expected: list[int | None] = []
    for one in asked:
        apart = as_bits([one]) != as_bits(hashes)
        found = apart.reshape(-1, 4, 16).sum(axis=2).min(axis=1) <= 1
        bits = int(np.where(found, apart.sum(axis=1), 65).min())
        expected.append(bits if bits <= 12 else None)
    assert distances(state, *looking) == expected
    assert None in expected
    assert expected.count(None) < 60


SIGHTS = st.tuples(
    st.sampled_from("pqrstuvw"),
    st.integers(0, 3),  # image: 2 bits between neighbours
    st.integers(0, 1),  # signature
    st.integers(0, 4),  # time, tens of seconds
    st.booleans(),  # add
    st.sampled_from(["instead", "drops", "said"]),
    CHARGES,
)


def model_meet(memos: dict[str, Decided], counters: dict[str, int], ring: list[bytes], asked: Undecided) -> Decided:
    """The port's five steps, on dictionaries and lists."""
    assert asked.near is not None
    there = memos.get(asked.memo_key)
    if there is not None:
        return there
    image, signature, time_s = struct.unpack(">8sII", asked.near.entry)
    entries = [struct.unpack(">8sII", entry) for entry in ring]
    fitting = [h for h, s, t in entries if s == signature and abs(t - time_s) <= asked.near.max_age_s]
    bits = min(bits_between(image, fitting).tolist(), default=65) if fitting else 65
    distance = bits if bits <= asked.near.most_bits else None
    otherwise = distance is not None and asked.instead is not None
    decision = asked.instead if otherwise and asked.instead is not None else asked.decision
    charges = asked.charges_instead if otherwise else asked.charges
    case = Undecided(asked.memo_key, decision, LONG_S, () if otherwise and asked.drops else charges)
    decided = model_decide(memos, counters, case)
    if asked.near.add and distance is None and decided.refused_by is None:
        ring.append(asked.near.entry)
        del ring[: -asked.near.size]
    memos[asked.memo_key] = replace(memos[asked.memo_key], distance=distance)
    return replace(decided, distance=distance)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(batches=st.lists(st.lists(SIGHTS, max_size=6), max_size=5))
def test_decide_does_what_the_five_steps_say(state: State, batches: list[list[Any]]) -> None:
    place = uuid.uuid4().hex
    memos: dict[str, Decided] = {}
    counters: dict[str, int] = {}
    ring: list[bytes] = []
    for batch in batches:
        asked = [in_place(place, *sight) for sight in batch]
        assert list(state.decide(asked)) == [model_meet(memos, counters, ring, each) for each in asked]
    for key, expected in memos.items():
        assert state.memo(key) == expected


def in_place(
    place: str, memo: str, image: int, signature: int, tens: int, add: bool, then: str, charges: tuple[Charge, ...]
) -> Undecided:
    """A frame whose keys are all of one example."""
    paid = tuple(replace(c, key=f"lim:{{{place}}}:{c.name}") for c in charges)
    return Undecided(
        f"dec:{{{place}}}:{memo}",
        memo.encode(),
        LONG_S,
        paid,
        near(
            turned(IMAGE, *range(2 * image)),
            signature,
            NOON_S + 10 * tens,
            key=f"ring:{{{place}}}",
            most_bits=2,
            size=2,
            max_age_s=10,
            add=add,
        ),
        None if then == "said" else b"instead",
        paid[:1],
        drops=then == "drops",
    )
