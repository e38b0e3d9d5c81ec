"""docker-compose.yml with a real engine: from nothing to the dataset while replicas come and go, and away again.

The tests share one stack and run in this order.
"""

import json
import time
import urllib.error
import urllib.request
from collections import Counter
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from deploy.native.probes import http_status
from deploy.native.tools import run_to_end
from services.sampler.config import SamplerConfig
from services.sampler.drawing import Drawer
from services.sampler.strategies.scene import Scene
from shared.settings import load
from shared.streams import ids
from shared.streams.predictions import PREDICTIONS, Prediction
from tests.compose.application import Cameras, read_all, write_video
from tests.compose.project import COMPOSE_FILE, SETTINGS, Project, docker, wait_until

SERVICES = ("inference", "sampler", "feedback", "uploader")
SECRETS = ("GLEANER_SALT", "GLEANER_API_KEY", "GLEANER_S3_ACCESS_KEY", "GLEANER_S3_SECRET_KEY")
FRAMES_PER_S = 15
NO_CAMERAS = "  defaults: {fps: 1}\n"
CAMERAS = """  defaults: {fps: 5, open_timeout_s: 2}
  clip: {url: /clips/door.mp4, loop: true}
  gone: rtsp://127.0.0.1:1/none
"""
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


@pytest.mark.parametrize("secret", SECRETS)
def test_without_its_secrets_it_says_what_to_do(images: dict[str, str], tmp_path: Path, secret: str) -> None:
    (tmp_path / ".env").write_text("".join(f"{name}=given\n" for name in SECRETS if name != secret), encoding="utf-8")
    config = ["docker", "compose", "--file", str(COMPOSE_FILE), "--env-file", str(tmp_path / ".env"), "config"]
    with pytest.raises(RuntimeError, match=f"{secret} is missing a value: run `make env` first"):
        run_to_end(config, {secret: ""})


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_healthy_and_confined(stack: Project, service: str) -> None:
    wait_until(lambda: _health(stack, service) == "healthy", f"{service} to be healthy")
    for container in stack.inspect(service):
        assert container["Config"]["User"].partition(":")[0] not in ("", "0", "root")
        assert container["HostConfig"]["ReadonlyRootfs"] is True
        assert container["HostConfig"]["CapDrop"] == ["ALL"]
        assert container["RestartCount"] == 0


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_holds_its_own_service_alone(stack: Project, service: str) -> None:
    container = stack.containers(service)[0]
    assert set(docker("exec", container, "ls", "services").split()) - {"__pycache__"} == {"__init__.py", service}
    everything = set(docker("exec", container, "ls", "-A", "/gleaner").split())
    assert everything <= {"services", "shared", "deploy"}


def test_feedback_is_reached_from_outside_with_a_key_alone(stack: Project) -> None:
    assert http_status(f"{stack.feedback}/livez") == 200
    assert _post_verdict(stack, {"prediction_id": "0-0-00000000", "kind": "confirmed"}, key="wrong") == 401


def test_the_clip_is_kept_once_while_replicas_come_and_go(stack: Project) -> None:
    cameras = Cameras(stack.kafka, FRAMES_PER_S)
    published_at_s = time.monotonic()
    cameras.start()
    try:
        wait_until(lambda: any(stack.dataset.glob("images/*")), "a first kept image in the dataset")
        stack.times_s["up to first kept image"] = time.monotonic() - stack.up_at_s
        stack.times_s["frame to first kept image"] = time.monotonic() - published_at_s
        _come_and_go(stack)
        assert cameras.publishing
    finally:
        cameras.finish()
    with stack.timed("from last frame to the end"):
        wait_until(lambda: _is_through(stack, cameras), "every frame to come out at the other end", 300)
    _check_predictions(stack, cameras)
    _check_samples(stack, cameras)
    status = _status(stack)
    assert status["ledger"]["balanced"]
    assert status["ledger"]["pending"] == status["ledger"]["missing"] == status["ledger"]["dead_lettered"] == 0


def test_a_verdict_from_outside_revises_a_sample(stack: Project) -> None:
    sample = json.loads(read_all(stack.kafka, "samples")[0].value or b"")
    body = {"prediction_id": sample["prediction_id"], "kind": "confirmed", "reviewer": "a resident"}
    assert _post_verdict(stack, body, stack.secrets["GLEANER_API_KEY"]) == 202
    fragment = stack.dataset / "samples" / f"{sample['sample_id']}.json"
    wait_until(lambda: json.loads(fragment.read_bytes())["verdicts"], "the verdict in the dataset")


def test_the_cameras_of_the_settings_are_opened_each_alone(stack: Project) -> None:
    write_video(stack.folder / "clips" / "door.mp4", frames=40)
    settings = stack.folder / "with-cameras.yaml"
    settings.write_text(SETTINGS.read_text(encoding="utf-8").replace(NO_CAMERAS, CAMERAS), encoding="utf-8")
    stack.up_with(settings, "sources")
    wait_until(lambda: _published(stack, "clip") >= 5, "five frames of the clip that stands in for a camera")
    wait_until(lambda: _health(stack, "sources") == "healthy", "sources to be healthy with a camera that is gone")
    gone = _source(stack, "gone")
    assert (gone["published"], gone["state"]) == (0, "down")
    assert gone["why"]
    stack.compose("stop", "sources")
    assert _exit_codes(stack, "sources") == [0]
    keys = [record.key for record in read_all(stack.kafka, "frames")]
    assert keys.count(b"clip") >= 5


