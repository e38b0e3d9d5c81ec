"""What the button does when the server does not answer: it says so, keeps the answer, and the answer counts once."""

import socket
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.browser.conftest import KEY, Gleaner
from tests.browser.host import Host, button
from tests.browser.test_verdict_button import Visit, press, says
from tests.unit.services.feedback.conftest import Site

KEPT = "Not sent yet: the server does not answer. Your answer is kept on this device"
UNTIL_TRIED_AGAIN_MS = 20_000


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that takes a connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def thanks(page: Page) -> None:
    """In time: an attempt has failed before."""
    expect(page.get_by_role("status")).to_contain_text("Thank you", timeout=UNTIL_TRIED_AGAIN_MS)


def stored(page: Page) -> str:
    kept: str = page.evaluate("JSON.stringify(localStorage)")
    return kept


def states(page: Page) -> list[str]:
    return [one["state"] for one in page.evaluate("told")]


def test_without_an_answer_nobody_is_thanked(
    site: Site, gleaner: Gleaner, host: Host, person: BrowserContext, silent: str
) -> None:
    page = person.new_page()
    page.goto(host.page(gleaner.address, button(prediction_id=site.prediction()[0], server=silent), also=silent))
    press(page, "Right")
    says(page, "Sending …")
    expect(page.get_by_role("button")).to_have_count(0)
    assert "confirmed" in stored(page), "a page that is closed now loses nothing"
    assert states(page) == []


def test_a_server_that_comes_back_gets_one_verdict(site: Site, gleaner: Gleaner, visit: Visit) -> None:
    page = visit(gleaner.asking(site.prediction()[0]))
    gleaner.stop()
    press(page, "Right")
    says(page, KEPT)
    assert site.verdicts() == []
    gleaner.start()
    thanks(page)
    assert [one.kind for one in site.verdicts()] == ["confirmed"]
    assert set(states(page)[:-1]) == {"kept"}
    assert states(page)[-1] == "accepted"
    assert stored(page) == "{}"


def test_what_is_unsent_survives_the_page_and_holds_no_credential(site: Site, gleaner: Gleaner, visit: Visit) -> None:
    address = gleaner.asking(site.prediction()[0])
    page = visit(address)
    gleaner.stop()
    press(page, "This looks wrong", "It is something else")
    says(page, KEPT)
    assert "link." not in stored(page)
    assert KEY not in stored(page)
    page.close()
    gleaner.start()
    page = visit(address)
    thanks(page)
    assert [one.reason for one in site.verdicts()] == ["wrong_class"]
    assert stored(page) == "{}"


def test_another_predictions_page_leaves_it_alone(site: Site, gleaner: Gleaner, visit: Visit) -> None:
    first = visit(gleaner.asking(site.prediction()[0]))
    gleaner.stop()
    press(first, "Right")
    says(first, KEPT)
    first.close()
    gleaner.start()
    other = visit(gleaner.asking(site.prediction()[0]))
    press(other, "Not sure")
    thanks(other)
    assert [one.kind for one in site.verdicts()] == ["unsure"]
    assert "confirmed" in stored(other)


def test_an_answer_that_was_changed_while_it_waited_is_not_sent(site: Site, gleaner: Gleaner, visit: Visit) -> None:
    page = visit(gleaner.asking(site.prediction()[0]))
    gleaner.stop()
    press(page, "Right")
    says(page, KEPT)
    press(page, "Change my answer", "Not sure")
    says(page, KEPT)
    gleaner.start()
    thanks(page)
    assert [one.kind for one in site.verdicts()] == ["unsure"]


def test_an_answer_that_got_lost_on_its_way_back_counts_once(site: Site, gleaner: Gleaner, visit: Visit) -> None:
    page = visit(gleaner.asking(site.prediction()[0]))
    attempts: list[str] = []

    def lost_once(route: Route) -> None:
        attempts.append(route.request.headers["idempotency-key"])
        if len(attempts) == 1:
            assert route.fetch().status == 202
            route.abort()
        else:
            route.continue_()

    page.route("**/v1/verdicts", lost_once)
    press(page, "Right")
    thanks(page)
    assert len(set(attempts)) == 1
    assert len(attempts) == 2
    assert len({one.verdict_id for one in site.verdicts()}) == 1


REFUSED_FOR_NOW = [
    (503, {"Retry-After": "2"}, 2.0),
    (429, {"Retry-After": "2"}, 2.0),
    (500, {}, 0.5),
    (503, {"Retry-After": "soon"}, 0.5),
]


@pytest.mark.parametrize(("status", "headers", "least_s"), REFUSED_FOR_NOW)
def test_a_server_that_says_later_is_asked_later(
    site: Site, gleaner: Gleaner, host: Host, visit: Visit, status: int, headers: dict[str, str], least_s: float
) -> None:
    page = visit(gleaner.asking(site.prediction()[0]))
    cors = {"Access-Control-Allow-Origin": host.origin, "Access-Control-Expose-Headers": "Retry-After"}
    times_ms: list[float] = []

    def later(route: Route) -> None:
        times_ms.append(page.evaluate("performance.now()"))
        route.fulfill(status=status, headers={**cors, **headers}, body="{}") if len(
            times_ms
        ) == 1 else route.continue_()

    page.route("**/v1/verdicts", later)
    press(page, "Right")
    says(page, KEPT)
    thanks(page)
    assert len(times_ms) == 2
    assert times_ms[1] - times_ms[0] >= least_s * 1000
    assert len(site.verdicts()) == 1


def test_a_full_device_is_not_said_to_keep_it(site: Site, gleaner: Gleaner, visit: Visit) -> None:
    page = visit(gleaner.asking(site.prediction()[0]))
    page.evaluate("""() => {
        const letter = (key) => JSON.stringify({ about: "", key, at: Date.now(), body: { prediction_id: "other" } });
        for (let n = 0; n < 50; n++) localStorage.setItem(`gleaner-verdict:${n}`, letter(`${n}`));
    }""")
    gleaner.stop()
    press(page, "Right")
    says(page, "Your answer is sent again while this page is open.")
    assert "confirmed" not in stored(page)
    gleaner.start()
    thanks(page)
    assert len(site.verdicts()) == 1


def test_what_is_too_old_or_no_letter_is_forgotten(site: Site, gleaner: Gleaner, visit: Visit) -> None:
    address = gleaner.asking(site.prediction()[0])
    page = visit(address)
    page.evaluate("""() => {
        localStorage.setItem("gleaner-verdict:old", JSON.stringify({ about: "", at: 1, body: { prediction_id: "x" } }));
        for (const [n, wrong] of ["{", "null", "7", "[]", '{"at": 1e300}'].entries())
            localStorage.setItem(`gleaner-verdict:${n}`, wrong);
        localStorage.setItem("somebody-elses", "stays");
    }""")
    page.reload()
    press(page, "Right")
    thanks(page)
    assert stored(page) == '{"somebody-elses":"stays"}'


def test_a_page_without_storage_keeps_it_in_memory(gleaner: Gleaner, host: Host, visit: Visit, site: Site) -> None:
    """A sandboxed page has no origin, and so no localStorage: to ask for it is an error."""
    body = button(prediction_id=site.prediction()[0], server="http://127.0.0.1:9")
    page = visit(host.page(gleaner.address, body, also="http://127.0.0.1:9; sandbox allow-scripts"))
    assert page.evaluate("(() => { try { return !!localStorage; } catch { return false; } })()") is False
    press(page, "Right")
    says(page, "Your answer is sent again while this page is open.")
