"""What counts as shown: only what a person could really see, for as long as they could, once per view of the page."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from shared.streams.verdicts import Shown
from tests.browser.conftest import KEY, Gleaner
from tests.browser.host import Host, button
from tests.browser.recorder import Recorder, recording
from tests.browser.test_verdict_button import Visit
from tests.unit.services.feedback.conftest import Site

LEAST_MS = 200
LOOKED_MS = 500
PICTURE = '<figure id="picture">a picture</figure>'
Open = Callable[..., Page]


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with recording() as running:
        yield running


@pytest.fixture
def open_page(gleaner: Gleaner, host: Host, visit: Visit, recorder: Recorder) -> Open:
    """A page with an element that tells exposures to the recorder."""

    def opened(before: str = "", **attributes: str) -> Page:
        usual = {
            "prediction_id": "0-1-deadbeef",
            "api_key": KEY,
            "exposure": "door-app",
            "min_visible_ms": str(LEAST_MS),
        }
        body = before + button(**{**usual, "server": recorder.address, **attributes})
        return visit(host.page(gleaner.address, body, also=recorder.address))

    return opened


def look(page: Page, for_ms: int = LOOKED_MS) -> None:
    """Lets the page be there so long by its own clock."""
    page.evaluate("ms => new Promise((resolve) => setTimeout(resolve, ms))", for_ms)


def leave(page: Page, recorder: Recorder) -> None:
    """Goes elsewhere in the same tab."""
    page.goto(recorder.address)


def ms_since(moment: datetime) -> float:
    return (datetime.now(UTC) - moment) / timedelta(milliseconds=1)


def told(recorder: Recorder) -> dict[str, Any]:
    path, body = recorder.next()
    assert path == "/v1/exposures"
    return body


def test_what_was_seen_is_told_when_the_page_goes(open_page: Open, recorder: Recorder) -> None:
    began = datetime.now(UTC)
    page = open_page()
    look(page)
    assert recorder.came() == [], "while it is looked at, nobody knows for how long it will be"
    leave(page, recorder)
    body = told(recorder)
    assert (body["prediction_id"], body["surface"]) == ("0-1-deadbeef", "door-app")
    assert LOOKED_MS - 100 <= body["visible_ms"] <= ms_since(began)
    assert began - timedelta(seconds=1) <= datetime.fromisoformat(body["shown_at"]) <= datetime.now(UTC)


def test_a_tab_that_is_closed_tells_too(open_page: Open, recorder: Recorder) -> None:
    page = open_page()
    look(page)
    page.close(run_before_unload=True)
    assert told(recorder)["visible_ms"] >= LOOKED_MS - 100


def test_a_glance_is_none(open_page: Open, recorder: Recorder) -> None:
    page = open_page(min_visible_ms="60000")
    look(page)
    leave(page, recorder)
    assert nothing_more(open_page, recorder)


def test_without_the_attribute_nothing_is_told(
    gleaner: Gleaner, host: Host, visit: Visit, open_page: Open, recorder: Recorder
) -> None:
    body = button(prediction_id="0-2-deadbeef", api_key=KEY, server=recorder.address, min_visible_ms="0")
    page = visit(host.page(gleaner.address, body, also=recorder.address))
    look(page)
    leave(page, recorder)
    assert nothing_more(open_page, recorder)


HIDING = [
    "one => { one.style.display = 'none' }",
    "one => { one.style.visibility = 'hidden' }",
    "one => { one.style.opacity = '0' }",
    "one => { one.style.position = 'absolute'; one.style.top = '5000px' }",
    "one => { one.style.height = '5000px' }",
]


@pytest.mark.parametrize("hide", HIDING)
def test_what_nobody_could_see_is_not_told(open_page: Open, recorder: Recorder, hide: str) -> None:
    """Hidden before the button began to look, so that not a moment counts."""
    page = open_page(PICTURE, exposure_of="nothing-yet", prediction_id="0-3-deadbeef")
    page.evaluate(f"({hide})(document.getElementById('picture'))")
    page.evaluate("""() => {
        const button = document.querySelector("gleaner-verdict");
        button.setAttribute("exposure-of", "picture");
        button.setAttribute("prediction-id", "0-4-deadbeef");
    }""")
    look(page)
    leave(page, recorder)
    assert nothing_more(open_page, recorder)


def test_the_picture_is_what_must_be_seen_not_the_button(open_page: Open, recorder: Recorder) -> None:
    page = open_page(PICTURE, exposure_of="picture")
    page.evaluate("document.querySelector('gleaner-verdict').style.marginTop = '5000px'")
    look(page)
    leave(page, recorder)
    assert told(recorder)["visible_ms"] >= LOOKED_MS - 100


def test_a_name_of_nothing_tells_nothing(open_page: Open, recorder: Recorder) -> None:
    page = open_page(exposure_of="no-such-id")
    look(page)
    leave(page, recorder)
    assert nothing_more(open_page, recorder)


def test_time_in_another_tab_does_not_count_and_a_view_is_told_once(open_page: Open, recorder: Recorder) -> None:
    page = open_page()
    look(page)
    hidden(page, True)
    assert told(recorder)["visible_ms"] >= LEAST_MS
    look(page)
    hidden(page, False)
    look(page)
    leave(page, recorder)
    assert nothing_more(open_page, recorder)


def test_time_before_a_tab_came_to_the_front_does_not_count(
    open_page: Open, recorder: Recorder, person: BrowserContext
) -> None:
    person.add_init_script("Object.defineProperty(document, 'hidden', { configurable: true, get: () => true })")
    page = open_page()
    look(page)
    seen_from = datetime.now(UTC)
    hidden(page, False)
    look(page)
    leave(page, recorder)
    assert told(recorder)["visible_ms"] <= ms_since(seen_from)


def test_time_before_it_was_uncovered_does_not_count(open_page: Open, recorder: Recorder) -> None:
    opened_at = datetime.now(UTC)
    page = open_page(PICTURE, exposure_of="picture")
    page.evaluate("document.getElementById('picture').hidden = true")
    seen_before_ms = ms_since(opened_at)  # a slow machine shows it for a moment
    look(page)
    seen_from = datetime.now(UTC)
    page.evaluate("document.getElementById('picture').hidden = false")
    look(page)
    leave(page, recorder)
    assert told(recorder)["visible_ms"] <= seen_before_ms + ms_since(seen_from)


def test_another_prediction_in_the_same_element_ends_the_first_ones_view(open_page: Open, recorder: Recorder) -> None:
    page = open_page()
    look(page)
    page.evaluate("document.querySelector('gleaner-verdict').setAttribute('prediction-id', '0-9-deadbeef')")
    assert told(recorder)["prediction_id"] == "0-1-deadbeef"
    look(page)
    page.evaluate("document.querySelector('gleaner-verdict').remove()")
    assert told(recorder)["prediction_id"] == "0-9-deadbeef"
    leave(page, recorder)
    assert nothing_more(open_page, recorder)


def hidden(page: Page, value: bool) -> None:
    """As if another tab came to the front: a headless browser has all of its tabs in front."""
    page.evaluate(
        """value => {
        Object.defineProperty(document, "hidden", { configurable: true, get: () => value });
        document.dispatchEvent(new Event("visibilitychange"));
    }""",
        value,
    )


def nothing_more(open_page: Open, recorder: Recorder) -> bool:
    """Nothing came before what a later page tells; requests overtake each other by no more than one page's life."""
    page = open_page(prediction_id="0-7-last")
    look(page)
    leave(page, recorder)
    return told(recorder)["prediction_id"] == "0-7-last" and recorder.came() == []


def test_feedback_takes_it(site: Site, gleaner: Gleaner, visit: Visit) -> None:
    prediction_id, _ = site.prediction()
    page = visit(gleaner.asking(prediction_id, exposure="door-app", reviewer="ana", min_visible_ms="1"))
    look(page)
    page.goto(f"{gleaner.address}/livez")
    shown = in_time(site)
    assert (shown.prediction_id, shown.surface, shown.viewer, shown.caller) == (
        prediction_id,
        "door-app",
        "ana",
        "door-app",
    )
    assert shown.visible_ms >= LOOKED_MS - 100


def in_time(site: Site, timeout_s: float = 10.0) -> Shown:
    """The first exposure in the log."""
    until_s = monotonic() + timeout_s
    while monotonic() < until_s:
        if found := [one for one in site.judged() if isinstance(one, Shown)]:
            return found[0]
    raise AssertionError(f"expected an exposure in the log within {timeout_s} s, found none")
