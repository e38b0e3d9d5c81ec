"""The body of a verdict: whatever comes, it is a request or an InvalidRequest that names a place."""

import json
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.feedback.exposures.request import parse_bulk as parse_exposures
from services.feedback.frames.request import parse as parse_frame
from services.feedback.refusals import InvalidRequest
from services.feedback.verdicts.request import LabelRequest, VerdictRequest, parse

COMMON = {
    "prediction_id": st.text(min_size=1, max_size=64),
    "reviewer": st.one_of(st.none(), st.text(max_size=200)),
    "note": st.one_of(st.none(), st.text(max_size=200)),
}
INDEXES = st.integers(0, 2**63 - 1)
BOXES = st.tuples(st.floats(0, 9), st.floats(0, 9), st.floats(10, 99), st.floats(10, 99))
LABELS = st.builds(LabelRequest, class_name=st.sampled_from(["cat", "dog"]), box=st.one_of(st.none(), BOXES))
REQUESTS = st.one_of(
    st.builds(VerdictRequest, kind=st.just("confirmed"), detection_index=st.one_of(st.none(), INDEXES), **COMMON),
    st.builds(VerdictRequest, kind=st.just("corrected"), detection_index=INDEXES, label=LABELS, **COMMON),
    st.builds(VerdictRequest, kind=st.just("corrected"), labels=st.lists(LABELS, max_size=3).map(tuple), **COMMON),
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda inner: st.one_of(
        st.lists(inner), st.dictionaries(st.sampled_from([*VerdictRequest.model_fields, "x"]), inner)
    ),
)


@given(st.one_of(st.binary(), JSON.map(lambda value: json.dumps(value).encode())))
def test_anything_else_is_an_invalid_request(body: bytes) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse(body)
    assert caught.value.where


@given(REQUESTS, st.randoms())
def test_order_and_spaces_do_not_change_the_fingerprint(request_: VerdictRequest, random: Random) -> None:
    fields = list(request_.model_dump(mode="json", exclude_none=True, exclude={"boxes"}).items())
    random.shuffle(fields)
    again = parse(json.dumps(dict(fields), indent=3).encode())
    assert again == request_
    assert again.fingerprint == request_.fingerprint


def test_a_body_of_before_there_were_corrections_keeps_its_fingerprint() -> None:
    """A client that asks again across an update makes the same verdict."""
    confirmed = parse(b'{"prediction_id": "0-4711-1f0a9c3e", "kind": "confirmed"}')
    assert confirmed.fingerprint == "7eeab3c1146879730608c7795b46a188"


@given(REQUESTS, REQUESTS)
def test_another_content_is_another_fingerprint(one: VerdictRequest, other: VerdictRequest) -> None:
    assert (one == other) == (one.fingerprint == other.fingerprint)


@pytest.mark.parametrize("body", [b"{", b"[]", b"null", b'{"note": "\\ud800"}'])
def test_what_is_wrong_with_the_whole_is_said_of_the_body(body: bytes) -> None:
    """Not of a field `message`, which there is none of."""
    with pytest.raises(InvalidRequest, match=r"^body: ") as caught:
        parse(body)
    assert caught.value.where == "body"


def test_a_frames_part_is_named_as_it_is_called() -> None:
    with pytest.raises(InvalidRequest, match=r"^about: ") as caught:
        parse_frame(b"{")
    assert caught.value.where == "about"


def test_one_of_many_that_is_no_exposure_is_named_by_its_number() -> None:
    (wrong,) = parse_exposures(b'{"exposures": [7]}')
    assert isinstance(wrong, InvalidRequest)
    assert (wrong.where, str(wrong).partition(" ")[0]) == ("exposures.0", "exposures.0:")
