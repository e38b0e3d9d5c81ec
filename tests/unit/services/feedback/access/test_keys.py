"""Who is calling?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.feedback.access.caller import LOCAL
from services.feedback.access.keys import Keys, hash_of, new_key
from services.feedback.config import ApiKey, FeedbackOptions
from services.feedback.refusals import NotAuthenticated

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
