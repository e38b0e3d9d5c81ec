"""An answer that was taken back while it waited: nobody sends it, neither an element that was moved nor another one."""

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Gleaner
from tests.browser.test_delivery import KEPT
from tests.browser.test_verdict_button import Visit, press, says
from tests.unit.services.feedback.conftest import Site

LONGER_THAN_ANY_PAUSE_MS = 120_000
LEAVES_AND_COMES_BACK = """async () => {
    const button = document.querySelector("gleaner-verdict"), parent = button.parentElement;
    button.remove();
    await Promise.resolve().then(() => {});
    parent.append(button);
}"""
GETS_A_TWIN = """() => {
    const button = document.querySelector("gleaner-verdict");
    button.before(button.cloneNode());
}"""


@pytest.mark.parametrize("happens", [LEAVES_AND_COMES_BACK, GETS_A_TWIN])
def test_what_was_taken_back_is_not_sent(site: Site, gleaner: Gleaner, visit: Visit, happens: str) -> None:
    page = visit(gleaner.asking(site.prediction()[0]))
    page.clock.install()
    gleaner.stop()
    press(page, "Right")
    says(page, KEPT)
    page.evaluate(happens)
    button = page.locator("gleaner-verdict").first
    expect(button.get_by_role("status")).to_contain_text(KEPT)
    button.get_by_role("button", name="Change my answer").click()
    button.get_by_role("button", name="Not sure").click()
    expect(button.get_by_role("status")).to_contain_text(KEPT)
    gleaner.start()
    sent = _sent(page)
    page.clock.run_for(LONGER_THAN_ANY_PAUSE_MS)
    expect(button.get_by_role("status")).to_contain_text("Thank you")
    assert set(sent) == {"unsure"}
    assert {one.kind for one in site.verdicts()} == {"unsure"}


def _sent(page: Page) -> list[str]:
    """What kinds of verdict the page asks the server to take, from now on."""
    kinds: list[str] = []

    def note(route: Route) -> None:
        kinds.append((route.request.post_data_json or {})["kind"])
        route.continue_()

    page.route("**/v1/verdicts", note)
    return kinds
