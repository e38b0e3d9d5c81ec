"""Dead letters: the record as it was, and the cause as Kafka Connect writes it."""

import json

import pytest

from shared.errors import InvalidMessage
from shared.streams import STREAMS
from shared.streams.dead_letters import MAX_STACKTRACE_BYTES, PREFIX, new_dead_letter
from shared.streams.record import NewRecord, Record
from tests.unit.shared.streams.making import TIME_MS, frame_record

VERDICT = Record("verdicts", 3, 88, TIME_MS, b"key\xff", b"no json\x00", (("traceparent", b"\x01\x02"), ("x", b"")))


def failure(message: str = "no Verdict at verdicts/3@88", depth: int = 1) -> Exception:
    """An error that was really raised, from that deep."""
    try:
        _raise(message, depth)
    except InvalidMessage as error:
        return error
    raise AssertionError("expected an error")


def _raise(message: str, depth: int) -> None:
    if depth > 1:
        _raise(message, depth - 1)
    raise InvalidMessage(message)


def dead(record: Record, error: Exception) -> tuple[NewRecord, dict[str, str]]:
    letter = new_dead_letter(record, error, service="sampler", instance="box-7", stage="VALUE_CONVERTER")
    return letter, {name: value.decode() for name, value in letter.headers if name.startswith(PREFIX)}


def test_key_value_and_headers_are_unchanged() -> None:
    letter, _ = dead(VERDICT, failure())
    assert (letter.stream, letter.partition) == ("verdicts.dlq", 3)
    assert (letter.key, letter.value) == (VERDICT.key, VERDICT.value)
    assert letter.headers[:2] == VERDICT.headers


def test_the_cause_is_written_as_kafka_connect_writes_it() -> None:
    _, cause = dead(VERDICT, failure())
    trace = cause.pop(PREFIX + "exception.stacktrace")
    assert cause == {
        PREFIX + "topic": "verdicts",
        PREFIX + "partition": "3",
        PREFIX + "offset": "88",
        PREFIX + "connector.name": "sampler",
        PREFIX + "task.id": "box-7",
        PREFIX + "stage": "VALUE_CONVERTER",
        PREFIX + "class.name": "sampler",
        PREFIX + "exception.class.name": "InvalidMessage",
        PREFIX + "exception.message": "no Verdict at verdicts/3@88",
    }
    assert "in _raise" in trace


def test_a_frame_goes_by_reference() -> None:
    letter, _ = dead(frame_record(image=b"no image at all"), failure())
    where = {"stream": "frames", "partition": 0, "offset": 7, "time_ms": TIME_MS + 7, "size": 15}
    assert json.loads(letter.value or b"") == where
    assert letter.key == b"door"


@pytest.mark.parametrize("message", ["plain " * 1000, pytest.param("门" * 6000, id="three bytes a letter")])
def test_the_stack_trace_is_cut_to_4_kib_and_keeps_its_end(message: str) -> None:
    letter, _ = dead(VERDICT, failure(message))
    trace = dict(letter.headers)[PREFIX + "exception.stacktrace"]
    assert MAX_STACKTRACE_BYTES - 8 < len(trace) <= MAX_STACKTRACE_BYTES
    assert trace.decode().rstrip().endswith(message[-10:].rstrip())


def test_an_error_that_was_never_raised_has_a_cause_too() -> None:
    _, cause = dead(VERDICT, InvalidMessage("lone surrogate \ud800"))
    assert cause[PREFIX + "exception.message"] == "lone surrogate ?"


@pytest.mark.parametrize("stream", [name for name in STREAMS if not name.endswith(".dlq")])
def test_every_stream_has_a_place_for_its_dead_letters(stream: str) -> None:
    place = STREAMS[f"{stream}.dlq"]
    assert place.fsync
    assert not place.compacted, "two dead letters with one key are two"
    assert place.decode(VERDICT) is VERDICT
