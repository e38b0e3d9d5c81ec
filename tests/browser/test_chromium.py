"""Without a Chromium the browser tests are skipped with the reason, and in CI they fail."""

from pathlib import Path

import pytest

from tests.browser import chromium


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No program is on the PATH, so none can be installed either."""
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.usefixtures("nowhere")
def test_skipped_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "")
    with pytest.raises(pytest.skip.Exception, match="no Chromium: expected chromium"):
        chromium.require()


@pytest.mark.usefixtures("nowhere")
def test_failed_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="CI needs a real Chromium"):
        chromium.require()
