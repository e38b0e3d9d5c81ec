"""The page that shows the button: a pill counter whose count looks wrong."""

from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Gleaner, visiting
from tests.browser.test_verdict_button import Visit, press, says
from tests.unit.services.feedback.conftest import Site


def address(gleaner: Gleaner, prediction_id: str, link: str) -> str:
    return f"{gleaner.address}/examples/pill-counter#prediction_id={prediction_id}&link={link}"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width_px", [320, 1280])
def test_a_count_that_looks_wrong_becomes_a_verdict(
    site: Site, gleaner: Gleaner, browser: Browser, scheme: Any, width_px: int
) -> None:
    prediction_id, _ = site.prediction()
    with visiting(browser, color_scheme=scheme) as person:
        page = person.new_page()
        wrong: list[str] = []
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.set_viewport_size({"width": width_px, "height": 800})
        page.goto(address(gleaner, prediction_id, gleaner.link(prediction_id)))
        found = page.locator(".dot").count()
        expect(page.locator("#count")).to_have_text(str(found))
        expect(page.locator(".pill")).to_have_count(found + 1)
        assert page.evaluate("document.documentElement.scrollWidth") <= width_px
        press(page, "This count looks wrong", "Too few counted")
        says(page, "Thank you")
        assert wrong == []
    assert [(one.prediction_id, one.kind) for one in site.verdicts()] == [(prediction_id, "missed")]


def test_the_same_prediction_shows_the_same_tray(gleaner: Gleaner, visit: Visit) -> None:
    trays = {name: [visit(address(gleaner, name, "x")).locator("svg").inner_html() for _ in range(2)] for name in "ab"}
    assert trays["a"][0] == trays["a"][1] != trays["b"][0]


def test_what_its_address_says_is_never_run(site: Site, gleaner: Gleaner, visit: Visit) -> None:
    page = visit(address(gleaner, "<img src=x onerror=window.pwned=1>", "x") + "&server=javascript:window.pwned=1")
    press(page, "This count looks wrong", "Too few counted")
    says(page, "Not recorded")
    assert page.evaluate("window.pwned") is None


def test_without_a_prediction_it_says_what_is_lacking(gleaner: Gleaner, visit: Visit) -> None:
    says(visit(f"{gleaner.address}/examples/pill-counter"), "There is nothing to judge")
