"""The Roboflow client against a stub that was written from the API's description."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pydantic import SecretStr

from services.uploader.annotations import annotate
from services.uploader.destinations import Blocked, Delivery, NotNow, Refused
from services.uploader.destinations.roboflow import Roboflow, RoboflowOptions, sanitised_tag
from shared.streams.predictions import ClassScore
from shared.streams.samples import Sample
from shared.streams.verdicts import Label
from tests.hosts.roboflow_stub import (
    HTML_502,
    LOST_ACKNOWLEDGEMENT,
    PLAIN_500,
    TAG_ALPHABET,
    TOO_MANY,
    Asset,
    Trouble,
    Workspace,
    roboflow_stub,
)
from tests.hosts.samples import TIME_MS, design, jpeg, prediction, revision
from tests.unit.services.uploader.making import neighbour

KEY = "a-key-for-tests"


@contextmanager
def host(
    workspace: Workspace | None = None, timezone: str = "UTC", **options: Any
) -> Iterator[tuple[Roboflow, Workspace]]:
    with roboflow_stub(workspace) as (url, there):
        known = {"type": "roboflow", "api_key": SecretStr(KEY), "project": "kitchen", "base_url": url}
        client = Roboflow(RoboflowOptions(**{**known, **options}), timezone, wait=lambda seconds: None)
        yield client, there
        client.close()


def delivery(sample: Sample | None = None) -> Delivery:
    sample = sample or design()
    return Delivery(sample, annotate(sample.prediction), jpeg(sample.prediction.frame.offset))


def only(workspace: Workspace) -> Asset:
    [asset] = workspace.assets.values()
    return asset


def test_image_then_prediction() -> None:
    with host(tags=("kitchen",)) as (client, workspace):
        delivered = client.deliver(delivery())
        asset = only(workspace)
    assert (delivered.outcome, delivered.host_id) == ("accepted", asset.id)
    assert asset.fields["name"] == f"{design().sample_id}.jpg"
    assert asset.fields["split"] == "train"
    assert json.loads(asset.fields["metadata"])["source_id"] == "door"
    assert (asset.query["tag"], asset.query["batch"]) == (["kitchen", "random"], ["gleaner-2026-09-21"])
    [(name, text)] = asset.annotations
    assert name.endswith(".json")
    assert [box["class"] for box in json.loads(text)["predictions"]] == ["cup", "plate"]


def test_a_workspace_gives_the_other_path() -> None:
    with host(workspace=None) as (client, there):
        client.deliver(delivery())
    with roboflow_stub() as (url, other):
        options = RoboflowOptions(type="roboflow", api_key=SecretStr(KEY), project="k", workspace="w", base_url=url)
        Roboflow(options).deliver(delivery())
    assert (there.requests[0], other.requests[0]) == ("/dataset/kitchen/upload", "/w/k/upload")


def test_a_lost_acknowledgement_still_gets_its_annotation() -> None:
    with host() as (client, workspace):
        workspace.troubles.append(LOST_ACKNOWLEDGEMENT)
        with pytest.raises(NotNow):
            client.deliver(delivery())
        assert client.deliver(delivery()).outcome == "already_there"
        assert len(only(workspace).annotations) == 1


def test_an_image_unknown_for_a_moment_after_its_upload_is_annotated() -> None:
    with host(Workspace(unsettled=3)) as (client, workspace):
        assert client.deliver(delivery()).outcome == "accepted"
        assert len(only(workspace).annotations) == 1


def test_one_that_stays_unknown_is_tried_again_later_and_then_refused() -> None:
    with host(Workspace(unsettled=1000)) as (client, _):
        with pytest.raises(NotNow, match="cannot be annotated yet"):
            client.deliver(delivery())
        with pytest.raises(Refused, match="no longer, in project kitchen"):
            client.deliver(delivery())


def test_already_annotated_is_success() -> None:
    with host() as (client, workspace):
        client.deliver(delivery())
        assert client.deliver(delivery()).detail == "the image was already annotated there"
        assert len(only(workspace).annotations) == 1


def test_what_a_person_corrected_is_an_annotation_and_no_prediction() -> None:
    van = Label(class_name="van", box=(4, 8, 20, 40))
    one = revision(effect="replace", index=1, label=van)
    whole = revision(effect="replace", index=None, labels=(van,))
    with host() as (client, workspace):
        host_id = client.deliver(delivery()).host_id or ""
        for said in (one, whole):
            client.update(Delivery(said, annotate(said.prediction, [said])), host_id)
        asset = only(workspace)
    assert asset.for_review == [True, True, False], "beside one corrected box the others are still the model's word"
    names = [[box["class"] for box in json.loads(text)["predictions"]] for _, text in asset.annotations]
    assert names == [["cup", "plate"], ["cup", "van"], ["van"]]


def test_a_corrected_class_is_sent_as_one() -> None:
    scores = (ClassScore(class_id=1, class_name="clean", confidence=0.8),)
    seen = prediction(task="classify", detections=(), classes=scores)
    said = revision(effect="replace", index=None, labels=(Label(class_name="dirty"),), seen=seen)
    with host() as (client, workspace):
        client.deliver(Delivery(said, annotate(seen, [said]), jpeg(0)))
        asset = only(workspace)
    assert (asset.annotations[0][1], asset.for_review) == ("dirty", [False])


def test_an_update_overwrites() -> None:
    said = revision(effect="remove", index=None)
    with host() as (client, workspace):
        host_id = client.deliver(delivery()).host_id or ""
        updated = client.update(Delivery(said, annotate(said.prediction, [said])), host_id)
        assert updated.outcome == "updated"
        assert json.loads(only(workspace).annotations[-1][1])["predictions"] == []


def test_a_null_image_is_annotated_with_nothing() -> None:
    with host() as (client, workspace):
        client.deliver(delivery(design(seen=prediction(detections=()))))
        assert json.loads(only(workspace).annotations[0][1])["predictions"] == []


def test_a_classification_is_the_name_of_its_class() -> None:
    scores = (ClassScore(class_id=1, class_name="clean", confidence=0.8),)
    with host() as (client, workspace):
        client.deliver(delivery(design(seen=prediction(task="classify", detections=(), classes=scores))))
        [(name, text)] = only(workspace).annotations
    assert (name.rsplit(".", 1)[1], text) == ("txt", "clean")


@pytest.mark.parametrize(
    ("trouble", "kind", "words"),
    [
        (PLAIN_500, NotNow, "500: Unknown error"),
        (HTML_502, NotNow, "502: 502 Bad Gateway"),
        (TOO_MANY, NotNow, "429: something is wrong try another day"),
        (Trouble(400), Refused, "400: something is wrong try another day"),
        (Trouble(413), Refused, "413: "),
        (Trouble(423), Blocked, "423: "),
        (Trouble(402), Blocked, "402: "),
        (Trouble(200, "{}"), Refused, "200: "),
        (Trouble(200, "<html>a captive portal</html>", "text/html"), Refused, "200: a captive portal"),
        (Trouble(400, f'{{"error": "bad key {KEY}"}}'), Refused, r"bad key \*\*\*\*"),
    ],
)
def test_each_trouble_means_one_thing_in_the_hosts_words(trouble: Trouble, kind: type[Exception], words: str) -> None:
    with host() as (client, workspace):
        workspace.troubles.append(trouble)
        with pytest.raises(kind, match=words) as caught:
            client.deliver(delivery())
    assert KEY not in str(caught.value)
    if trouble is TOO_MANY:
        assert isinstance(caught.value, NotNow)
        assert caught.value.retry_after_s == 7.0


def test_a_wrong_key_blocks_and_is_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with host(api_key=SecretStr("wrong-and-secret")) as (client, _), pytest.raises(Blocked) as caught:
        client.deliver(delivery())
    assert "wrong-and-secret" not in caplog.text + str(caught.value)


def test_nobody_there_is_not_now() -> None:
    options = RoboflowOptions(type="roboflow", api_key=SecretStr(KEY), project="k", base_url="http://127.0.0.1:9")
    with pytest.raises(NotNow, match="ConnectError"):
        Roboflow(options).deliver(delivery())


@pytest.mark.parametrize(
    ("recreated", "timezone", "name"),
    [
        ("never", "UTC", "gleaner"),
        ("daily", "UTC", "gleaner-2026-09-21"),
        ("daily", "Pacific/Kiritimati", "gleaner-2026-09-22"),
        ("weekly", "UTC", "gleaner-2026-W39"),
        ("monthly", "UTC", "gleaner-2026-09"),
    ],
)
def test_labelling_batches_begin_anew_by_log_time_in_the_settings_zone(
    recreated: str, timezone: str, name: str
) -> None:
    assert TIME_MS == 1_790_000_000_000, "2026-09-21 14:13 UTC"
    with host(timezone=timezone, batch_recreated=recreated) as (client, workspace):
        client.deliver(delivery())
        assert only(workspace).query["batch"] == [name]


@pytest.mark.parametrize("tag", ["küche #1", "x" * 100, "a b", "ok-tag", "[<{@:/.}>]"])
def test_tags_are_in_the_hosts_alphabet(tag: str) -> None:
    made = sanitised_tag(tag)
    assert 1 <= len(made) <= 64
    assert set(made) <= TAG_ALPHABET


def test_tags_are_the_settings_then_the_samples_then_who_chose_it() -> None:
    sample = design().model_copy(update={"tags": ("night", "kitchen")})
    with host(tags=("kitchen",)) as (client, workspace):
        client.deliver(delivery(sample))
        assert only(workspace).query["tag"] == ["kitchen", "night", "random"]


def test_a_neighbour_is_tagged_and_pre_annotated() -> None:
    sample = neighbour(0, beside=2, tags=("night",))
    with host() as (client, workspace):
        client.deliver(delivery(sample))
        asset = only(workspace)
    assert asset.query["tag"] == ["night", "neighbour"]
    metadata = json.loads(asset.fields["metadata"])
    assert (metadata["neighbour_of"], metadata["after_ms"]) == (sample.of, -400)
    [(_, text)] = asset.annotations
    assert [box["class"] for box in json.loads(text)["predictions"]] == ["cup", "plate"]


def test_a_sample_that_a_verdict_made_is_tagged_so() -> None:
    with host() as (client, workspace):
        client.deliver(delivery(revision()))
        assert only(workspace).query["tag"] == ["verdict"]
