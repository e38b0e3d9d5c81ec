"""Settling: looks again and again for deadlines that are over, and writes the affirmations.

Promises: a deadline is settled when every partition of `verdicts` and `samples` was read past it, in log time, or to its end
once the processing clock is past it too. Killed at any moment, or done by two at once, it ends with the same affirmations:
what they say is derived. A lease keeps all replicas but one from trying.
"""

import os
import threading
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path

from services.feedback.sending import Sending
from services.feedback.silence.affirming import affirmation
from services.feedback.silence.audit import TrackRecord
from services.feedback.silence.heard import Heard, Waiting
from services.feedback.silence.options import SilenceOptions
from shared.errors import RecordGone, Unavailable
from shared.ports import Clock, Log, State
from shared.runtime.retry import Backoff
from shared.streams.keys import silence_lease_key
from shared.streams.verdicts import new_verdict
from shared.telemetry import logs, metrics

EVERY_S = 10.0
LEASE_S = 30
TOGETHER = 200
"""Affirmations on their way at once: each carries its prediction."""


class Settling:
    """Start it, close it. `step` is one round, for whoever drives it himself."""

    def __init__(
        self,
        path: Path,
        log: Log,
        state: State,
        sending: Sending,
        clock: Clock,
        options: SilenceOptions,
        *,
        collection: str,
        excluded: Collection[str] = (),
        every_s: float = EVERY_S,
    ) -> None:
        self._heard = Heard(path, log, collection, excluded)
        self._state = state
        self._sending = sending
        self._clock = clock
        self._grace_ms = options.grace_s * 1000
        self._collection = collection
        self._every_s = every_s
        self.name = os.urandom(16).hex()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="silence", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Ends within a second or two; what is half done is done again by whoever comes next."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10.0)
        else:
            self._heard.close()

    def step(self) -> int:
        """How many affirmations were written. Raises Unavailable: the next step does it all again."""
        if not self._leads():
            return 0
        now_ms = self._clock.now_ms()  # before the ends are asked for: what comes later has a later log time
        if not self._heard.catch_up(self._stop.is_set):
            return 0
        return self._settle(max(now_ms - self._grace_ms, self._heard.read_past_ms()))

    def _settle(self, before_ms: int) -> int:
        written, record = 0, None
        while due := self._heard.due(before_ms, TOGETHER):
            record = record or TrackRecord(self._heard.stories())
            self._affirm(due, record)
            self._heard.settle(one.key for one in due)
            written += len(due)
            if self._stop.is_set():
                return written
        self._heard.settle_before(before_ms)
        return written

    def _affirm(self, due: Sequence[Waiting], record: TrackRecord) -> None:
        """Durable when it returns."""
        exposures = [(self._heard.shown(one), one.until_ms) for one in due]
        verdicts = [affirmation(self._collection, shown, until_ms, record) for shown, until_ms in exposures]
        self._sending.send_all([new_verdict(verdict) for verdict in verdicts])
        metrics.VERDICTS.labels("affirmed").inc(len(verdicts))
        logs.get().info("silence.affirmed", predictions=len(verdicts))

    def _leads(self) -> bool:
        key, ours = silence_lease_key(self._collection), self.name.encode()
        if self._state.put_if_absent(key, ours, LEASE_S) != ours:
            return False
        self._state.put(key, ours, LEASE_S)
        return True

    def _run(self) -> None:
        backoff = Backoff()
        while not self._stop.is_set():
            try:
                self.step()
                backoff.reset()
                wait_s = self._every_s
            except (Unavailable, RecordGone) as error:  # gone: the stream was made anew, which the next step sees
                logs.get().warning("silence.waiting", why=str(error))
                wait_s = backoff.next_s()
            self._stop.wait(wait_s)
        self._heard.close()
        with suppress(Unavailable):  # it ends by itself, too
            self._let_go()

    def _let_go(self) -> None:
        """Whoever waits for the lease need not wait for its end."""
        key = silence_lease_key(self._collection)
        if self._state.get(key) == self.name.encode():
            self._state.put(key, b"", 1)
