"""References: what a frame may say instead of being an image, and that the frame is the same one either way."""

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.errors import InvalidMessage
from shared.settings import ReferencesConfig
from shared.streams.frames import decode, new_frame
from shared.streams.references import CONTENT_TYPE, MAX_IMAGE_BYTES, Reference, check_place
from tests.unit.shared.streams.making import frame_record

IMAGE = b"\xff\xd8 pixels"
REFERENCE = Reference(uri="s3://cameras/yard/17.jpg", size=len(IMAGE), sha256=hashlib.sha256(IMAGE).hexdigest())
HEADER = (("content-type", CONTENT_TYPE.encode()),)


def body(**changes: Any) -> bytes:
    return json.dumps({**REFERENCE.model_dump(), **changes}).encode()


@pytest.mark.parametrize("headers", [HEADER, ()], ids=["by its header", "by its first byte"])
def test_a_reference_is_told_from_an_image(headers: tuple[tuple[str, bytes], ...]) -> None:
    frame = decode(frame_record(image=body(), headers=headers))
    assert (frame.reference, frame.image, frame.content_type) == (REFERENCE, b"", None)
    assert (frame.reference and frame.reference.bucket, frame.reference and frame.reference.key) == (
        "cameras",
        "yard/17.jpg",
    )


def test_by_value_or_by_reference_it_is_the_same_frame() -> None:
    own = (("producer_frame_id", b"frame-17"),)
    by_value = decode(frame_record(image=IMAGE, headers=own))
    by_reference = decode(frame_record(image=body(), headers=own))
    assert by_reference.ref == by_value.ref
    assert by_value.reference is None


def test_what_was_made_is_what_is_read() -> None:
    new = new_frame("yard", REFERENCE, producer_frame_id="17", content_type="image/jpeg", predicted_by="theirs")
    frame = decode(frame_record(new.key, new.value, new.headers))
    assert (frame.reference, frame.source_id, frame.predicted_by) == (REFERENCE, "yard", "theirs")


def test_fields_of_tomorrow_are_ignored() -> None:
    assert decode(frame_record(image=body(etag="abc"))).reference == REFERENCE


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"uri": "https://example.org/a.jpg"}, "expected s3://BUCKET/KEY"),
        ({"uri": "file:///etc/passwd"}, "expected s3://BUCKET/KEY"),
        ({"uri": "s3://cameras"}, "key"),
        ({"uri": "s3://cameras/"}, "key"),
        ({"uri": "s3:///etc/passwd"}, "bucket"),
        ({"uri": "s3://../etc/passwd"}, "bucket"),
        ({"uri": "s3://cameras/../other/a.jpg"}, "key"),
        ({"uri": "s3://user:password@cameras/a.jpg"}, "bucket"),
        ({"uri": 7}, "uri"),
        ({"size": 0}, "size"),
        ({"size": -1}, "size"),
        ({"size": 2**28 + 1}, "size"),
        ({"size": "many"}, "size"),
        ({"sha256": "0" * 63}, "sha256"),
        ({"sha256": REFERENCE.sha256.upper()}, "sha256"),
    ],
)
def test_a_reference_that_makes_no_sense_is_a_dead_letter_that_says_why(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidMessage, match=f"no reference at frames/0@7: .*{says}"):
        decode(frame_record(image=body(**changes), headers=HEADER))


@pytest.mark.parametrize("value", [b"{", b"{}", b"null", b"[]", b"\xff\xd8 an image after all", b"{" * 4000])
def test_what_is_no_reference_although_its_header_says_so_is_refused(value: bytes) -> None:
    with pytest.raises(InvalidMessage, match="no reference at"):
        decode(frame_record(image=value, headers=HEADER))


def test_a_reference_is_short() -> None:
    with pytest.raises(InvalidMessage, match=r"has 5,0\d\d bytes, at most 4,096 are taken"):
        decode(frame_record(image=body(padding="x" * 4_870)))


def test_the_settings_allow_what_a_reference_may_say_and_no_more() -> None:
    """Settings lie below the streams, so the two say it each for itself."""
    assert ReferencesConfig(max_bytes=MAX_IMAGE_BYTES, buckets=("a.b-9", "x" * 63)).max_bytes == MAX_IMAGE_BYTES
    for bucket in ("a.b-9", "x" * 63):
        check_place(bucket, "key")
    for wrong in ({"max_bytes": MAX_IMAGE_BYTES + 1}, {"buckets": ["ab"]}, {"buckets": ["-ab"]}, {"buckets": ["A-B"]}):
        with pytest.raises(ValidationError):
            ReferencesConfig.model_validate(wrong)


@given(st.text(max_size=30), st.text(max_size=60))
def test_a_place_that_is_taken_never_leads_out_of_its_bucket(bucket: str, key: str) -> None:
    try:
        check_place(bucket, key)
    except ValueError:
        return
    assert "/" not in bucket
    assert not {"", ".", ".."} & {bucket, *key.split("/")}
    assert key.isprintable() or not any(ord(char) < 32 for char in key)
