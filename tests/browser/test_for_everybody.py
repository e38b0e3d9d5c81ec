"""The button is for everybody: by keyboard alone, in light and dark, on 320 px, and with nothing moving."""

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Gleaner, visiting
from tests.browser.test_verdict_button import Visit, press, says
from tests.unit.services.feedback.conftest import HOUR_S, Site

FOCUSED = """() => {
  const focused = document.activeElement?.shadowRoot?.activeElement;
  return focused && { text: focused.textContent, outline: getComputedStyle(focused).outlineStyle };
}"""
COLOURS = """() => [...document.querySelector('gleaner-verdict').shadowRoot.querySelectorAll('button')].map((button) => {
  const { color, backgroundColor, borderTopColor } = getComputedStyle(button);
  return [color, backgroundColor, borderTopColor].map((one) => one.match(/\\d+/g).slice(0, 3).map(Number));
})"""
LEAST_TEXT, LEAST_BORDER = 4.5, 3.0  # WCAG 2.2, 1.4.3 and 1.4.11
LEAST_TARGET_PX = 44


def luminance(colour: list[float]) -> float:
    """Relative luminance of an sRGB colour, as WCAG 2.2 defines it."""
    parts = [part / 255 for part in colour]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: list[float], other: list[float]) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def focused(page: Page) -> str:
    """What has the focus; it must be seen to have it."""
    found = page.evaluate(FOCUSED)
    assert found is not None, "the focus got lost"
    assert found["outline"] == "solid"
    return str(found["text"])


def test_by_keyboard_alone(site: Site, gleaner: Gleaner, visit: Visit) -> None:
    page = visit(gleaner.asking(site.prediction()[0]))
    expect(page.get_by_role("button")).to_have_count(3)
    page.keyboard.press("Tab")
    assert focused(page) == "Right"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert focused(page) == "What is wrong?"
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert focused(page) == "It is something else"
    page.keyboard.press("Space")
    says(page, "Thank you")
    assert focused(page) == "Thank you, it is recorded."
    assert [one.reason for one in site.verdicts()] == ["wrong_class"]
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert focused(page) == "Is this right?"


def test_a_key_that_is_held_down_judges_nothing(site: Site, gleaner: Gleaner, visit: Visit) -> None:
    """Enter presses a button again and again while it is held: the first reason must not lie under it."""
    page = visit(gleaner.asking(site.prediction()[0]))
    page.get_by_role("button", name="This looks wrong").focus()
    for _ in range(3):
        page.keyboard.down("Enter")
    page.keyboard.up("Enter")
    expect(page.get_by_role("button")).to_have_count(5)
    assert page.evaluate("told") == []


def test_trying_again_takes_nobodys_focus_away(site: Site, gleaner: Gleaner, visit: Visit) -> None:
    page = visit(gleaner.asking(site.prediction()[0]))
    gleaner.stop()
    press(page, "Right")
    says(page, "Not sent yet")
    page.keyboard.press("Tab")
    assert focused(page) == "Change my answer"
    page.wait_for_function("() => told.length >= 3")
    assert focused(page) == "Change my answer"


def test_what_happens_is_announced(site: Site, gleaner: Gleaner, visit: Visit) -> None:
    page = visit(gleaner.asking(site.prediction()[0]))
    expect(page.get_by_role("status")).to_have_count(1)
    expect(page.get_by_role("group", name="Is this right?")).to_be_visible()
    press(page, "This looks wrong")
    expect(page.get_by_role("group", name="What is wrong?")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_borders_stand_out(site: Site, gleaner: Gleaner, browser: Browser, scheme: Any) -> None:
    with visiting(browser, color_scheme=scheme) as person:
        page = person.new_page()
        page.goto(gleaner.asking(site.prediction()[0]))
        expect(page.get_by_role("button")).to_have_count(3)
        for text, surface, border in page.evaluate(COLOURS):
            assert (luminance(surface) > 0.5) == (scheme == "light")
            assert contrast(text, surface) >= LEAST_TEXT
            assert contrast(border, surface) >= LEAST_BORDER


def test_a_page_that_knows_no_dark_stays_light_and_may_choose_its_colours(
    site: Site, gleaner: Gleaner, browser: Browser
) -> None:
    address = gleaner.asking(site.prediction()[0])
    with visiting(browser, color_scheme="dark", reduced_motion="reduce") as person:
        page = person.new_page()
        page.goto(address)
        page.evaluate("document.querySelector('meta[name=color-scheme]').content = 'light'")
        assert luminance(page.evaluate(COLOURS)[0][1]) > 0.5
        page.evaluate("document.documentElement.style.setProperty('--gleaner-surface', 'rgb(1, 2, 3)')")
        assert page.evaluate(COLOURS)[0][1] == [1, 2, 3]


def test_a_narrow_phone_needs_no_scrolling_to_the_side(site: Site, gleaner: Gleaner, browser: Browser) -> None:
    prediction_id, _ = site.prediction()
    site.later(7 * HOUR_S)
    with visiting(browser, screen={"width": 320, "height": 568}, device_scale_factor=2, has_touch=True) as person:
        page = person.new_page()
        page.set_viewport_size({"width": 320, "height": 568})
        page.goto(gleaner.asking(prediction_id))
        fits(page, 3)
        press(page, "This looks wrong")
        fits(page, 5)
        press(page, "Something was missed")
        says(page, "Not recorded")
        fits(page, 1)


def fits(page: Page, buttons: int) -> None:
    found = page.get_by_role("button")
    expect(found).to_have_count(buttons)
    boxes = [box for one in found.all() if (box := one.bounding_box())]
    assert len(boxes) == buttons
    assert all(box["width"] >= LEAST_TARGET_PX and box["height"] >= LEAST_TARGET_PX for box in boxes)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


@pytest.mark.parametrize(("motion", "expected"), [("reduce", "0s"), ("no-preference", "0.15s")])
def test_nothing_moves_for_whom_it_disturbs(
    site: Site, gleaner: Gleaner, browser: Browser, motion: Any, expected: str
) -> None:
    with visiting(browser, reduced_motion=motion) as person:
        page = person.new_page()
        page.goto(gleaner.asking(site.prediction()[0]))
        right = page.get_by_role("button", name="Right", exact=True)
        assert right.evaluate("one => getComputedStyle(one).transitionDuration") == expected
