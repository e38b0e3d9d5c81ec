"""Who is calling?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.feedback.access.caller import LOCAL
from services.feedback.access.keys import Keys, hash_of
from services.feedback.config import FeedbackOptions
from services.feedback.refusals import NotAllowed, NotAuthenticated

KEYS = Keys(FeedbackOptions.model_validate({"api_keys": {"app": "first", "other": "second"}}).api_keys)


def test_each_key_has_its_name() -> None:
    assert [KEYS.caller(b"first").name, KEYS.caller(b"second").name] == ["app", "other"]


@given(st.one_of(st.none(), st.binary().filter(lambda key: key not in (b"first", b"second"))))
def test_any_other_key_is_refused(key: bytes | None) -> None:
    with pytest.raises(NotAuthenticated):
        KEYS.caller(key)


@given(st.one_of(st.none(), st.binary()))
def test_without_keys_everybody_is_local(key: bytes | None) -> None:
    assert Keys({}).caller(key).name == LOCAL


def keys_of(**api_keys: object) -> Keys:
    return Keys(FeedbackOptions.model_validate({"api_keys": api_keys}).api_keys)


def test_a_key_as_it_always_was_may_judge_and_read_and_no_more() -> None:
    assert KEYS.caller(b"first").scopes == {"judge", "read"}


def test_what_may_be_said_of_a_key() -> None:
    keys = keys_of(
        plain={"key": "one"},
        hashed={"sha256": hash_of("two"), "scopes": ["admin"]},
        narrow={"key": "three", "scopes": ["judge"], "sources": ["door*", "porch"]},
    )
    assert [keys.caller(key).name for key in (b"one", b"two", b"three")] == ["plain", "hashed", "narrow"]
    narrow = keys.caller(b"three")
    assert [narrow.sees(source) for source in ("door-1", "porch", "porch-2", "Door")] == [True, True, False, False]
    with pytest.raises(NotAllowed):
        narrow.check_scope("read")
    keys.caller(b"two").check_scope("judge")


def test_the_hash_itself_is_no_key() -> None:
    with pytest.raises(NotAuthenticated):
        keys_of(app={"sha256": hash_of("two")}).caller(hash_of("two").encode())


def test_no_key_is_held() -> None:
    assert "first" not in repr(vars(KEYS))
