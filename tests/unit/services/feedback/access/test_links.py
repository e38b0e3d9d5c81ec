"""Signed links: only what was signed is taken, whatever is changed in it."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.feedback.access.keys import Keys
from services.feedback.access.links import DOMAIN, MOST_TOKEN_CHARS, Grant, Links
from services.feedback.config import LINK_PREFIX, FeedbackOptions
from services.feedback.refusals import LinkExpired, NotAuthenticated
from shared.streams import ids

SALT = b"a salt of at least sixteen bytes"
KEYS = Keys(FeedbackOptions.model_validate({"api_keys": {"app": "first", "other": "second"}}).api_keys)
LINKS = Links(KEYS, SALT)
GRANT = Grant(prediction_id="0-1-deadbeef", by="app", expires_ms=1_000, may=("judge",), reviewer="Ana Ñandú")
TOKEN = LINKS.token(GRANT)


def test_a_token_says_what_was_signed() -> None:
    caller = LINKS.caller(TOKEN, 999)
    assert (caller.name, caller.prediction_id, caller.may) == ("app", "0-1-deadbeef", frozenset({"judge"}))
    assert (caller.reviewer, caller.is_link) == ("Ana Ñandú", True)
    assert "first" not in TOKEN


@given(st.integers(len(LINK_PREFIX), len(TOKEN) - 1), st.characters(min_codepoint=33, max_codepoint=255))
def test_no_character_of_it_may_change(at: int, char: str) -> None:
    changed = TOKEN[:at] + char + TOKEN[at + 1 :]
    if changed != TOKEN:
        with pytest.raises(NotAuthenticated):
            LINKS.caller(changed, 0)


@given(st.text(max_size=200))
def test_nothing_else_is_a_token(text: str) -> None:
    with pytest.raises(NotAuthenticated):
        LINKS.caller(LINK_PREFIX + text, 0)


def test_it_ends_to_the_millisecond() -> None:
    LINKS.caller(TOKEN, 999)
    with pytest.raises(LinkExpired):
        LINKS.caller(TOKEN, 1_000)


def test_a_forged_one_is_not_told_that_it_has_expired() -> None:
    mine = Links(KEYS, b"another salt of sixteen bytes").token(GRANT)
    with pytest.raises(NotAuthenticated) as caught:
        LINKS.caller(mine, 10_000)
    assert not isinstance(caught.value, LinkExpired)


def test_one_maker_cannot_sign_for_another() -> None:
    theirs = LINKS.token(GRANT.model_copy(update={"by": "other"}))
    mixed = f"{TOKEN.rpartition('.')[0]}.{theirs.rpartition('.')[2]}"
    with pytest.raises(NotAuthenticated):
        LINKS.caller(mixed, 0)


def test_a_long_one_is_refused() -> None:
    with pytest.raises(NotAuthenticated):
        LINKS.caller(TOKEN + "A" * MOST_TOKEN_CHARS, 0)


def test_no_draw_is_made_in_the_domain_of_links() -> None:
    """The same words under the same salt, as a draw hashes them, and as links do."""
    plain = hashlib.blake2b(b"x", key=SALT, digest_size=32).digest()
    assert hashlib.blake2b(b"x", key=SALT, person=DOMAIN, digest_size=32).digest() != plain
    assert ids.draw(SALT, "link", "app", "x") == ids.draw(SALT, "link", "app", "x")
