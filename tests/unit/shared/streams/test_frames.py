"""Frames: what any Kafka client may send, and which frame it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidMessage
from shared.streams.frames import MAX_FRAME_BYTES, MAX_SOURCE_ID_BYTES, UNNAMED_SOURCE, Frame, decode, new_frame
from shared.streams.record import Record
from tests.unit.shared.streams.making import TIME_MS, frame_record


@pytest.mark.parametrize("image", [None, b""])
def test_an_empty_frame_is_refused(image: bytes | None) -> None:
    with pytest.raises(InvalidMessage, match=r"frames/0@7 is empty"):
        decode(frame_record(image=image))


def test_a_frame_may_be_as_large_as_the_limit_and_no_larger() -> None:
    assert decode(frame_record(image=bytes(MAX_FRAME_BYTES))).ref.size == MAX_FRAME_BYTES
    with pytest.raises(InvalidMessage, match="has 2,000,001 bytes, at most 2,000,000"):
        decode(frame_record(image=bytes(MAX_FRAME_BYTES + 1)))


def test_a_key_that_is_no_utf_8_is_refused() -> None:
    with pytest.raises(InvalidMessage, match="is no UTF-8"):
        decode(frame_record(key=b"door\xff"))


@pytest.mark.parametrize("name", ["north/gate", "..", "north.gate:2", "cámara 门 🚪", "x" * 10_000, " ", "\x00"])
def test_a_source_may_have_any_name(name: str) -> None:
    assert decode(frame_record(key=name.encode())).source_id == name


def test_a_source_id_has_an_end() -> None:
    assert len(decode(frame_record(key=b"x" * MAX_SOURCE_ID_BYTES)).source_id) == MAX_SOURCE_ID_BYTES
    with pytest.raises(InvalidMessage, match="has 16,385 bytes, at most 16,384"):
        decode(frame_record(key=b"x" * (MAX_SOURCE_ID_BYTES + 1)))


@pytest.mark.parametrize("key", [None, b""])
def test_a_frame_without_a_key_has_a_source_too(key: bytes | None) -> None:
    assert decode(frame_record(key=key)).source_id == UNNAMED_SOURCE


def frame_id(image: bytes = b"pixels", own: str | None = "frame-1", offset: int = 7, key: bytes = b"door") -> str:
    headers = () if own is None else (("producer_frame_id", own.encode()),)
    return decode(frame_record(key, image, headers, offset)).ref.frame_id


def test_a_record_sent_again_under_its_own_id_is_the_same_frame() -> None:
    assert frame_id(offset=7) == frame_id(offset=8)


def test_an_id_used_again_for_other_pixels_is_another_frame() -> None:
    assert frame_id(image=b"before the reboot") != frame_id(image=b"after the reboot")


def test_one_id_of_two_sources_is_two_frames() -> None:
    assert frame_id(key=b"door") != frame_id(key=b"yard")


def test_without_an_id_of_its_own_a_frame_is_where_it_lies() -> None:
    assert frame_id(own=None, offset=7) == frame_id(own=None, offset=7)
    assert frame_id(own=None, offset=7) != frame_id(own=None, offset=8)


def test_the_reference_says_where_the_pixels_lie_and_what_they_are() -> None:
    ref = decode(frame_record(image=b"abc")).ref
    assert (ref.stream, ref.partition, ref.offset, ref.time_ms, ref.size) == ("frames", 0, 7, TIME_MS + 7, 3)
    assert ref.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_headers_come_back_as_they_were_sent() -> None:
    new = new_frame(
        "door",
        b"pixels",
        producer_frame_id="bild-№1",
        captured_at="2026-01-02T03:04:05Z",
        frame_index=0,
        content_type="image/png",
    )
    frame = decode(frame_record(new.key, new.value, new.headers))
    assert (frame.producer_frame_id, frame.captured_at) == ("bild-№1", "2026-01-02T03:04:05Z")
    assert (frame.frame_index, frame.content_type, frame.predicted_by) == (0, "image/png", None)
    assert new_frame("door", b"pixels").headers == ()


def test_of_two_headers_with_one_name_the_last_counts() -> None:
    frame = decode(frame_record(headers=(("captured_at", b"first"), ("captured_at", b"second"))))
    assert frame.captured_at == "second"


@pytest.mark.parametrize("index", [b"-1", b"1.5", b"", b"\xff", "²".encode(), b"9" * 19])
def test_an_index_that_is_no_whole_number_is_refused(index: bytes) -> None:
    with pytest.raises(InvalidMessage, match="frame_index at frames/0@7: expected a whole number"):
        decode(frame_record(headers=(("frame_index", index),)))


NAMES = st.sampled_from(["producer_frame_id", "captured_at", "frame_index", "content-type", "predicted_by", "other"])


@given(
    key=st.none() | st.binary(max_size=20),
    image=st.binary(max_size=20),
    headers=st.lists(st.tuples(NAMES, st.binary(max_size=20)), max_size=4).map(tuple),
    offset=st.integers(0, 2**63 - 2),  # the next one must be a number that the log can commit
)
def test_decode_gives_a_frame_or_invalid_message(
    key: bytes | None, image: bytes, headers: tuple[tuple[str, bytes], ...], offset: int
) -> None:
    try:
        frame = decode(Record("frames", 0, offset, TIME_MS, key, image, headers))
    except InvalidMessage:
        return
    assert isinstance(frame, Frame)