def test_it_goes_away_without_a_trace(stack: Project) -> None:
    print(stack.report())
    volumes = {mount["Name"] for each in stack.inspect("") for mount in each["Mounts"] if mount["Type"] == "volume"}
    assert volumes
    stack.compose("stop", *SERVICES)
    assert {service: _exit_codes(stack, service) for service in SERVICES} == {service: [0] for service in SERVICES}
    with stack.timed("down"):
        stack.down()
    assert stack.leftovers() == {}
    assert volumes & set(docker("volume", "ls", "--quiet").split()) == set()


def _published(stack: Project, name: str) -> int:
    return int(_source(stack, name).get("published", 0))


def _source(stack: Project, name: str) -> dict[str, Any]:
    """What the container that reads the cameras says of one; nothing before it answers."""
    status = json.loads(stack.command_line("status", "--no-counts", "--json", "--at", "http://sources:8081"))
    return next((one for one in status["sources"] or [] if one["source_id"] == name), {})


def _come_and_go(stack: Project) -> None:
    """Two of each, one of each, and again: every newcomer is given partitions before the next change."""
    for _ in range(2):
        with stack.timed("scale up"):
            stack.scale(inference=2, sampler=2)
            for service in ("inference", "sampler"):
                wait_until(partial(_has_partitions, stack, service, 2), f"a second {service} at work")
        with stack.timed("scale down"):
            stack.scale(inference=1, sampler=1)
            assert len(stack.containers("inference")) == len(stack.containers("sampler")) == 1


def _has_partitions(stack: Project, service: str, replica: int) -> bool:
    return "partitions.assigned" in stack.log_of(service, replica)


def _is_through(stack: Project, cameras: Cameras) -> bool:
    """Every frame predicted, every design delivered, the dataset's file made of them."""
    if len(_predictions(stack)) < len(cameras.frame_ids):
        return False
    if any(lag["records"] for stream in _status(stack)["flow"] for lag in stream["lags"]):
        return False
    return set(_designs(stack)) == {one["sample_id"] for one in _receipts(stack)} == _in_coco(stack.dataset)


def _check_predictions(stack: Project, cameras: Cameras) -> None:
    assert set(_predictions(stack)) == cameras.frame_ids
    again = len(read_all(stack.kafka, "predictions")) - len(cameras.frame_ids)
    print(f"\n{len(cameras.frame_ids)} frames, {again} predicted again, {len(_designs(stack))} kept")
    for stream in ("frames", "predictions", "verdicts"):
        assert read_all(stack.kafka, f"{stream}.dlq") == []


def _check_samples(stack: Project, cameras: Cameras) -> None:
    """Each kept frame is in the dataset, with the very bytes that were published; none was delivered twice."""
    designs = _designs(stack)
    by_the_floor = {
        name for name, one in designs.items() if "random floor" in [why["strategy"] for why in one["reasons"]]
    }
    assert by_the_floor == _drawn_by_the_floor(stack)
    assert set(designs) > by_the_floor
    files = {path.stem: path for path in stack.dataset.glob("images/*")}
    assert set(files) == set(designs)
    for sample_id, path in files.items():
        digest = sha256(path.read_bytes()).hexdigest()
        assert digest == designs[sample_id]["image"]["sha256"]
        assert digest in cameras.hashes
    delivered = Counter(one["sample_id"] for one in _receipts(stack) if one["outcome"] == "accepted")
    assert delivered == Counter(designs.keys())


def _status(stack: Project) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(stack.command_line("status", "--json"))
    return told


def _predictions(stack: Project) -> dict[str, Prediction]:
    """By frame id; of a frame's predictions the first counts."""
    decoded = [PREDICTIONS.decode(record) for record in read_all(stack.kafka, "predictions")]
    return {prediction.frame.frame_id: prediction for prediction in reversed(decoded)}


def _drawn_by_the_floor(stack: Project) -> set[str]:
    """The samples that must exist: no gate takes them, and they are a pure function of frame, settings and salt.

    What the other strategies drew goes by what the sampler had seen before, in whichever replica that was.
    """
    config = load(SETTINGS, env=stack.secrets).read(SamplerConfig)
    floor = [strategy for strategy in config.strategies if strategy.floor]
    drawer = Drawer(stack.secrets["GLEANER_SALT"].encode(), config.collection, floor)
    drawn = [one for one in _predictions(stack).values() if drawer.draw("", Scene(one)) is not None]
    return {ids.sample_id(config.collection, one.frame.frame_id, one.model_id) for one in drawn}


def _designs(stack: Project) -> dict[str, Any]:
    """By sample id; of several the first counts."""
    return {one["sample_id"]: one for one in reversed(_read(stack, "samples")) if one["kind"] == "design"}


def _receipts(stack: Project) -> list[Any]:
    return _read(stack, "uploads")


def _read(stack: Project, topic: str) -> list[Any]:
    return [json.loads(record.value or b"") for record in read_all(stack.kafka, topic)]


def _in_coco(dataset: Path) -> set[str]:
    """The sample ids that the COCO file names; none before there is one."""
    try:
        document = json.loads((dataset / "_annotations.coco.json").read_bytes())
    except FileNotFoundError:
        return set()
    return {Path(image["file_name"]).stem for image in document["images"]}


def _health(stack: Project, service: str) -> str:
    return str(stack.inspect(service)[0]["State"]["Health"]["Status"])


def _exit_codes(stack: Project, service: str) -> list[int]:
    return [container["State"]["ExitCode"] for container in stack.inspect(service)]


def _post_verdict(stack: Project, body: dict[str, str], key: str) -> int:
    headers = {"Content-Type": "application/json", "X-API-Key": key}
    request = urllib.request.Request(f"{stack.feedback}/v1/verdicts", json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code
