import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sources.naming import checked_source_id, natural, readable, unique
from shared.errors import SettingsError


def test_natural_order_reads_numbers() -> None:
    names = ["frame10.jpg", "frame2.jpg", "Frame1.jpg", "a.jpg", "2.jpg", "10.jpg"]
    assert sorted(names, key=natural) == ["2.jpg", "10.jpg", "a.jpg", "Frame1.jpg", "frame2.jpg", "frame10.jpg"]


@given(st.lists(st.integers(min_value=0), min_size=1), st.text(max_size=5))
def test_natural_order_is_that_of_the_numbers(numbers: list[int], before: str) -> None:
    names = [f"{before} {number}.jpg" for number in numbers]
    assert sorted(names, key=natural) == [f"{before} {number}.jpg" for number in sorted(numbers)]


@given(st.lists(st.text(max_size=30), max_size=20))
def test_natural_order_compares_anything(names: list[str]) -> None:
    assert len(sorted(names, key=natural)) == len(names)


@given(st.lists(st.sampled_from(["door", "door-2", "door-3", "yard", "door-2-2"]) | st.text(min_size=1, max_size=8)))
def test_source_ids_are_unique(names: list[str]) -> None:
    ids = unique(names)
    assert len(set(ids)) == len(ids) == len(names)
    assert all(id_.startswith(name) for id_, name in zip(ids, names, strict=True))
    assert all(ids[names.index(name)] == name for name in names), "the first of a name keeps it"


def test_equal_names_are_numbered() -> None:
    assert unique(["door", "yard", "door", "door"]) == ["door", "yard", "door-2", "door-3"]
    assert unique(["door", "door", "door-2"]) == ["door", "door-3", "door-2"]


def test_file_names_that_are_no_utf8_become_readable() -> None:
    assert readable(os.fsdecode(b"caf\xe9")) == "caf\ufffd"
    assert readable("café") == "café"


@pytest.mark.parametrize("source_id", ["door/front", "..", "日本 カメラ", "a\nb", "x" * 10_000])
def test_any_text_is_a_source_id(source_id: str) -> None:
    assert checked_source_id(source_id) == source_id


@pytest.mark.parametrize("source_id", ["", "x" * 16_385, "é" * 8_193, "caf\udce9"])
def test_ids_that_no_key_holds_are_refused(source_id: str) -> None:
    with pytest.raises(SettingsError, match="source id"):
        checked_source_id(source_id)
