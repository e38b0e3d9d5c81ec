"""`kill -9` after every step of the table in docs/delivery.md, in both modes: nothing chosen is lost, nothing is sent twice.

The host forgets a third of its acknowledgements and does not deduplicate, so whatever was sent twice is seen. In embedded
mode the whole process dies, each time at a step of one of its services.
"""

import signal
import subprocess
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.streams import PREDICTIONS, ids
from shared.streams.predictions import Prediction, prediction_id
from shared.streams.tallies import Tally, count, totals
from shared.streams.verdicts import Verdict, new_verdict
from tests.chaos.dismissing import dismiss
from tests.e2e.checks import (
    check_designs_follow_their_plans,
    check_nothing_lost_nothing_twice,
    drawn,
    sample_id_of,
)
from tests.e2e.world import World, cluster_world, deliver_to, embedded_world
from tests.hosts.forgetful import Storage, forgetful_host

WORKER = "shared.runtime.worker:Worker"
SAMPLER = "services.sampler.service:SamplerService"
KEEPER = "services.sampler.keeping:Keeper"
UPLOADER = "services.uploader.service:UploaderService"
FORGETFUL = "tests.hosts.forgetful:Forgetful"
PLANNER = "services.sampler.planning:Planner"
GATES = "services.sampler.gates:Gates.look"
WARMING = "services.sampler.warming:Warming._tell"
RECALLER = "services.sampler.recalling:Recaller._keep"
JUDGE = "services.sampler.judged:Judge.revise"
FEEDBACK = "services.feedback.service:Feedback"
ANSWER = "services.feedback.verdicts.case:Case.outcome"
PRODUCERS = {
    "cluster": "shared.adapters.cluster.kafka_producer:GatedProducer",
    "embedded": "shared.adapters.embedded.log_producer:SegmentProducer",
}

STEPS: dict[str, tuple[tuple[str, int], ...]] = {
    "inference": tuple((f"{WORKER}.{step}", 1) for step in ("poll", "handle", "publish", "confirm", "commit")),
    "sampler": (
        (f"{WORKER}.poll", 1),
        (JUDGE, 1),
        (f"{PLANNER}._plan", 1),
        (f"{PLANNER}._fix", 1),
        (f"{SAMPLER}.draw", 1),
        (f"{KEEPER}.read", 2),
        (GATES, 1),
        (f"{SAMPLER}.decide", 1),
        (f"{KEEPER}.put_image", 2),
        (f"{KEEPER}.put_preview", 1),
        (f"{KEEPER}.put_sidecar", 1),
        (RECALLER, 1),
        (f"{WORKER}.publish", 1),
        (f"{WORKER}.confirm", 1),
        (f"{WORKER}.commit", 1),
        (WARMING, 2),
    ),
    "uploader": (
        (f"{UPLOADER}.take_in", 1),
        (f"{UPLOADER}.note_attempts", 1),
        (f"{FORGETFUL}.deliver", 2),
        (f"{FORGETFUL}.update", 1),
        (f"{WORKER}.publish", 1),
        (f"{WORKER}.confirm", 1),
        (f"{UPLOADER}.mark_done", 1),
        (f"{UPLOADER}._delete_image", 2),
        (f"{WORKER}.commit", 1),
    ),
}
"""The step, and after which call of it that has something to do: the second is in mid-work where there are several."""
LEFT_TO_KAFKA = f"{WORKER}.commit"
"""After this step nobody dismisses the dead: the group waits until its session has run out, as it does out there."""
PLANNED: dict[str, Any] = {
    "strategies": [
        {"type": "random", "share": 0.4},
        {"type": "uncertain", "share": 0.3},
        {"type": "temporal", "share": 0.3},
    ],
    "review": "3600/hour",
    "sampler": {"declared_fps": 1},
    "context": {"before_s": 10, "every": 2},
}
"""Budgets, a past that is read back, gates and neighbours; generous enough that about half of the frames are drawn."""
FRAMES_PER_KILL = 6
DIES_WITHIN_S = 40.0
MODES = [pytest.param("cluster", marks=pytest.mark.servers), "embedded"]


