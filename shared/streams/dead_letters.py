"""`<stream>.dlq`: what could not be processed, kept whole (a frame: by reference), with the cause.

Promises: key and value bytes unchanged, original headers kept, the cause in `__connect.errors.*` headers as Kafka Connect
writes them (DeadLetterQueueReporter), so that its tools read them too.
"""

import json
import traceback
from typing import Literal

from shared.streams.record import Headers, NewRecord, Record
from shared.streams.stream import DAY_S, Stream

DLQ_SUFFIX = ".dlq"
PREFIX = "__connect.errors."
MAX_STACKTRACE_BYTES = 4096
CAUSE_BYTES = 65_536
Stage = Literal["VALUE_CONVERTER", "TRANSFORMATION", "TASK_PUT"]


def dead_letter_stream(of: Stream) -> Stream:
    return Stream(
        name=of.name + DLQ_SUFFIX,
        about=f"records of {of.name} that could not be processed",
        key=of.key,
        written_by=("any service",),
        read_by=("gleaner dead-letters",),
        decode=lambda record: record,
        retention_s=90 * DAY_S,
        # Room for the cause: a record of the largest size must have a place here too.
        max_message_bytes=of.max_message_bytes + CAUSE_BYTES,
    )


def new_dead_letter(record: Record, error: Exception, *, service: str, instance: str, stage: Stage) -> NewRecord:
    """The dead letter of a record. Frames go by reference: half a megabyte of garbage helps nobody."""
    raw_trace = "".join(traceback.format_exception(error)).encode("utf-8", "replace")
    trace = raw_trace[-MAX_STACKTRACE_BYTES:].decode("utf-8", "ignore")
    cause = {
        "topic": record.stream,
        "partition": str(record.partition),
        "offset": str(record.offset),
        "connector.name": service,
        "task.id": instance,
        "stage": stage,
        "class.name": service,
        "exception.class.name": type(error).__name__,
        "exception.message": str(error),
        "exception.stacktrace": trace,
    }
    headers: Headers = tuple((PREFIX + name, text.encode("utf-8", "replace")) for name, text in cause.items())
    return NewRecord(
        record.stream + DLQ_SUFFIX, record.key, _value(record), record.partition, (*record.headers, *headers)
    )


def _value(record: Record) -> bytes | None:
    if record.stream != "frames":
        return record.value
    where = {"stream": record.stream, "partition": record.partition, "offset": record.offset, "time_ms": record.time_ms}
    return json.dumps({**where, "size": len(record.value or b"")}).encode()
