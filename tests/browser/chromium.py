"""Where the tests find a real Chromium: on the PATH, else installed from Debian.

Without one they are skipped with the reason, and in CI they fail.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

from deploy.native.tools import ToolMissing, ensure_debian

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def require() -> str:
    """The path of a Chromium; skips the test where there is none, and fails it in CI."""
    try:
        return ensure_debian("chromium", *NAMES)
    except (ToolMissing, RuntimeError) as error:  # RuntimeError: apt-get could not
        if os.environ.get("CI", "").lower() in ("1", "true"):
            pytest.fail(f"CI needs a real Chromium: {error}", pytrace=False)
        pytest.skip(f"no Chromium: {error}")


@contextmanager
def running(path: str) -> Iterator[Browser]:
    """A headless Chromium, until the block ends. Its sandbox needs a user other than root."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, chromium_sandbox=os.geteuid() != 0)
        yield browser
        browser.close()