@pytest.fixture
def host(tmp_path: Path) -> Iterator[tuple[str, Storage]]:
    with forgetful_host(tmp_path / "host", loss=0.3) as opened:
        yield opened


@pytest.fixture
def world(request: pytest.FixtureRequest, tmp_path: Path, host: tuple[str, Storage]) -> Iterator[World]:
    if request.param == "embedded":
        world = embedded_world(tmp_path / "world")
    else:
        world = cluster_world(tmp_path / "world", request.getfixturevalue("servers"))
    deliver_to(world, host[0])
    yield world
    world.close()


def start_others(world: World, victim: str) -> str:
    """Starts every service but the victim; returns the process in which the victim lives."""
    if world.embedded:
        return "embedded"
    for service in ("inference", "sampler", "uploader"):
        if service != victim:
            world.start(service)
    return victim


def await_death(world: World, name: str, step: str) -> None:
    process = world.processes.pop(name)
    try:
        died = process.wait(DIES_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        pytest.fail(f"{name} never reached {step} within {DIES_WITHIN_S} s\n{world.said()}", pytrace=False)
    assert died == -signal.SIGKILL, f"{name} ended with {died} instead of dying after {step}\n{world.said()}"


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("world", MODES, indirect=True)
@pytest.mark.parametrize("victim", list(STEPS))
def test_killed_after_each_step_nothing_is_lost_or_sent_twice(
    world: World, host: tuple[str, Storage], victim: str
) -> None:
    if victim == "sampler":
        world.values.update(PLANNED)
    runs = start_others(world, victim)
    frames, verdicts = 0, dict[str, str]()
    for step, nth in STEPS[victim]:
        if victim != "inference":  # which reads no verdicts
            verdicts |= judge_one(world, verdicts, kept=len(verdicts) % 2 == 0)
        world.publish(range(frames, frames + FRAMES_PER_KILL))
        frames += FRAMES_PER_KILL
        world.start(runs, step, nth, victim)
        await_death(world, runs, step)
        if not world.embedded and step != LEFT_TO_KAFKA:
            dismiss(world, runs)
    world.start(runs)
    world.drain()
    check_nothing_lost_nothing_twice(world, host[1], frames)
    check_designs_follow_their_plans(world)
    assert verdicts or victim == "inference"
    check_each_verdict_once(world, host[1], list(verdicts.values()))
    check_all_are_counted(world, frames)


def check_all_are_counted(world: World, frames: int) -> None:
    """Once all have drained, who reads the tallies and counts what came after them knows of each frame once."""
    assert set({name: world.stop(name) for name in list(world.processes)}.values()) == {0}
    told: list[Tally] = world.records("tallies")
    predicted: dict[int, list[tuple[int, Prediction]]] = {}
    for record in world.raw("predictions"):
        predicted.setdefault(record.partition, []).append((record.offset, PREDICTIONS.decode(record)))
    rest = [tally for number, ones in predicted.items() for tally in count(_last_of(told, number), number, ones)]
    assert sum(total.frames for total in totals([*told, *rest]).values()) == frames


def _last_of(told: list[Tally], partition: int) -> Tally | None:
    """The tally of a partition that reaches furthest; None where its writer was killed before it told any."""
    return max((one for one in told if one.partition == partition), key=lambda one: one.up_to, default=None)


def judge_one(world: World, judged: Collection[str], kept: bool) -> dict[str, str]:
    """Judges one of the predictions that are there, a drawn one or another; nothing without one. Its id: the verdict's."""
    ours = drawn(world)
    for record in world.raw("predictions"):
        prediction: Prediction = PREDICTIONS.decode(record)
        name = prediction_id(record, prediction)
        if name not in judged and (sample_id_of(prediction) in ours) == kept:
            verdict = Verdict(
                verdict_id=ids.verdict_id("test", name),
                prediction_id=name,
                prediction=prediction,
                kind="rejected",
                reason="bad_box",
                caller="test",
                judged_at="2026-11-22T08:00:00Z",
            )
            world.send(new_verdict(verdict))
            return {name: verdict.verdict_id}
    return {}


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("world", MODES, indirect=True)
def test_feedback_killed_before_its_answer_makes_one_verdict_of_two_requests(
    world: World, host: tuple[str, Storage]
) -> None:
    runs = start_others(world, "feedback")
    world.publish(range(FRAMES_PER_KILL))
    world.start(runs)
    world.drain()
    producer = PRODUCERS["embedded" if world.embedded else "cluster"]
    verdict_ids = []
    for number, step in enumerate((f"{FEEDBACK}._need_new_key", f"{producer}.send", ANSWER)):
        world.stop(runs)
        world.start(runs, step, 1, "feedback")
        verdict_ids.append(_judged_in_spite_of_a_death(world, runs, step, number))
    world.drain()
    check_each_verdict_once(world, host[1], verdict_ids)
    check_nothing_lost_nothing_twice(world, host[1], FRAMES_PER_KILL)


def _judged_in_spite_of_a_death(world: World, runs: str, step: str, number: int) -> str:
    """A verdict's id, as the retry with the same key was told."""
    prediction_id = _prediction_id(world, number)
    body = {"prediction_id": prediction_id, "kind": "rejected", "reason": "false_positive"}
    with pytest.raises(httpx.TransportError):
        _post_once_up(world, body, f"key-{number}")
    await_death(world, runs, step)
    world.start(runs)
    answer = _post_once_up(world, body, f"key-{number}")
    assert answer.status_code == 202, answer.text
    return str(answer.json()["verdict_id"])


def _post_once_up(world: World, body: dict[str, str], key: str) -> httpx.Response:
    """As a patient client: a 503 says when to come again."""
    deadline_s = time.monotonic() + DIES_WITHIN_S
    while (answer := world.judge(body, key)).status_code == 503:
        assert time.monotonic() < deadline_s, answer.text
        time.sleep(0.2)
    return answer


def _prediction_id(world: World, number: int) -> str:
    record = world.raw("predictions")[number]
    return prediction_id(record, PREDICTIONS.decode(record))


def check_each_verdict_once(world: World, storage: Storage, verdict_ids: list[str]) -> None:
    """Each verdict has one revision, and at the host its image says it once."""
    assert len(set(verdict_ids)) == len(verdict_ids)
    assert {verdict.verdict_id for verdict in world.records("verdicts")} == set(verdict_ids)
    revisions = {(one.sample_id, one.revision) for one in world.records("samples") if one.kind == "revision"}
    assert sorted(revision for _, revision in revisions) == sorted(verdict_ids)
    at_host = [
        (sample_id, verdict["verdict_id"])
        for sample_id in {sample_id for sample_id, _ in revisions}
        for verdict in storage.annotation(sample_id)["verdicts"]
    ]
    assert sorted(at_host) == sorted(revisions)


@pytest.mark.slow
@pytest.mark.parametrize("world", MODES, indirect=True)
def test_images_leave_the_buffer_and_their_previews_stay(world: World, host: tuple[str, Storage]) -> None:
    for service in ("embedded",) if world.embedded else ("inference", "sampler", "uploader"):
        world.start(service)
    world.publish(range(10))
    world.drain()
    assert {name: world.stop(name) for name in list(world.processes)} == dict.fromkeys(_names(world), 0)
    check_nothing_lost_nothing_twice(world, host[1], 10)


def _names(world: World) -> tuple[str, ...]:
    return ("embedded",) if world.embedded else ("inference", "sampler", "uploader")
