"""The label-efficiency benchmark in small, with a learner of its own: no scikit-learn, seconds. Asserts shapes, no figures.

What the page shows is held to the CSV here, and the caveats to the page.
"""

from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from tests.benchmarks.label_efficiency import experiment, figures, pictures, tables
from tests.benchmarks.label_efficiency.arms import RANDOM, Arm, arms
from tests.benchmarks.label_efficiency.digits import BRIGHTEST, Digits
from tests.benchmarks.label_efficiency.figures import Curves, Row
from tests.benchmarks.label_efficiency.learners import Trained
from tests.benchmarks.label_efficiency.stream import CLASSES, Plan, stream

PLAN = Plan(rounds=3, extra_rounds=1, clips_a_round=6, initial_labels=10, labels_a_round=8, frames_a_second=2)
MEASURES = False
"""No times: it runs with all other tests."""
DOCS = Path(__file__).parents[2] / "docs"
ARMS = arms(PLAN)


def made_up_digits() -> Digits:
    """Ten patterns that no two share much of, each drawn ten times."""
    rng = np.random.default_rng(1)
    patterns = rng.integers(0, 2, (CLASSES, 8, 8)) * rng.uniform(8, BRIGHTEST, (10 * CLASSES, 8, 8)).reshape(
        10, CLASSES, 8, 8
    )
    return Digits((patterns.reshape(-1, 8, 8) / BRIGHTEST).astype(np.float32), np.tile(np.arange(CLASSES), 10))


def nearest_mean(seen: NDArray[np.float32], truth: NDArray[np.int64], seed: int) -> Trained:
    """Softmax of how near the classes' means are: a classifier that numpy alone can train. As ONNX."""
    classes = np.unique(truth)
    means = np.stack([seen[truth == label].mean(axis=0) for label in classes])
    weights = numpy_helper.from_array((4 * means.T).astype(np.float32), "weights")
    bias = numpy_helper.from_array((-2 * (means**2).sum(axis=1)).astype(np.float32), "bias")
    nodes = [
        helper.make_node("Gemm", ["seen", "weights", "bias"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["probabilities"]),
    ]
    taken = helper.make_tensor_value_info("seen", TensorProto.FLOAT, ["n", seen.shape[1]])
    given = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", len(classes)])
    graph = helper.make_graph(nodes, "nearest_mean", [taken], [given], [weights, bias])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return Trained(model.SerializeToString(), tuple(int(label) for label in classes))


def rows_of(folder: Path, *some: Arm) -> list[Row]:
    return list(experiment.rows(made_up_digits(), PLAN, some, {"nearest mean": nearest_mean}, 0, folder / "world"))


def test_the_stream_changes_camera_in_the_middle_and_shows_one_digit_a_clip() -> None:
    shown = stream(made_up_digits(), PLAN, np.random.default_rng(0))
    frames = (PLAN.rounds + PLAN.extra_rounds) * PLAN.frames_a_round
    assert shown.pictures.shape == (frames, pictures.SIDE_PX, pictures.SIDE_PX)
    assert shown.seen.shape == (frames, pictures.SEEN_PX**2)
    assert (shown.truth.reshape(-1, PLAN.frames_a_clip) == shown.truth[:: PLAN.frames_a_clip, None]).all()
    half = PLAN.rounds * PLAN.frames_a_round // 2
    contrast = shown.pictures.reshape(frames, -1).std(axis=1)
    assert contrast[:half].mean() > 1.3 * contrast[half:].mean()
    assert len(shown.initial_truth) == PLAN.initial_labels


@pytest.mark.parametrize("arm", ARMS, ids=lambda arm: str(arm.name))
def test_an_arm_spends_labels_round_by_round_on_frames_of_the_log(tmp_path: Path, arm: Arm) -> None:
    made = rows_of(tmp_path, arm)
    assert [row.round for row in made] == list(range(len(made)))
    assert PLAN.rounds < len(made) <= PLAN.rounds + PLAN.extra_rounds + 1
    labels = [row.labels for row in made]
    assert labels[0] == PLAN.initial_labels
    assert labels == sorted(labels)
    assert PLAN.initial_labels < labels[-1] <= PLAN.labels + 3 * PLAN.labels_a_round
    assert all(0 < row.clips <= row.labels - PLAN.initial_labels for row in made if row.labels > PLAN.initial_labels)
    assert all(0 <= row.balanced_accuracy <= 1 for row in made)
    assert list(tmp_path.iterdir()) == []


def test_the_same_seed_gives_the_same_curve(tmp_path: Path) -> None:
    """Also with plans and gates: how fast the machine is decides nothing."""
    assert rows_of(tmp_path, ARMS[-1]) == rows_of(tmp_path, ARMS[-1])


def a_curve(arm: str, seed: int, *accuracies: float) -> list[Row]:
    return [Row("one", arm, seed, i, 30 + 20 * i, i * 10, accuracy) for i, accuracy in enumerate(accuracies)]


def test_figures_are_read_off_the_curves_and_never_past_their_end() -> None:
    curves = Curves(
        [*a_curve(RANDOM, 0, 0.2, 0.4), *a_curve("margin", 0, 0.2, 0.6, 0.8), *a_curve("margin", 1, 0.2)], "one"
    )
    assert curves.at(RANDOM, 40)[0] == pytest.approx(0.3)
    assert np.isnan(curves.at(RANDOM, 51)[0])
    assert np.isnan(curves.at(RANDOM, 40)[1])
    assert curves.at("margin", 60)[0] == pytest.approx(0.7)


def test_labels_to_reach_and_paired_differences() -> None:
    both = [[*a_curve(RANDOM, seed, 0.2, 0.4), *a_curve("margin", seed, 0.2, 0.6 + seed / 10)] for seed in (0, 1)]
    curves = Curves([row for rows in both for row in rows], "one")
    assert curves.labels_to_reach("margin", 0.4, 50) == 39
    assert curves.labels_to_reach(RANDOM, 0.5, 50) is None
    difference = curves.difference("margin", RANDOM, 50)
    assert difference.mean == pytest.approx(0.25)
    assert difference.error == pytest.approx(0.05)
    assert curves.clips_a_label("margin", 1) == pytest.approx(0.5)


def test_rows_are_the_same_after_the_csv(tmp_path: Path) -> None:
    rows = a_curve(RANDOM, 3, 0.25, 0.5)
    figures.write(rows, tmp_path / "some.csv")
    assert figures.read(tmp_path / "some.csv") == rows


def test_the_page_shows_the_figures_of_the_csv_and_the_caveats() -> None:
    page = (DOCS / "label-efficiency.md").read_text(encoding="utf-8")
    plan = Plan()
    assert tables.figures(figures.read(DOCS / "label-efficiency.csv"), arms(plan), plan) in page
    assert tables.CAVEATS in page
    assert (DOCS / "pictures" / "label-efficiency.png").stat().st_size < 250_000
