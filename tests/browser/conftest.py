"""A site whose feedback answers on a port of its own, somebody else's site, and a Chromium that visits them."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from services.feedback.config import FeedbackConfig
from services.feedback.server import listen, serve, url
from tests.browser import chromium
from tests.browser.host import Host, button, hosting
from tests.unit.services.feedback.conftest import Site

KEY = "a-key-for-tests"
LISTEN = """
window.told = [];
for (const name of ["gleaner-verdict", "gleaner-exposure"])
  document.addEventListener(name, (event) => window.told.push({ name, ...event.detail }));
document.addEventListener("securitypolicyviolation", (event) => window.told.push({ violated: event.effectiveDirective }));
"""


class Gleaner:
    """Feedback, as it runs in production, on one port through all its starts and stops."""

    def __init__(self, site: Site, host: Host) -> None:
        self._site = site
        self._host = host
        self._stop = threading.Event()
        self._thread = ThreadPoolExecutor(1)
        self._done: Future[None] | None = None
        with listen(self._config(0).feedback) as found:  # a port that is free, and stays ours while nobody listens
            self.address = url(found)

    def start(self) -> None:
        config = self._config(int(self.address.rpartition(":")[2]))
        self._stop.clear()
        self._done = self._thread.submit(serve, config, self._site, self._stop, listen(config.feedback))

    def stop(self) -> None:
        self._stop.set()
        if self._done is not None:
            self._done.result(timeout=20)

    def link(self, prediction_id: str, expires_in_s: int = 600) -> str:
        """The token of a signed link, as an application's server asks for it."""
        wanted = {"prediction_id": prediction_id, "expires_in_s": expires_in_s, "may": ["judge", "expose"]}
        answer = httpx.post(f"{self.address}/v1/links", json=wanted, headers={"Authorization": f"Bearer {KEY}"})
        return str(answer.raise_for_status().json()["token"])

    def asking(self, prediction_id: str, **attributes: str) -> str:
        """The address of a page of the host's that asks about this prediction, by link if nothing else is said."""
        credentials = {} if {"link", "api_key"} & set(attributes) else {"link": self.link(prediction_id)}
        return self._host.page(self.address, button(**{"prediction_id": prediction_id, **credentials, **attributes}))

    def close(self) -> None:
        self.stop()
        self._thread.shutdown()

    def _config(self, port: int) -> FeedbackConfig:
        keys = {"door-app": {"key": KEY, "scopes": ["judge"]}}
        folder = self._site.folder / "feedback"
        options = {"port": port, "api_keys": keys, "origins": [self._host.origin], "folder": folder}
        return FeedbackConfig.model_validate({"feedback": options})


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One for all tests of this folder and none for those after it: Playwright keeps an event loop in the main thread."""
    with chromium.running(chromium.require()) as running:
        yield running


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    opened = Site(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def host() -> Iterator[Host]:
    with hosting() as running:
        yield running


@pytest.fixture
def gleaner(site: Site, host: Host) -> Iterator[Gleaner]:
    """It runs; stop and start it at will."""
    running = Gleaner(site, host)
    running.start()
    yield running
    running.close()


@contextmanager
def visiting(browser: Browser, **options: Any) -> Iterator[BrowserContext]:
    """A person's browser: fresh storage; what the button tells, and each breach of a page's policy, is in `window.told`."""
    context = browser.new_context(viewport={"width": 800, "height": 600}, **options)
    context.set_default_timeout(10_000)
    context.add_init_script(LISTEN)
    yield context
    context.close()


@pytest.fixture
def person(browser: Browser) -> Iterator[BrowserContext]:
    with visiting(browser) as context:
        yield context


@pytest.fixture
def visit(person: BrowserContext) -> Callable[[str], Page]:
    """Opens a page."""

    def opened(address: str) -> Page:
        page = person.new_page()
        page.goto(address)
        return page

    return opened
