"""Logs: one JSON object a line, on stderr, so that a command's stdout stays its own."""

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest
import structlog

from shared.telemetry import logs


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def test_an_event_is_one_json_line_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("sampler", form="json")
    logs.get().info("sample.kept", sample_id="ab", partition=3)
    written = capsys.readouterr()
    assert written.out == ""
    event = json.loads(written.err)
    assert (event["event"], event["service"], event["level"]) == ("sample.kept", "sampler", "info")
    assert (event["sample_id"], event["partition"]) == ("ab", 3)
    assert event["timestamp"].endswith("Z")


def test_an_error_is_logged_with_its_trace_in_the_same_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("sampler", form="json")
    try:
        raise ValueError("seven")
    except ValueError:
        logs.get().exception("worker.failed")
    (line,) = capsys.readouterr().err.splitlines()
    assert "ValueError: seven" in json.loads(line)["exception"]


def test_what_is_below_the_level_is_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("sampler", level="WARNING", form="json")
    logs.get().info("offsets.committed")
    assert capsys.readouterr().err == ""


def test_text_is_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("sampler", form="text")
    logs.get().info("sample.kept", partition=3)
    written = capsys.readouterr().err
    assert "sample.kept" in written
    assert not written.lstrip().startswith("{")


def test_a_process_that_says_nothing_about_logs_keeps_its_stdout() -> None:
    code = "from shared.telemetry import logs; logs.get().warning('something')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == ""
    assert "something" in done.stderr
