"""The desk: everything that the routes need, opened once and closed once.

Promises: opening asks no server, so that one which is down stops no start.
"""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import Protocol

from services.feedback.access.keys import Keys
from services.feedback.config import FeedbackConfig
from services.feedback.lookup import Lookup
from services.feedback.sending import Sending
from services.feedback.service import Feedback
from shared.ports import Clock, Images, Log, State
from shared.runtime.pixels import FramePixels


class Backend(Protocol):
    """What feedback needs of an open backend."""

    @property
    def log(self) -> Log: ...

    @property
    def state(self) -> State: ...

    @property
    def images(self) -> Images: ...

    @property
    def pixels(self) -> FramePixels: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def salt(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Desk:
    """What is open."""

    config: FeedbackConfig
    backend: Backend
    keys: Keys
    lookup: Lookup
    sending: Sending
    feedback: Feedback


@contextmanager
def opened(config: FeedbackConfig, backend: Backend) -> Iterator[Desk]:
    """A desk, until the block ends. Closes what it opened, not the backend."""
    timeout_s = config.feedback.timeout_s
    with ExitStack() as stack:
        lookup = stack.enter_context(closing(Lookup(backend.log, backend.pixels, timeout_s)))
        sending = stack.enter_context(closing(Sending(backend.log, timeout_s)))
        feedback = Feedback(
            backend.log,
            backend.state,
            lookup,
            sending,
            backend.clock,
            collection=config.collection,
            timeout_s=timeout_s,
        )
        stack.enter_context(closing(feedback))
        yield Desk(config, backend, Keys(config.feedback.api_keys), lookup, sending, feedback)
