"""Together: what callers ask for at the same moment is worked on in one batch, on threads of its own.

Promises: a caller waits in the event loop, not on a thread; an answer comes within the timeout, as Unavailable if need be. A
batch is whatever has come while the one before was worked on: nobody waits for company.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from services.feedback.verdicts.case import Answer, Asked, Case
from shared.errors import Unavailable

LANES = 2
"""So that one batch that waits for a broker which is gone does not hold up what goes to another."""
MOST_JUDGEMENTS = 256
"""With so many a batch is full: each may hold megabytes."""


@dataclass(slots=True, eq=False)
class _Waiting:
    """A request's judgements, and where it waits for them."""

    asked: Sequence[Asked]
    loop: asyncio.AbstractEventLoop
    done: "asyncio.Future[None]"
    cases: Sequence[Case] = ()

    def finish(self) -> None:
        with suppress(RuntimeError):  # the loop was closed meanwhile: nobody waits any more
            self.loop.call_soon_threadsafe(_wake, self.done)


class Together:
    """Judges for an event loop: `begin` takes a batch. Close it when no call is left."""

    def __init__(self, begin: Callable[[Sequence[Asked]], Sequence[Case]], timeout_s: float) -> None:
        self._begin_all = begin
        self._timeout_s = timeout_s
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._threads = [
            threading.Thread(target=self._work, name=f"feedback-judging-{number}", daemon=True)
            for number in range(LANES)
        ]
        for thread in self._threads:
            thread.start()

    async def judge(self, asked: Sequence[Asked]) -> list[Answer]:
        """For each its verdict, durable, or why there is none."""
        loop = asyncio.get_running_loop()
        waiting = _Waiting(asked, loop, loop.create_future())
        self._queue.put(waiting)
        late = Unavailable("log", f"no answer within {self._timeout_s:g} s")
        try:
            async with asyncio.timeout(self._timeout_s):
                await waiting.done
        except TimeoutError:
            return [_outcome(case, late) for case in waiting.cases] or [late for _ in asked]
        return [_outcome(case, late) for case in waiting.cases]

    def close(self) -> None:
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join(self._timeout_s)

    def _work(self) -> None:
        while (first := self._queue.get()) is not None:
            batch, judgements = [first], len(first.asked)
            with suppress(Empty):
                while judgements < MOST_JUDGEMENTS:
                    if (more := self._queue.get_nowait()) is None:
                        self._queue.put(None)  # for the end of this thread, after what it has begun
                        break
                    batch.append(more)
                    judgements += len(more.asked)
            # Who gave up has its answer: while a log hangs their judgements would pile up before those who still wait.
            if waited_for := [waiting for waiting in batch if not waiting.done.done()]:
                self._begin(waited_for)

    def _begin(self, batch: Sequence[_Waiting]) -> None:
        try:
            cases = iter(self._begin_all([one for waiting in batch for one in waiting.asked]))
        except Exception as error:  # noqa: BLE001  whoever waits is told, whatever it was
            for waiting in batch:
                waiting.loop.call_soon_threadsafe(_fail, waiting.done, error)
            return
        for waiting in batch:
            waiting.cases = [next(cases) for _ in waiting.asked]
            _when_stored(waiting)


def _when_stored(waiting: _Waiting) -> None:
    """Finishes a request as soon as the last of its records is durable, or has failed."""
    sent = [case.stored for case in waiting.cases if case.refusal is None]
    left, counting = len(sent) + 1, threading.Lock()

    def one_less(_: object = None) -> None:
        nonlocal left
        with counting:
            left -= 1
            is_last = left == 0
        if is_last:
            waiting.finish()

    for stored in sent:
        stored.add_done_callback(one_less)
    one_less()


def _outcome(case: Case, late: Unavailable) -> Answer:
    """Without waiting: what is not stored by now is late."""
    if case.refusal is None and not case.stored.done():
        return late
    return case.outcome(0)


def _wake(done: "asyncio.Future[None]") -> None:
    if not done.done():
        done.set_result(None)


def _fail(done: "asyncio.Future[None]", error: Exception) -> None:
    if not done.done():
        done.set_exception(error)
