"""The desk: everything that the routes need, opened once and closed once.

Promises: opening asks no server, so that one which is down stops no start.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import Protocol

from services.feedback.access.keys import Keys
from services.feedback.alarm import Alarm
from services.feedback.appraisal import Appraisals
from services.feedback.config import FeedbackConfig
from services.feedback.drawn_from import of_settings
from services.feedback.lookup.lookup import Lookup
from services.feedback.pictures import Pictures
from services.feedback.read_model import ReadModel
from services.feedback.recent.recent import Recent
from services.feedback.sending import Sending
from services.feedback.service import Feedback
from services.feedback.silence.settling import Settling
from shared.ports import Clock, Images, Log, State
from shared.runtime.pixels import FramePixels


class Closes(Protocol):
    """What is closed at the end."""

    def close(self) -> None: ...


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
    recent: Recent
    pictures: Pictures
    model: ReadModel
    appraisals: Appraisals


@contextmanager
def opened(config: FeedbackConfig, backend: Backend) -> Iterator[Desk]:
    """A desk, until the block ends. Closes what it opened, not the backend."""
    timeout_s = config.feedback.timeout_s
    with ExitStack() as stack:
        lookup = stack.enter_context(closing(Lookup(backend.log, backend.pixels, timeout_s)))
        sending = stack.enter_context(closing(Sending(backend.log, timeout_s)))
        feedback = stack.enter_context(closing(_feedback(config, backend, lookup, sending)))
        model = _read_model(config, backend)
        appraisals = Appraisals(model, backend.clock, config.timezone, of_settings(config.collections))
        alarm = Alarm(appraisals, config.collection, config.feedback.accuracy)
        settling = _settling(config, backend, sending)
        recent, pictures = Recent(backend.log, timeout_s), _pictures(config, backend)
        stack.callback(_close_together, recent, pictures, alarm, settling, model)
        for follower in (model, alarm, settling):
            follower.start()
        keys = Keys(config.feedback.api_keys)
        yield Desk(config, backend, keys, lookup, sending, feedback, recent, pictures, model, appraisals)


def _close_together(*parts: Closes) -> None:
    """At the same time: each may wait for a log that does not answer, and the drain has one limit for all of them."""
    with ThreadPoolExecutor(len(parts), thread_name_prefix="feedback-closing") as threads:
        for closed in [threads.submit(part.close) for part in parts]:
            closed.result()


def _feedback(config: FeedbackConfig, backend: Backend, lookup: Lookup, sending: Sending) -> Feedback:
    return Feedback(
        backend.log,
        backend.state,
        lookup,
        sending,
        backend.clock,
        collection=config.collection,
        timeout_s=config.feedback.timeout_s,
    )


def _pictures(config: FeedbackConfig, backend: Backend) -> Pictures:
    return Pictures(
        backend.log,
        backend.state,
        backend.images,
        backend.pixels,
        config.feedback.timeout_s,
        collections=config.all_collections,
        raw_images=config.raw_images,
    )


def _read_model(config: FeedbackConfig, backend: Backend) -> ReadModel:
    excluded = config.feedback.accuracy.exclude_reviewers
    return ReadModel(config.read_model_path, backend.log, backend.clock, backend.salt, excluded=excluded)


def _settling(config: FeedbackConfig, backend: Backend, sending: Sending) -> Settling:
    return Settling(
        config.silence_path,
        backend.log,
        backend.state,
        sending,
        backend.clock,
        config.feedback.silence,
        collection=config.collection,
        excluded=config.feedback.accuracy.exclude_reviewers,
    )
