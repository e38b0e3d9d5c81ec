"""The uploader's service on real ports: once to each host, whatever stops on the way."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from services.uploader.config import UploaderConfig, UploaderOptions
from services.uploader.destinations.dataset import ANNOTATIONS, DatasetOptions
from services.uploader.destinations.roboflow import RoboflowOptions
from services.uploader.service import UploaderService
from shared.ports import Clock, Images, Log
from shared.runtime.worker import Worker
from shared.streams.samples import Sample
from tests.hosts.forgetful import ForgetfulOptions, Storage, forgetful_host
from tests.hosts.roboflow_stub import Trouble, Workspace, roboflow_stub
from tests.hosts.samples import design, prediction, put_image, revision
from tests.unit.services.uploader.conftest import BoxMaker
from tests.unit.services.uploader.making import neighbour, resized


def dataset(folder: Path) -> DatasetOptions:
    return DatasetOptions(folder=folder / "dataset")


def roboflow(url: str, workspace: Workspace) -> RoboflowOptions:
    key = SecretStr(workspace.api_key)
    return RoboflowOptions(type="roboflow", api_key=key, project="kitchen", base_url=url)


def fragment(folder: Path, sample: Sample) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "dataset" / "samples" / f"{sample.sample_id}.json").read_text())
    return found


def test_delivers_and_deletes_the_original_but_not_the_preview(box: BoxMaker, tmp_path: Path) -> None:
    here, sample = box(dataset(tmp_path)), design()
    here.publish(sample)
    here.run_until_settled()
    assert here.outcomes() == [(sample.sample_id, "dataset", "accepted")]
    assert [info.key for info in here.images.list()] == [sample.image.preview_key if sample.image else ""]
    document = json.loads((tmp_path / "dataset" / ANNOTATIONS).read_text())
    assert [image["sample_id"] for image in document["images"]] == [sample.sample_id]


def test_a_sample_replayed_after_its_delivery_is_not_sent_and_its_image_leaves_again(
    box: BoxMaker, tmp_path: Path
) -> None:
    here, sample = box(dataset(tmp_path)), design()
    here.publish(sample)
    here.run_until_settled()
    here.publish(sample)
    here.run_until_settled()
    assert here.outcomes() == [(sample.sample_id, "dataset", "accepted")]
    assert sample.image is not None
    assert here.images.get(sample.image.key) is None


def test_a_missing_sample_is_no_delivery_and_holds_nothing_up(box: BoxMaker, tmp_path: Path) -> None:
    here = box(dataset(tmp_path))
    here.publish(design(0, missing="limit:day"), design(1))
    here.run_until_settled()
    assert here.outcomes() == [(design(1).sample_id, "dataset", "accepted")]


def test_an_image_that_vanished_from_the_buffer_is_dead_lettered_with_words(box: BoxMaker, tmp_path: Path) -> None:
    here = box(dataset(tmp_path))
    here.publish(design(), with_image=False)
    here.run_until_settled()
    [receipt] = here.receipts()
    assert receipt.outcome == "dead_lettered"
    assert "no longer in the image buffer" in (receipt.detail or "")


def test_a_revision_updates_what_was_delivered(box: BoxMaker, tmp_path: Path) -> None:
    here, sample = box(dataset(tmp_path)), design()
    here.publish(sample)
    here.run_until_settled()
    here.publish(revision(effect="remove", index=0), with_image=False)
    here.run_until_settled()
    assert [receipt.outcome for receipt in here.receipts()] == ["accepted", "updated"]
    known = fragment(tmp_path, sample)
    assert [box["class_name"] for box in known["boxes"]] == ["plate"]
    assert known["probability"] == 0.01


def test_a_later_revision_remembers_the_earlier_one_after_a_restart(box: BoxMaker, tmp_path: Path) -> None:
    here, sample = box(dataset(tmp_path)), design()
    here.publish(sample, revision(effect="remove", index=0))
    here.run_until_settled()
    here.publish(revision(effect="flag", index=1), with_image=False)
    here.run_until_settled()
    assert [(b["class_name"], b["flags"]) for b in fragment(tmp_path, sample)["boxes"]] == [("plate", ["wrong_class"])]


def test_a_sample_made_by_a_verdict_is_delivered_and_its_late_design_is_already_there(
    box: BoxMaker, tmp_path: Path
) -> None:
    here, sample = box(dataset(tmp_path)), design()
    here.publish(revision(effect="flag_incomplete", index=None))
    here.run_until_settled()
    here.publish(sample)
    here.run_until_settled()
    assert [receipt.outcome for receipt in here.receipts()] == ["accepted", "already_there"]
    known = fragment(tmp_path, sample)
    assert (known["flags"], known["probability"]) == (["incomplete"], 0.01)


def test_a_verdict_about_an_image_that_expired_still_reaches_the_host_that_has_it(
    box: BoxMaker, tmp_path: Path
) -> None:
    here, sample = box(dataset(tmp_path)), design()
    here.publish(sample)
    here.run_until_settled()
    here.publish(revision(effect="verify", index=None, missing="expired"))
    here.run_until_settled()
    assert fragment(tmp_path, sample)["flags"] == ["verified"]


def test_a_destination_that_the_settings_no_longer_name_is_withdrawn(box: BoxMaker, tmp_path: Path) -> None:
    here = box(dataset(tmp_path))
    sample = design(destinations=("gone",))
    here.publish(sample)
    here.run_until_settled()
    assert here.outcomes() == [(sample.sample_id, "gone", "withdrawn")]
    assert sample.image is not None
    assert here.images.get(sample.image.key) is not None, "nobody has it, so it stays"


def test_one_host_that_is_down_holds_up_no_other(box: BoxMaker, tmp_path: Path) -> None:
    down = ForgetfulOptions(name="down", url="http://127.0.0.1:9")
    here = box(dataset(tmp_path), down)
    samples = [design(number, destinations=("dataset", "down")) for number in range(20)]
    here.publish(*samples)
    worker = here.worker()
    while len(here.receipts()) < len(samples):
        worker.step()
    worker.close()
    assert {receipt.destination for receipt in here.receipts()} == {"dataset"}
    assert here.lag() == len(samples), "what is not everywhere is not committed"
    assert len(list(here.images.list("samples/"))) == 2 * len(samples)


def test_a_refused_image_is_dead_lettered_with_the_hosts_words_and_stays_in_the_buffer(
    box: BoxMaker, tmp_path: Path
) -> None:
    with roboflow_stub() as (url, workspace):
        workspace.troubles.append(Trouble(422))
        here = box(roboflow(url, workspace))
        sample = design(destinations=("roboflow",))
        here.publish(sample)
        here.run_until_settled()
    [receipt] = here.receipts()
    assert (receipt.outcome, receipt.detail) == ("dead_lettered", "422: something is wrong try another day")
    assert sample.image is not None
    assert here.images.get(sample.image.key) is not None


def test_a_blocked_destination_pauses_and_dead_letters_nothing(box: BoxMaker, tmp_path: Path) -> None:
    with roboflow_stub() as (url, workspace):
        workspace.troubles.extend([Trouble(402)] * 4)
        here = box(roboflow(url, workspace))
        here.publish(*(design(number, destinations=("roboflow",)) for number in range(6)))
        worker = here.worker()
        while workspace.troubles:
            worker.step()
        paused = len(workspace.requests)
        worker.step()
        assert (len(workspace.requests), here.receipts()) == (paused, [])
        here.clock.ahead_s += 301
        here.run_until_settled(worker)
    assert [receipt.outcome for receipt in here.receipts()] == ["accepted"] * 6


def test_what_people_said_goes_first_then_the_floor(box: BoxMaker, tmp_path: Path) -> None:
    with forgetful_host(tmp_path / "host") as (url, _):
        here = box(ForgetfulOptions(url=url))
        to = ("forgetful",)
        plain = [design(number, to, strategy="close_to_threshold") for number in range(8)]
        floor, said = design(10, to), revision(11, destinations=to)
        here.publish(*plain, floor, said)
        here.run_until_settled()
    ends = [receipt.sample_id for receipt in here.receipts()]
    assert {floor.sample_id, said.sample_id} <= set(ends[:4])


class Crash(BaseException):
    """The process dies here."""


STEPS = (
    "take_over",
    "take_in",
    "note_attempts",
    "send",
    "collect",
    "deliver",
    "handle",
    "mark_done",
    "delete_images",
    "confirmed",
)


def dying(step: str, calls: int) -> type[UploaderService]:
    """A service that dies right after the n-th call of one of its steps."""

    class Dying(UploaderService):
        left = calls

    def after(self: Dying, *args: object) -> object:
        result = getattr(super(Dying, self), step)(*args)
        Dying.left -= 1
        if Dying.left <= 0:
            raise Crash(step)
        return result

    setattr(Dying, step, after)
    return Dying


@pytest.mark.parametrize("loss", [0.0, 0.5])
@pytest.mark.parametrize("step", STEPS)
def test_a_crash_after_any_step_loses_nothing_and_sends_nothing_twice(
    box: BoxMaker, tmp_path: Path, step: str, loss: float
) -> None:
    with forgetful_host(tmp_path / "host", loss) as (url, stored):
        here = box(ForgetfulOptions(url=url), partitions=1)
        samples = [design(number, ("forgetful",)) for number in range(6)]
        here.publish(*samples)
        crash(here.worker(dying(step, 2)))
        here.run_until_settled()
        assert_once(stored, samples)
    assert {receipt.sample_id for receipt in here.receipts()} == {sample.sample_id for sample in samples}
    assert not list(here.images.list("samples/"))


def crash(worker: Worker, steps: int = 200) -> None:
    """Runs until the service dies. What is on the wire then arrives; nothing is committed, drained or tidied up."""
    with pytest.raises(Crash):
        run(worker, steps)
    abandon(worker)


def abandon(worker: Worker) -> None:
    assert isinstance(worker.service, UploaderService)
    for lane in worker.service._lanes.values():
        lane._threads.shutdown(wait=True)
    worker.consumer.close()


def run(worker: Worker, steps: int) -> None:
    for _ in range(steps):
        worker.step()


def assert_once(stored: Storage, samples: Sequence[Sample]) -> None:
    counts = stored.counts()
    assert counts == {sample.sample_id: 1 for sample in samples}


def test_the_outbox_file_may_be_deleted_at_any_time(box: BoxMaker, tmp_path: Path) -> None:
    with forgetful_host(tmp_path / "host", loss=0.5) as (url, stored):
        here = box(ForgetfulOptions(url=url))
        samples = [design(number, ("forgetful",)) for number in range(6)]
        here.publish(*samples)
        crash(here.worker(dying("collect", 1)))
        here.config.outbox_path.unlink()
        here.run_until_settled()
        assert_once(stored, samples)


def test_put_back_by_the_sampler_before_the_replay(box: BoxMaker, tmp_path: Path) -> None:
    here, sample = box(dataset(tmp_path)), design()
    here.publish(sample)
    here.run_until_settled()
    put_image(here.images, sample)
    here.publish(sample, with_image=False)
    here.run_until_settled()
    assert [info.key.split("/")[0] for info in here.images.list()] == ["previews"]


def test_two_replicas_share_the_partitions_and_one_that_leaves_is_replaced(box: BoxMaker, tmp_path: Path) -> None:
    with forgetful_host(tmp_path / "host", loss=0.3) as (url, stored):
        here = box(ForgetfulOptions(url=url), partitions=4)
        samples = [
            design(seen=prediction(number, partition=number % 4), destinations=("forgetful",)) for number in range(24)
        ]
        here.publish(*samples)
        first, second = here.worker(), here.worker(second_outbox(tmp_path))
        for _ in range(3):
            first.step()
            second.step()
        abandon(first)
        here.run_until_settled(second)
        assert_once(stored, samples)
    assert not list(here.images.list("samples/"))


def second_outbox(folder: Path) -> type[UploaderService]:
    """A replica on another machine, with an outbox of its own."""

    class Elsewhere(UploaderService):
        def __init__(self, config: UploaderConfig, log: Log, images: Images, clock: Clock) -> None:
            options = UploaderOptions(folder=folder / "elsewhere")
            super().__init__(config.model_copy(update={"uploader": options}), log, images, clock)

    return Elsewhere


def test_neighbours_are_delivered_and_their_images_leave_the_buffer(box: BoxMaker, tmp_path: Path) -> None:
    here, sample = box(dataset(tmp_path)), neighbour(0, beside=1)
    here.publish(sample, design(1), neighbour(2, beside=1, missing="expired"))
    here.run_until_settled()
    assert sorted(here.outcomes()) == sorted((one, "dataset", "accepted") for one in (sample.sample_id, sample.of))
    assert fragment(tmp_path, sample)["neighbour_of"] == sample.of
    assert sample.image is not None
    assert here.images.get(sample.image.key) is None


def test_a_verdict_about_a_neighbour_changes_its_boxes(box: BoxMaker, tmp_path: Path) -> None:
    here, sample = box(dataset(tmp_path)), neighbour(0, beside=1)
    here.publish(sample)
    here.run_until_settled()
    here.publish(revision(effect="remove", index=0), with_image=False)
    here.run_until_settled()
    known = fragment(tmp_path, sample)
    assert ([box["class_name"] for box in known["boxes"]], known["neighbour_of"]) == (["plate"], sample.of)


def test_a_resized_image_has_boxes_of_its_own_size_also_after_a_verdict(box: BoxMaker, tmp_path: Path) -> None:
    """96 x 64, stored at 48 x 32."""
    here, sample = box(dataset(tmp_path)), resized(design(), 48, 32)
    here.publish(sample)
    here.run_until_settled()
    known = fragment(tmp_path, sample)
    assert (known["width"], known["height"]) == (48, 32)
    assert [one["bbox"] for one in known["boxes"]] == [[5, 10, 20, 20], [30, 2.5, 15, 20]]
    here.publish(resized(revision(effect="remove", index=0), 48, 32), with_image=False)
    here.run_until_settled()
    known = fragment(tmp_path, sample)
    assert (known["width"], [one["bbox"] for one in known["boxes"]]) == (48, [[30, 2.5, 15, 20]])


def test_a_verdict_without_an_image_still_speaks_of_the_stored_size(box: BoxMaker, tmp_path: Path) -> None:
    """Memo and frame have gone: the size is read back from the design, by an uploader that never saw it."""
    here, sample = box(dataset(tmp_path)), resized(design(), 48, 32)
    here.publish(sample)
    here.run_until_settled()
    here.publish(revision(effect="flag", index=0, missing="expired"))
    here.run_until_settled()
    known = fragment(tmp_path, sample)
    assert (known["width"], known["boxes"][0]["bbox"]) == (48, [5, 10, 20, 20])
    assert known["boxes"][0]["flags"] == ["wrong_class"]
