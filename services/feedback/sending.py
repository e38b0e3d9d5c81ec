"""Sending: records into the log, durable before anybody is answered.

Promises: opened when it is first needed, so that a log that is down stops no start; every wait ends within the timeout.
"""

import threading
from collections.abc import Sequence
from concurrent.futures import Future

from services.feedback.lookup.readers import within
from shared.ports import Log, Producer
from shared.streams.record import NewRecord, Record


class Sending:
    """One producer for all threads."""

    def __init__(self, log: Log, timeout_s: float) -> None:
        self._log = log
        self._timeout_s = timeout_s
        self._opening = threading.Lock()
        self._producer: Producer | None = None

    def send(self, record: NewRecord) -> Record:
        """The record as the log has it. Raises InvalidMessage (too large), Unavailable."""
        return within(self._timeout_s, "log", self.begin(record))

    def send_all(self, records: Sequence[NewRecord]) -> list[Record]:
        """All of them, in order. What was durable before an error stays so: send the same again."""
        begun = [self.begin(record) for record in records]
        return [within(self._timeout_s, "log", future) for future in begun]

    def begin(self, record: NewRecord) -> "Future[Record]":
        return self._opened().send(record)

    def close(self) -> None:
        if self._producer is not None:
            self._producer.close()

    def _opened(self) -> Producer:
        with self._opening:
            if self._producer is None:
                self._producer = self._log.producer(timeout_s=self._timeout_s)
            return self._producer
