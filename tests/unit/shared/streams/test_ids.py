"""Ids and draws: the reference values that every stored dataset rests on, and the properties behind them."""

import json
from collections.abc import Callable
from pathlib import Path
from statistics import mean
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.streams import ids, keys

REFERENCE = Path(__file__).parents[3] / "contract" / "messages" / "ids.json"
CASES: list[dict[str, Any]] = json.loads(REFERENCE.read_text(encoding="utf-8"))
SALT = b"a salt for the tests only"
FRAME = ids.make_id("frame", "any")


def _draw(salt: str, purpose: str, collection: str, strategy: str, what: list[str]) -> float:
    return ids.draw(salt.encode(), purpose, collection, strategy, *what)


def _dice(salt: str, purpose: str, collection: str, strategy: str, what: list[str]) -> float:
    return ids.Dice(salt.encode(), purpose, collection, strategy)(*what)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "make_id": lambda parts: ids.make_id(*parts),
    "frame_id": ids.frame_id,
    "frame_checksum": ids.frame_checksum,
    "prediction_id": ids.prediction_id,
    "sample_id": ids.sample_id,
    "verdict_id": ids.verdict_id,
    "draw": _draw,
    "Dice": _dice,
    "share_of": ids.share_of,
    "salt_fingerprint": lambda salt: ids.salt_fingerprint(salt.encode()),
    "union": lambda probabilities: ids.union(probabilities),
    "safe": keys.safe,
    "memo_key": keys.memo_key,
    "kept_key": keys.kept_key,
    "verdict_key": keys.verdict_key,
    "limit_key": keys.limit_key,
    "confirmed_key": keys.confirmed_key,
    "ring_key": keys.ring_key,
    "sharpness_key": keys.sharpness_key,
    "want_key": keys.want_key,
    "plan_key": keys.plan_key,
    "factors_key": keys.factors_key,
    "totals_key": keys.totals_key,
    "plan_state_key": keys.plan_state_key,
    "known_key": keys.known_key,
    "buffered_image": lambda **arguments: keys.buffered_image(**arguments).model_dump(),
    "held_image": lambda of, **arguments: keys.held_image(keys.buffered_image(**of), **arguments).model_dump(),
    "held_key": keys.held_key,
    "held_sidecar": keys.held_sidecar,
    "held_until": keys.held_until,
    "day_of": keys.day_of,
    "silence_lease_key": keys.silence_lease_key,
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["function"])
def test_reference_values_never_change(case: dict[str, Any]) -> None:
    assert FUNCTIONS[case["function"]](**case["arguments"]) == case["value"]


def test_every_function_that_makes_an_id_or_a_key_has_a_reference_value() -> None:
    public = {
        name
        for module in (ids, keys)
        for name, value in vars(module).items()
        if callable(value) and getattr(value, "__module__", "") == module.__name__ and not name.startswith("_")
    }
    assert public - {"parse_prediction_id"} == {case["function"] for case in CASES} == set(FUNCTIONS)


PARTS = st.lists(st.text(max_size=6), min_size=1, max_size=4)


@given(one=PARTS, other=PARTS)
def test_other_parts_give_another_id_however_they_are_cut(one: list[str], other: list[str]) -> None:
    assume(one != other)
    assert ids.make_id(*one) != ids.make_id(*other)


@given(text=st.text(min_size=1, max_size=8), data=st.data())
def test_the_cut_between_two_parts_matters(text: str, data: st.DataObject) -> None:
    cuts = st.integers(0, len(text))
    here, there = data.draw(cuts), data.draw(cuts)
    same = ids.make_id("kind", text[:here], text[here:]) == ids.make_id("kind", text[:there], text[there:])
    assert same == (here == there)


def test_text_and_its_utf_8_are_one_and_a_lone_surrogate_has_an_id_too() -> None:
    assert ids.make_id("kind", "门") == ids.make_id("kind", "门".encode())
    assert len(ids.make_id("kind", "\ud800")) == 32


@given(partition=st.integers(0, 10**9 - 1), offset=st.integers(0, 10**18 - 1), frame=st.text(max_size=40))
def test_a_prediction_id_says_where_the_prediction_lies(partition: int, offset: int, frame: str) -> None:
    parsed = ids.parse_prediction_id(ids.prediction_id(partition, offset, frame))
    assert parsed == (partition, offset, ids.frame_checksum(frame))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "--",
        "1-2",
        "1-2-3-4",
        "a-2-0123abcd",
        "1-b-0123abcd",
        "1-2-0123abc",
        "-1-2-0123abcd",
        "1-²-0123abcd",
        "9999999999-2-0123abcd",
        "1-9999999999999999999-0123abcd",
        "1- 2-0123abcd",
    ],
)
def test_what_is_no_prediction_id_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):
        ids.parse_prediction_id(text)


@given(what=st.text(), salt=st.binary(max_size=200))
def test_a_draw_lies_in_0_to_1_and_stays(what: str, salt: bytes) -> None:
    first = ids.draw(salt, "draw", "default", "random", what)
    assert 0.0 <= first < 1.0
    assert first == ids.draw(salt, "draw", "default", "random", what)


def test_the_largest_word_still_draws_below_1() -> None:
    assert ((2**64 - 1) >> 11) * 2.0**-53 < 1.0


def test_draws_are_uniform_and_independent_between_strategies() -> None:
    one, other = ([ids.draw(SALT, "draw", "default", name, str(i)) for i in range(20_000)] for name in ("a", "b"))
    tenths = [sum(tenth / 10 <= draw < (tenth + 1) / 10 for draw in one) for tenth in range(10)]
    # Each tenth is binomial(20,000, 0.1): 2,000 with a deviation of 42; five of them on either side.
    assert all(abs(count - 2_000) < 212 for count in tenths)
    assert abs(mean((x - 0.5) * (y - 0.5) for x, y in zip(one, other, strict=True)) * 12) < 5 / 20_000**0.5


def test_another_salt_is_another_draw() -> None:
    assert ids.draw(SALT, "draw", "c", "s", FRAME) != ids.draw(b"another salt of the tests", "draw", "c", "s", FRAME)


@given(st.text())
def test_a_safe_name_is_short_printable_and_one_path_segment(name: str) -> None:
    safe = keys.safe(name)
    assert safe.isascii()
    assert 0 < len(safe) <= 48
    assert set(safe) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
    assert safe[0] not in "-_"


@given(one=st.text(max_size=60), other=st.text(max_size=60))
def test_different_names_stay_different_when_made_safe(one: str, other: str) -> None:
    assume(one != other)
    assert keys.safe(one) != keys.safe(other)
