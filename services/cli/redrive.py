"""Redrive: the original record of a dead letter, published once more on its stream and partition.

Promises: key, value and headers as they were, without the causes that were added. A frame is read again by its reference, and
only the very record that is meant is taken. The stream is the dead letter's own, whatever its headers say.
"""

import json
from concurrent.futures import Future

from services.cli.dead_letter import DeadLetter
from shared.errors import Expired, GleanerError, InvalidMessage, NeverWritten, Unavailable
from shared.ports.log import Log
from shared.streams import DLQ_SUFFIX, FRAMES
from shared.streams.dead_letters import PREFIX
from shared.streams.record import NewRecord, Record

TIMEOUT_S = 60.0


class NotRedriven(GleanerError):
    """The original cannot be published again; says why."""


def redriven(log: Log, letter: DeadLetter) -> Record:
    """The record as it lies in the log now. Raises NotRedriven, Unavailable."""
    producer = log.producer()
    try:
        future = producer.send(original(log, letter))
        return _durable(future)
    except InvalidMessage as error:
        raise NotRedriven(f"the log does not take it: {error}") from error
    finally:
        producer.close()


def original(log: Log, letter: DeadLetter) -> NewRecord:
    """The record that could not be processed. Raises NotRedriven when it is a frame that has gone."""
    record = letter.record
    stream = record.stream.removesuffix(DLQ_SUFFIX)
    headers = tuple((name, value) for name, value in record.headers if not name.startswith(PREFIX))
    value = _frame(log, letter) if stream == FRAMES.name else record.value
    return NewRecord(stream, record.key, value, record.partition, headers)


def _durable(future: "Future[Record]") -> Record:
    try:
        return future.result(TIMEOUT_S)
    except TimeoutError as error:
        raise Unavailable("log", f"no acknowledgement within {TIMEOUT_S:g} s; look before you try again") from error


def _frame(log: Log, letter: DeadLetter) -> bytes | None:
    partition, offset, time_ms, size = _reference(letter)
    reader = log.reader()
    try:
        record = reader.read(FRAMES.name, partition, offset)
    except (Expired, NeverWritten) as error:
        raise NotRedriven(
            f"the frame is gone: {FRAMES.name} keeps its records for {(FRAMES.retention_s or 0) // 3600} h, "
            f"and the dead letter holds only where it was ({FRAMES.name}/{partition}@{offset})"
        ) from error
    finally:
        reader.close()
    if (record.time_ms, len(record.value or b"")) != (time_ms, size):
        raise NotRedriven(f"another frame lies at {record.where} now: the stream was made anew since")
    return record.value


def _reference(letter: DeadLetter) -> tuple[int, int, int, int]:
    """(partition, offset, time_ms, size)."""
    try:
        told = json.loads(letter.record.value or b"")
        partition, offset, time_ms, size = (told[name] for name in ("partition", "offset", "time_ms", "size"))
        if not all(isinstance(number, int) and number >= 0 for number in (partition, offset, time_ms, size)):
            raise ValueError("a negative number or none")
        if partition != letter.record.partition:
            raise ValueError(f"partition {partition} in a dead letter of partition {letter.record.partition}")
    except (ValueError, KeyError, TypeError) as error:
        raise NotRedriven(f"the dead letter {letter.record.where} holds no reference to a frame: {error}") from error
    return partition, offset, time_ms, size
