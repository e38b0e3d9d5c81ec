"""Pages of the newest predictions: found wherever the source lies, bounded, and whole across pages."""

from collections.abc import Iterator

import pytest

from services.feedback.access.caller import Caller
from services.feedback.recent import looking_back, places
from services.feedback.recent.looking_back import Page
from services.feedback.recent.recent import Recent
from services.feedback.recent.wanted import Wanted
from services.feedback.refusals import InvalidRequest
from shared.errors import Unavailable
from shared.streams.murmur2 import partition_of
from tests.unit.services.feedback.conftest import Site
from tests.unit.services.feedback.recent.test_tail import predicted

ANYBODY = Caller("local")
DOOR = Wanted(ANYBODY, frozenset(["door"]))
HOME = partition_of(b"door", 2)


@pytest.fixture
def recent(site: Site) -> Iterator[Recent]:
    opened = Recent(site.log, timeout_s=5.0)
    yield opened
    opened.close()


def ids_of(page: Page) -> list[str]:
    return [one.prediction_id for one in page.found]


def test_the_newest_first_and_page_by_page_each_once(site: Site, recent: Recent) -> None:
    sent = []
    for number in range(25):
        sent.append(predicted(site, "door", HOME))
        predicted(site, "yard", number % 2)
    page = recent.page("door", DOOR, 10, None)
    found = ids_of(page)
    while page.before is not None:
        assert page.complete
        predicted(site, "door", HOME)  # what comes meanwhile moves no page
        page = recent.page("door", DOOR, 10, page.before)
        found += ids_of(page)
    assert found == sent[::-1]


def test_a_source_is_found_where_another_partitioner_put_it(site: Site, recent: Recent) -> None:
    for _ in range(5):
        predicted(site, "yard", HOME)
    elsewhere = predicted(site, "door", 1 - HOME)
    page = recent.page("door", DOOR, 10, None)
    assert (ids_of(page), page.before, page.complete) == ([elsewhere], None, True)


def test_also_when_its_last_prediction_lies_far_back(
    site: Site, recent: Recent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "TAIL", 3)
    elsewhere = predicted(site, "door", 1 - HOME)
    for _ in range(5):
        predicted(site, "yard", 1 - HOME)
    assert ids_of(recent.page("door", DOOR, 10, None)) == [elsewhere]


def test_a_source_that_was_never_there_is_known_to_be_none(site: Site, recent: Recent) -> None:
    predicted(site, "yard", 0)
    assert recent.page("door", DOOR, 10, None) == Page([], None, True)


def test_who_asks_for_what_is_far_back_gets_it_in_several_requests(
    site: Site, recent: Recent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking_back, "FIRST_BLOCK", 2)
    monkeypatch.setattr(looking_back, "MOST_RECORDS", 6)
    oldest = predicted(site, "door", HOME)
    for _ in range(15):
        predicted(site, "yard", HOME)
    newest = predicted(site, "door", HOME)
    page = recent.page("door", DOOR, 10, None)
    assert (ids_of(page), page.complete) == ([newest], False)
    found = ids_of(page)
    while page.before is not None:
        page = recent.page("door", DOOR, 10, page.before)
        found += ids_of(page)
    assert (found, page.complete) == ([newest, oldest], True)


def test_pages_that_found_nothing_go_on_to_the_other_partitions(
    site: Site, recent: Recent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The likely partition takes several requests; it is another one where the source lies."""
    monkeypatch.setattr(places, "TAIL", 3)
    monkeypatch.setattr(looking_back, "FIRST_BLOCK", 2)
    monkeypatch.setattr(looking_back, "MOST_RECORDS", 6)
    elsewhere = predicted(site, "door", 1 - HOME)
    for number in range(20):
        predicted(site, "yard" if number < 15 else "gate", HOME if number < 15 else 1 - HOME)
    page = recent.page("door", DOOR, 10, None)
    assert (page.found, page.complete) == ([], False)
    while page.before is not None and not page.found:
        page = recent.page("door", DOOR, 10, page.before)
    assert (ids_of(page), page.complete) == ([elsewhere], True)


def test_a_model_or_a_role_alone(site: Site, recent: Recent) -> None:
    live, shadow = predicted(site, "door", HOME), predicted(site, "door", HOME, role="shadow")
    for role, expected in (("live", [live]), ("shadow", [shadow]), (None, [shadow, live])):
        assert ids_of(recent.page("door", Wanted(ANYBODY, frozenset(["door"]), role=role), 10, None)) == expected
    other = Wanted(ANYBODY, frozenset(["door"]), model_id="other")
    assert recent.page("door", other, 10, None) == Page([], None, True)


@pytest.mark.parametrize("cursor", ["", "x", "0", "0-", "-1-2", "0-1-2", "٣-4", "0-" + "9" * 19, "7-1"])
def test_what_is_no_cursor_of_ours_is_refused(site: Site, recent: Recent, cursor: str) -> None:
    with pytest.raises(InvalidRequest):
        recent.page("door", DOOR, 10, cursor)


def test_a_huge_cursor_is_the_end(site: Site, recent: Recent) -> None:
    newest = predicted(site, "door", HOME)
    assert ids_of(recent.page("door", DOOR, 10, f"{HOME}-{'9' * 18}")) == [newest]


def test_no_log_is_unavailable(site: Site, recent: Recent) -> None:
    site.log.close()
    with pytest.raises(Unavailable):
        recent.page("door", DOOR, 10, None)


def test_sources_are_those_that_were_met_the_latest_first(
    site: Site, recent: Recent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "FRESH_S", 0.0)
    predicted(site, "yard", 0)
    site.now_ms += 1_000
    predicted(site, "door", 1)
    assert [(one.source_id, one.partition) for one in recent.sources(ANYBODY)] == [("door", 1), ("yard", 0)]
    site.now_ms += 1_000
    predicted(site, "yard", 0)
    assert [one.source_id for one in recent.sources(ANYBODY)] == ["yard", "door"]
    assert [one.source_id for one in recent.sources(Caller("porch", sources=("do*",)))] == ["door"]


def test_no_more_sources_are_remembered_than_so_many(
    site: Site, recent: Recent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "MAX_SOURCES", 3)
    for number in range(6):
        predicted(site, f"door-{number}", 0)
    assert {one.source_id for one in recent.sources(ANYBODY)} == {"door-3", "door-4", "door-5"}
