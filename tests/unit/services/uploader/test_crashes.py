"""Random crashes: the uploader dies again and again, at any step, beside a host that loses acknowledgements."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.uploader.ledger import Placed, ledger
from services.uploader.schedule import LONGEST_BACKOFF_S
from shared.streams import SAMPLES
from shared.streams.samples import Sample
from tests.hosts.forgetful import ForgetfulOptions, forgetful_host
from tests.hosts.samples import design, revision
from tests.unit.services.uploader.conftest import Box
from tests.unit.services.uploader.test_service import STEPS, Crash, abandon, assert_once, dying

TO = ("forgetful",)
SAMPLES_IN_ORDER: list[Sample] = [
    design(0, TO),
    revision(1, destinations=TO),
    design(1, TO),
    design(2, TO, missing="limit:day"),
    design(0, TO),
    revision(0, "flag", 1, TO),
    design(3, TO, strategy="margin"),
    revision(3, "verify", None, TO, missing="expired"),
]
WITH_IMAGE = [SAMPLES_IN_ORDER[index] for index in (0, 1, 6)]
"""One for each image that must reach the host."""
crashes = st.lists(st.tuples(st.sampled_from(STEPS), st.integers(1, 4)), max_size=4)


@pytest.mark.slow
@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(plan=crashes, loss=st.sampled_from([0.0, 0.4, 0.8]), early=st.integers(0, len(SAMPLES_IN_ORDER)))
def test_whatever_dies_every_sample_is_there_once(plan: list[tuple[str, int]], loss: float, early: int) -> None:
    with tempfile.TemporaryDirectory() as folder, forgetful_host(Path(folder) / "host", loss) as (url, stored):
        box = Box(Path(folder), ForgetfulOptions(url=url))
        box.publish(*SAMPLES_IN_ORDER[:early])
        for step, calls in plan:
            _live_until(box, step, calls)
        box.publish(*SAMPLES_IN_ORDER[early:])
        box.run_until_settled()
        assert_once(stored, WITH_IMAGE)
        _assert_annotations(stored.annotation(design(0).sample_id), stored.annotation(design(3).sample_id))
        _assert_balanced(box)
        assert not list(box.images.list("samples/"))
        box.close()


def _live_until(box: Box, step: str, calls: int) -> None:
    """One life of the service: until it dies, or there is nothing more to do."""
    worker = box.worker(dying(step, calls))
    try:
        for _ in range(6):
            worker.step()
            box.clock.ahead_s += LONGEST_BACKOFF_S
    except Crash:
        abandon(worker)
    else:
        worker.close()


def _assert_annotations(flagged: dict[str, object], verified: dict[str, object]) -> None:
    """Every verdict has arrived, whatever the order and however often."""
    boxes = flagged["boxes"]
    assert isinstance(boxes, list)
    assert [box["flags"] for box in boxes] == [[], ["wrong_class"]]
    assert verified["flags"] == ["verified"]


def _assert_balanced(box: Box) -> None:
    end = box.log.bounds(SAMPLES.name)[0].end
    records = box.log.reader().scan(SAMPLES.name, 0, 0, end)
    placed = [Placed(record.partition, record.offset, SAMPLES.decode(record)) for record in records]
    found = ledger(placed, box.receipts(), box.log.committed("uploader", SAMPLES.name))
    assert found.balanced, found
    assert (found.accepted, found.acknowledged, found.missing, found.pending) == (7, 6, 1, 0)
