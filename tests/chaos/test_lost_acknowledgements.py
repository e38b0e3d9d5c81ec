"""The host has the image and its acknowledgement was lost; before the next try something else is to be said about the same
image. It must be asked for, not sent again.
"""

from pathlib import Path

import pytest

from shared.streams.samples import Sample
from tests.hosts.forgetful import ForgetfulOptions, forgetful_host, lost
from tests.hosts.samples import design, revision
from tests.unit.services.uploader.conftest import Box

TO = ("forgetful",)
LOSS = 0.5
NUMBER = next(number for number in range(100) if lost(LOSS, "store", design(number, TO).sample_id, 1))
"""A sample of which the first acknowledgement gets lost."""


@pytest.mark.parametrize("design_first", [True, False])
def test_what_comes_before_the_next_try_does_not_send_the_image_again(tmp_path: Path, design_first: bool) -> None:
    records: list[Sample] = [design(NUMBER, TO), revision(NUMBER, destinations=TO)]
    first, second = records if design_first else reversed(records)
    with forgetful_host(tmp_path / "host", LOSS) as (url, stored):
        box = Box(tmp_path, ForgetfulOptions(url=url))
        worker = box.worker()
        box.publish(first)
        while not stored.counts():
            worker.step()
        worker.step()  # the attempt has failed and waits for its next try
        box.publish(second)
        worker.step()
        box.run_until_settled(worker)
        assert stored.counts() == {first.sample_id: 1}
        box.close()
