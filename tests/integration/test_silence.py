"""Silence on a real Kafka, with deadlines of seconds: exposures over HTTP's own path, objections early and late, settlers that
are killed and take over from each other. What is affirmed, and with which weight, is what the log's own times say.
"""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.feedback.access.caller import Caller
from services.feedback.exposures.exposures import Exposures
from services.feedback.exposures.request import ExposureRequest, Told
from services.feedback.lookup.lookup import Lookup
from services.feedback.sending import Sending
from services.feedback.silence.options import SilenceOptions
from services.feedback.silence.settling import Settling
from shared.adapters.cluster.kafka_log import KafkaLog
from shared.adapters.cluster.redis_state import RedisState
from shared.adapters.embedded.file_objects import FileObjects
from shared.runtime.clock import SystemClock
from shared.runtime.pixels import FramePixels
from shared.settings import ReferencesConfig
from shared.streams import ids
from shared.streams.predictions import Prediction, new_prediction
from shared.streams.verdicts import VERDICTS, Shown, Verdict, affirmed_id, new_verdict
from tests.hosts import samples
from tests.servers import Servers

pytestmark = [pytest.mark.servers, pytest.mark.slow]

PARTITIONS, PREDICTIONS = 3, 60
OBJECTION_S, GRACE_S = 4, 2
ENDS_S = 60.0
OPTIONS = SilenceOptions(hold=1.0, objection_s=OBJECTION_S, grace_s=GRACE_S)


class Stand:
    """A cluster, and feedback's parts on it."""

    def __init__(self, servers: Servers, folder: Path) -> None:
        name = f"silence-{time.time_ns()}."
        self.log, self.state = KafkaLog(servers.kafka.address, name), RedisState(servers.redis.url, name)
        self.log.apply(PARTITIONS)
        self.folder, self.clock = folder, SystemClock()
        pixels = FramePixels(FileObjects(folder / "objects"), ReferencesConfig(), self.clock)
        self.lookup, self.sending = Lookup(self.log, pixels, 20.0), Sending(self.log, 20.0)
        self.exposures = Exposures(
            self.lookup, self.sending, self.state, OPTIONS, salt=b"s" * 16, collection="default", timeout_s=20.0
        )

    def settling(self, replica: str) -> Settling:
        path = self.folder / f"{replica}.db"
        parts = (self.log, self.state, self.sending, self.clock, OPTIONS)
        return Settling(path, *parts, collection="default", every_s=0.3)

    def told(self) -> list[tuple[int, Shown | Verdict]]:
        """(log time, what), in the order of each partition."""
        reader = self.log.reader()
        found = [
            (record.time_ms, VERDICTS.decode(record))
            for partition, bounds in self.log.bounds(VERDICTS.name).items()
            for record in reader.scan(VERDICTS.name, partition, bounds.start, bounds.end)
        ]
        reader.close()
        return found

    def close(self) -> None:
        self.lookup.close()
        self.sending.close()
        self.state.close()
        self.log.close()


@pytest.fixture
def stand(servers: Servers, tmp_path: Path) -> Iterator[Stand]:
    made = Stand(servers, tmp_path)
    yield made
    made.close()


def test_what_was_not_objected_to_in_time_is_affirmed_once(stand: Stand) -> None:
    named = [_predicted(stand, number) for number in range(PREDICTIONS)]
    stand.exposures.take_all(
        Caller("app"), [Told(ExposureRequest(prediction_id=one, visible_ms=2_000)) for one, _ in named]
    )
    running = stand.settling("first")
    running.start()
    late = _object(stand, named, range(20))
    _until(lambda: bool(_affirmed(stand)), "the first affirmation")
    running.close()  # others take over, with files of their own
    _object(stand, named, late)
    takers = [stand.settling(f"next-{number}") for number in range(2)]
    for one in takers:
        one.start()
    takers[0].close()
    expected = _expected(stand)
    _until(lambda: _affirmed(stand).keys() >= expected, "all affirmations")
    for one in takers:
        one.close()
    assert _affirmed(stand).keys() == expected
    assert {verdict.silence.probability for verdict in _affirmed(stand).values() if verdict.silence} == {1.0}


def _predicted(stand: Stand, number: int) -> tuple[str, Prediction]:
    made = samples.prediction(number, number % PARTITIONS)
    record = stand.sending.send(new_prediction(made))
    return ids.prediction_id(record.partition, record.offset, made.frame.frame_id), made


def _object(stand: Stand, named: list[tuple[str, Prediction]], numbers: range) -> range:
    """A person rejects these; those that shall be rejected late."""
    for number in numbers:
        prediction_id, made = named[number]
        stand.sending.send(
            new_verdict(
                Verdict(
                    verdict_id=f"v{number}",
                    prediction_id=prediction_id,
                    prediction=made,
                    kind="missed",
                    caller="app",
                    judged_at="now",
                )
            )
        )
    return range(numbers.stop, numbers.stop + 10)


def _expected(stand: Stand) -> set[str]:
    """By the log's own times."""
    told = stand.told()
    shown = {one.frame_id: (at_ms, one) for at_ms, one in reversed(told) if isinstance(one, Shown)}
    said = {
        one.prediction.frame.frame_id: at_ms
        for at_ms, one in reversed(told)
        if isinstance(one, Verdict) and one.kind != "affirmed"
    }
    return {
        affirmed_id("default", frame_id, one.model_id)
        for frame_id, (at_ms, one) in shown.items()
        if said.get(frame_id, at_ms + OBJECTION_S * 1000 + 1) > at_ms + OBJECTION_S * 1000
    }


def _affirmed(stand: Stand) -> dict[str, Verdict]:
    """By id; two with one id say the same."""
    found: dict[str, Verdict] = {}
    for _, one in stand.told():
        if isinstance(one, Verdict) and one.kind == "affirmed":
            assert found.setdefault(one.verdict_id, one).to_bytes() == one.to_bytes()
    return found


def _until(condition: Callable[[], bool], what: str) -> None:
    deadline_s = time.monotonic() + ENDS_S
    while not condition():
        assert time.monotonic() < deadline_s, f"expected within {ENDS_S} s: {what}"
        threading.Event().wait(0.2)
