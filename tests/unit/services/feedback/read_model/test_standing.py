"""A fold of the verdicts that stand, of silence, and of new ones is a fold of all: what the read model rests on."""

import itertools
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.feedback.accuracy.judging import judge
from services.feedback.read_model.standing import agreements, standing
from shared.streams.frames import FrameRef
from shared.streams.predictions import Detection, Prediction
from shared.streams.verdicts import Label, Verdict
from tests.unit.services.feedback.read_model.making import verdict_of

FRAME = FrameRef(stream="frames", partition=0, offset=1, time_ms=1, frame_id="f", sha256="0" * 64, size=1)
BOXES = tuple(
    Detection(box=(100 * i, 0, 100 * i + 90, 90), class_id=0, class_name="cup", confidence=confidence)
    for i, confidence in enumerate((0.9, 0.8, 0.2))
)
PREDICTION = Prediction(
    frame=FRAME,
    source_id="door",
    width_px=640,
    height_px=480,
    model_id="kitchen",
    model_version="1",
    threshold=0.5,
    detections=BOXES,
)


@st.composite
def _verdicts(draw: st.DrawFn) -> list[Verdict]:
    return [_verdict(draw, number) for number in range(draw(st.integers(0, 8)))]


def _verdict(draw: st.DrawFn, number: int) -> Verdict:
    kind = draw(st.sampled_from(["confirmed", "rejected", "missed", "corrected", "unsure", "affirmed"]))
    changes: dict[str, Any] = {"reviewer": draw(st.sampled_from(["ann", "ben", "bot"]))}
    if kind not in ("missed", "affirmed"):
        changes["detection_index"] = draw(st.sampled_from([None, 0, 1, 2]))
    if kind == "corrected":
        label = Label(class_name=draw(st.sampled_from(["cup", "plate"])), box=BOXES[0].box)
        changes |= {"label": label} if changes["detection_index"] is not None else {"labels": (label,)}
    return verdict_of(PREDICTION, kind, verdict_id=f"v{number}", **changes)


@given(verdicts=_verdicts(), cuts=st.lists(st.integers(0, 8), max_size=3))
def test_folding_piece_by_piece_decides_what_folding_at_once_does(verdicts: list[Verdict], cuts: list[int]) -> None:
    stand: list[Verdict] = []
    edges = [0, *sorted(min(cut, len(verdicts)) for cut in cuts), len(verdicts)]
    for since, until in itertools.pairwise(edges):
        kept = [one for one in verdicts[:since] if one in stand or one.kind == "affirmed"]
        stand = standing([*kept, *verdicts[since:until]], {"bot"})

    assert stand == standing(verdicts, {"bot"})
    assert judge(PREDICTION, stand, {"bot"}) == judge(PREDICTION, verdicts, {"bot"})


@given(verdicts=_verdicts())
def test_nobody_agrees_with_themselves(verdicts: list[Verdict]) -> None:
    told = dict(agreements(verdicts))
    by_id = {verdict.verdict_id: verdict for verdict in verdicts}

    assert all(by_id[one].kind != "unsure" for one in told)
    if len({verdict.reviewer for verdict in verdicts}) < 2:
        assert not told
