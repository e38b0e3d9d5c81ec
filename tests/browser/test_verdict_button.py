"""The verdict button on a page of another origin, in a real Chromium: what people press is what the log has."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import KEY, Gleaner
from tests.unit.services.feedback.conftest import HOUR_S, Site

Visit = Callable[[str], Page]
CHOICES = [
    (["Right"], "confirmed", None),
    (["Not sure"], "unsure", None),
    (["This looks wrong", "Something marked is not there"], "rejected", "false_positive"),
    (["This looks wrong", "It is something else"], "rejected", "wrong_class"),
    (["This looks wrong", "The box is off"], "rejected", "bad_box"),
    (["This looks wrong", "Something was missed"], "missed", None),
    (["This looks wrong", "Back", "Right"], "confirmed", None),
]


def press(page: Page, *names: str) -> None:
    for name in names:
        page.get_by_role("button", name=name, exact=True).click()


def says(page: Page, text: str) -> None:
    expect(page.get_by_role("status")).to_contain_text(text)


@pytest.mark.parametrize(("pressed", "kind", "reason"), CHOICES, ids=[" > ".join(one[0]) for one in CHOICES])
def test_what_is_pressed_is_what_the_log_has(
    site: Site, gleaner: Gleaner, visit: Visit, pressed: list[str], kind: str, reason: str | None
) -> None:
    prediction_id, _ = site.prediction()
    page = visit(gleaner.asking(prediction_id, reviewer="ana"))
    press(page, *pressed)
    says(page, "Thank you")
    (verdict,) = site.verdicts()
    assert (verdict.prediction_id, verdict.kind, verdict.reason) == (prediction_id, kind, reason)
    assert (verdict.reviewer, verdict.detection_index) == ("ana", None)
    (told,) = page.evaluate("told")
    assert (told["state"], told["verdict_id"], told["kind"]) == ("accepted", verdict.verdict_id, kind)


def test_an_answer_can_be_changed_and_both_are_in_the_log(site: Site, gleaner: Gleaner, visit: Visit) -> None:
    page = visit(gleaner.asking(site.prediction()[0]))
    press(page, "Right")
    says(page, "Thank you")
    press(page, "Change my answer", "Not sure")
    says(page, "Thank you")
    assert [verdict.kind for verdict in site.verdicts()] == ["confirmed", "unsure"]


def test_one_detection_is_judged_and_nothing_can_be_missed_of_it(site: Site, gleaner: Gleaner, visit: Visit) -> None:
    prediction_id, _ = site.prediction()
    page = visit(gleaner.asking(prediction_id, detection_index="1"))
    press(page, "This looks wrong")
    expect(page.get_by_role("button", name="Something was missed")).to_have_count(0)
    press(page, "The box is off")
    says(page, "Thank you")
    assert [(one.reason, one.detection_index) for one in site.verdicts()] == [("bad_box", 1)]


def test_a_count_is_too_high_or_too_low(site: Site, gleaner: Gleaner, visit: Visit) -> None:
    address = gleaner.asking(site.prediction()[0], mode="count")
    for name in ("Too many counted", "Too few counted"):
        page = visit(address)
        press(page, "This count looks wrong", name)
        says(page, "Thank you")
    assert [(one.kind, one.reason) for one in site.verdicts()] == [("rejected", "false_positive"), ("missed", None)]


def test_a_page_says_it_in_its_own_words(site: Site, gleaner: Gleaner, visit: Visit) -> None:
    words = {"text_right": "Stimmt", "text_accepted": "Danke, notiert.", "text_question": "Stimmt das?"}
    page = visit(gleaner.asking(site.prediction()[0], **words))
    expect(page.get_by_role("group", name="Stimmt das?")).to_be_visible()
    press(page, "Stimmt")
    says(page, "Danke, notiert.")


def test_another_prediction_in_the_same_element_is_asked_anew(site: Site, gleaner: Gleaner, visit: Visit) -> None:
    first, second = site.prediction()[0], site.prediction()[0]
    page = visit(gleaner.asking(first))
    press(page, "Right")
    says(page, "Thank you")
    page.evaluate(
        """({ id, link }) => {
            const element = document.querySelector("gleaner-verdict");
            element.setAttribute("prediction-id", id);
            element.setAttribute("link", link);
        }""",
        {"id": second, "link": gleaner.link(second)},
    )
    press(page, "Not sure")
    says(page, "Thank you")
    assert {one.prediction_id: one.kind for one in site.verdicts()} == {first: "confirmed", second: "unsure"}


def test_moving_the_element_changes_nothing(site: Site, gleaner: Gleaner, visit: Visit) -> None:
    page = visit(gleaner.asking(site.prediction()[0]))
    press(page, "This looks wrong")
    page.evaluate("document.body.prepend(document.querySelector('gleaner-verdict'))")
    press(page, "The box is off")
    says(page, "Thank you")


class TestRefused:
    def test_what_is_gone_is_refused_with_the_servers_reason(self, site: Site, gleaner: Gleaner, visit: Visit) -> None:
        prediction_id, _ = site.prediction()
        site.later(7 * HOUR_S)
        page = visit(gleaner.asking(prediction_id))
        press(page, "Right")
        says(page, "Not recorded: the image is gone")
        assert [(one["state"], one["status"]) for one in page.evaluate("told")] == [("refused", 410)]
        assert page.evaluate("localStorage.length") == 0
        assert site.verdicts() == []
        press(page, "Try again")
        expect(page.get_by_role("button", name="Right", exact=True)).to_be_visible()

    def test_a_wrong_key_is_said(self, site: Site, gleaner: Gleaner, visit: Visit) -> None:
        page = visit(gleaner.asking(site.prediction()[0], api_key="wrong"))
        press(page, "Right")
        says(page, "Not recorded: expected an API key")

    def test_a_page_that_names_no_prediction_asks_nothing(self, gleaner: Gleaner, visit: Visit) -> None:
        page = visit(gleaner.asking("", api_key=KEY))
        says(page, "There is nothing to judge")
        expect(page.get_by_role("button")).to_have_count(0)


class TestLinks:
    def test_a_link_is_for_one_prediction(self, site: Site, gleaner: Gleaner, visit: Visit) -> None:
        other, mine = site.prediction()[0], site.prediction()[0]
        page = visit(gleaner.asking(other, link=gleaner.link(mine)))
        press(page, "Right")
        says(page, "Not recorded: this link is for another prediction")
        assert site.verdicts() == []

    def test_a_link_that_is_over_is_refused(self, site: Site, gleaner: Gleaner, visit: Visit) -> None:
        prediction_id, _ = site.prediction()
        page = visit(gleaner.asking(prediction_id, link=gleaner.link(prediction_id, expires_in_s=1)))
        page.wait_for_function("began => Date.now() > began + 1000", arg=site.clock.now_ms())
        press(page, "Right")
        says(page, "Not recorded: this link")
        assert site.verdicts() == []

    def test_a_newer_link_takes_the_place_of_one_that_is_over(self, site: Site, gleaner: Gleaner, visit: Visit) -> None:
        prediction_id, _ = site.prediction()
        page = visit(gleaner.asking(prediction_id, link="link.of.nobody"))
        press(page, "Right")
        says(page, "Not recorded")
        fresh = gleaner.link(prediction_id)
        page.evaluate("token => document.querySelector('gleaner-verdict').setAttribute('link', token)", fresh)
        press(page, "Try again", "Right")
        says(page, "Thank you")
        (verdict,) = site.verdicts()
        assert verdict.caller == "door-app", "the key that made the link"


HOSTILE = [
    {"prediction_id": '"><img src=x onerror=window.pwned=1>'},
    {
        "text_sending": "<script>window.pwned=1</script>",
        "text_refused": "<img src=x onerror=window.pwned=1>",
        "api_key": "x",
    },
    {"server": "javascript:window.pwned=1"},
    {"server": "data:text/html,<script>window.pwned=1</script>"},
    {"api_key": "not\u2603latin", "reviewer": "<b onclick=window.pwned=1>" + "\u202e" * 300},
    {"detection_index": "constructor"},
    {"detection_index": "-1", "mode": "__proto__"},
    {"prediction_id": "../../v1/links?x=#"},
]


@pytest.mark.parametrize("attributes", HOSTILE)
def test_hostile_attributes_are_words_and_end_in_a_refusal(
    site: Site, gleaner: Gleaner, visit: Visit, attributes: dict[str, str]
) -> None:
    usual = {"prediction_id": site.prediction()[0], "api_key": KEY, "text_right": "<i>Right</i>"}
    page = visit(gleaner.asking(**{**usual, **attributes}))
    press(page, "<i>Right</i>")
    says(page, attributes.get("text_refused", "Not recorded:"))
    assert page.evaluate("window.pwned") is None
    tags = page.evaluate(
        "[...document.querySelector('gleaner-verdict').shadowRoot.querySelectorAll('*')].map(one => one.localName)"
    )
    assert set(tags) == {"div", "p", "button"}
    assert {one.get("state") for one in page.evaluate("told")} == {"refused"}, "and no breach of the page's policy"
    assert site.verdicts() == []
