"""Who audits, who is a user, and when a frame counts."""

from hypothesis import given
from hypothesis import strategies as st

from services.feedback.silence.audit import Exposed, Said, Story, TrackRecord

SEEN = Exposed(100, 200, "door-app")
AUDIT = Said(300, "rejected", "review", "ana", 0, exhaustive=True)
USER = Said(150, "rejected", "door-app", "station-3", 0)


def story(*said: Said, drawn_ms: int = 50, exposed: tuple[Exposed, ...] = (SEEN,)) -> Story:
    return Story(drawn_ms, exposed, tuple(sorted(said, key=lambda one: one.at_ms)))


def test_a_wrong_frame_to_which_a_user_objected_in_time() -> None:
    assert story(USER, AUDIT).as_of(1000) is True


def test_a_wrong_frame_to_which_nobody_objected() -> None:
    assert story(AUDIT).as_of(1000) is False


def test_an_objection_that_came_late_is_none() -> None:
    late = Said(201, "rejected", "door-app", "station-3", 0)
    assert story(late, AUDIT).as_of(1000) is False


def test_a_user_alone_audits_nothing() -> None:
    assert story(USER).as_of(1000) is None


def test_who_audits_is_no_user_of_the_same_frame() -> None:
    """Without keys and names everybody is the same somebody: then nothing can be learned of users."""
    anybody = Said(150, "rejected", "local", None, 0)
    audit = Said(160, "missed", "local", None, None, exhaustive=True)
    assert story(anybody, audit, exposed=(Exposed(100, 200, "local"),)).as_of(1000) is False


def test_who_showed_nothing_is_no_user() -> None:
    assert story(Said(150, "rejected", "other-app", "kim", 0), AUDIT).as_of(1000) is False


def test_the_audits_latest_word_counts() -> None:
    right = Said(400, "confirmed", "review", "ben", None, exhaustive=True)
    assert [story(AUDIT, right).as_of(at) for at in (299, 300, 399, 400)] == [None, False, False, None]
    one_box = Said(400, "confirmed", "review", "ben", 1, exhaustive=True)
    assert story(AUDIT, one_box).as_of(400) is False


def test_a_frame_counts_when_it_was_drawn_and_its_time_is_over() -> None:
    early = Said(120, "rejected", "review", "ana", 0, exhaustive=True)
    assert [story(early).as_of(at) for at in (120, 199, 200)] == [None, None, False]
    assert [story(early, drawn_ms=500).as_of(at) for at in (499, 500)] == [None, False]
    assert story(early, exposed=()).as_of(1000) is None


TIMES = st.integers(0, 30)
SAID = st.builds(
    Said,
    TIMES,
    st.sampled_from(["confirmed", "rejected", "missed", "corrected", "unsure"]),
    st.sampled_from(["app", "review"]),
    st.sampled_from([None, "ana"]),
    st.sampled_from([None, 0]),
    st.booleans(),
)
SHOWN = st.builds(lambda at, span: Exposed(at, at + span, "app"), TIMES, st.integers(0, 10))
STORIES = st.builds(
    lambda drawn, exposed, said: Story(drawn, tuple(exposed), tuple(sorted(said, key=lambda one: one.at_ms))),
    TIMES,
    st.lists(SHOWN, max_size=1),
    st.lists(SAID, max_size=6),
)


@given(st.lists(STORIES, max_size=8), st.lists(STORIES, max_size=3), TIMES)
def test_the_record_of_a_moment_is_what_was_so_then_and_nothing_later_changes_it(
    stories: list[Story], later: list[Story], now_ms: int
) -> None:
    states = [one.as_of(now_ms) for one in stories]
    expected = states.count(True), len(states) - states.count(None)
    assert TrackRecord(stories).as_of(now_ms) == expected
    known = [Story(one.drawn_ms, one.exposed, tuple(s for s in one.said if s.at_ms <= now_ms)) for one in stories]
    new = [Story(one.drawn_ms + 31, one.exposed, one.said) for one in later]
    assert TrackRecord([*known, *new]).as_of(now_ms) == expected
