"""The promises of a destination, on every kind that the registry knows, and on the forgetful test host.

A new kind needs one line in `HOSTS` here: how to open it in a folder. Forgetting that fails.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from pydantic import SecretStr

from services.uploader.annotations import annotate
from services.uploader.destinations import (
    Delivery,
    Destination,
    DestinationOptions,
    NotNow,
    kinds,
    open_destination,
    register,
)
from services.uploader.destinations.dataset import DatasetOptions
from services.uploader.destinations.roboflow import RoboflowOptions
from shared.streams.samples import Design, Revision, Sample
from tests.hosts.forgetful import Forgetful, ForgetfulOptions, forgetful_host
from tests.hosts.roboflow_stub import roboflow_stub
from tests.hosts.samples import design, jpeg, prediction, revision

register(ForgetfulOptions, Forgetful)
NOBODY = "http://127.0.0.1:9"
Opener = Callable[[ExitStack, Path], DestinationOptions]


def _roboflow(url: str) -> RoboflowOptions:
    return RoboflowOptions(type="roboflow", api_key=SecretStr("a-key-for-tests"), project="kitchen", base_url=url)


def _broken_dataset(stack: ExitStack, folder: Path) -> DatasetOptions:
    (folder / "taken").mkdir()
    (folder / "taken" / "images").write_text("a file where a folder should be")
    return DatasetOptions(folder=folder / "taken")


HOSTS: dict[type[DestinationOptions], tuple[Opener, Opener]] = {
    DatasetOptions: (lambda stack, folder: DatasetOptions(folder=folder / "dataset"), _broken_dataset),
    RoboflowOptions: (
        lambda stack, folder: _roboflow(stack.enter_context(roboflow_stub())[0]),
        lambda stack, folder: _roboflow(NOBODY),
    ),
    ForgetfulOptions: (
        lambda stack, folder: ForgetfulOptions(url=stack.enter_context(forgetful_host(folder / "host"))[0]),
        lambda stack, folder: ForgetfulOptions(url=NOBODY),
    ),
}
"""How to open a host that works, and one that does not."""

every_kind = pytest.mark.parametrize("kind", list(kinds()), ids=lambda kind: kind.__name__)


@pytest.fixture
def host(kind: type[DestinationOptions], tmp_path: Path) -> Iterator[Destination]:
    with ExitStack() as stack:
        opened = open_destination(HOSTS[kind][0](stack, tmp_path))
        stack.callback(opened.close)
        yield opened


def delivery(sample: Sample, *revisions: Revision, image: bool = True) -> Delivery:
    pixels = jpeg(sample.prediction.frame.offset) if image else None
    return Delivery(sample, annotate(sample.prediction, revisions), pixels)


def from_anywhere(name: str) -> Design:
    return design(seen=prediction(source_id=name))


def test_every_kind_is_tested_here() -> None:
    assert set(HOSTS) == set(kinds())


@every_kind
def test_a_delivery_is_acknowledged_with_the_hosts_id(host: Destination) -> None:
    delivered = host.deliver(delivery(design()))
    assert delivered.outcome == "accepted"
    assert delivered.host_id


@every_kind
def test_what_was_delivered_can_be_asked_for(host: Destination) -> None:
    if not host.can_be_asked:
        assert host.deduplicates, f"{host.name} can neither be asked nor deduplicates: the docs must list it"
        return
    assert host.ask(design().sample_id) is None
    delivered = host.deliver(delivery(design()))
    assert host.ask(design().sample_id) == delivered.host_id
    assert host.ask(design(1).sample_id) is None


@every_kind
def test_delivered_again_it_is_the_same_image(host: Destination) -> None:
    first = host.deliver(delivery(design()))
    if host.deduplicates:
        again = host.deliver(delivery(design()))
        assert (again.outcome, again.host_id) == ("already_there", first.host_id)
    else:
        assert host.ask(design().sample_id) == first.host_id, "so the courier sends it once"


@every_kind
def test_two_samples_are_two_images(host: Destination) -> None:
    assert host.deliver(delivery(design(0))).host_id != host.deliver(delivery(design(1))).host_id


@every_kind
def test_an_annotation_is_updated_and_repeating_that_is_harmless(host: Destination) -> None:
    delivered = host.deliver(delivery(design()))
    assert host.can_update
    said = revision(effect="remove", index=0)
    for _ in range(2):
        updated = host.update(delivery(said, said, image=False), delivered.host_id or "")
        assert (updated.outcome, updated.host_id) == ("updated", delivered.host_id)


@every_kind
@pytest.mark.parametrize("source", ["küche", "../../etc/passwd", "カメラ 1", "a\nb", "x" * 5000, "\u202edoor"])
def test_a_source_may_have_any_name(host: Destination, source: str) -> None:
    assert host.deliver(delivery(from_anywhere(source))).outcome == "accepted"


@every_kind
def test_a_sample_made_by_a_verdict_has_no_reasons_and_is_taken(host: Destination) -> None:
    said = revision(effect="flag_incomplete", index=None, boxes=((1, 2, 30, 40),))
    assert host.deliver(delivery(said, said)).outcome == "accepted"


@every_kind
def test_a_host_that_is_not_there_says_not_now(kind: type[DestinationOptions], tmp_path: Path) -> None:
    with ExitStack() as stack:
        broken = open_destination(HOSTS[kind][1](stack, tmp_path))
        with pytest.raises(NotNow):
            broken.deliver(delivery(design()))


@every_kind
def test_tidying_up_is_harmless_at_any_time(host: Destination) -> None:
    host.flush(idle=True)
    host.deliver(delivery(design()))
    host.flush(idle=False)
    host.flush(idle=True)
    host.close()
