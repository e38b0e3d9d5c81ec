"""Whatever a model's library returns: the same boxes, names and confidences travel."""

from typing import Any

import numpy as np
import pytest
import supervision
from gleaner import Unsupported
from gleaner.predictions import described, lowest

from tests.unit.clients.stand_ins import Boxes, Probs, Results

ROWS = [[1.0, 2.0, 30.0, 40.0, 0.9, 0], [5.0, 6.0, 20.0, 21.0, 0.06, 1]]


def plain(tracked: bool = False) -> list[dict[str, Any]]:
    return [
        {"box": [1, 2, 30, 40], "confidence": 0.9, "class_name": "package", "class_id": 0}
        | ({"tracker_id": 7} if tracked else {}),
        {"box": [5, 6, 20, 21], "confidence": 0.06, "class_name": "person", "class_id": 1}
        | ({"tracker_id": 9} if tracked else {}),
    ]


class TestUltralytics:
    def test_boxes(self) -> None:
        said = described(Results(Boxes(ROWS)))
        assert said["detections"] == plain()
        assert said["timings_ms"] == {"preprocess": 1.235, "inference": 20.0}

    def test_the_list_of_one_that_a_model_returns(self) -> None:
        assert described([Results(Boxes(ROWS))]) == described(Results(Boxes(ROWS)))

    def test_tracked(self) -> None:
        assert described(Results(Boxes(ROWS, [7, 9])))["detections"] == plain(tracked=True)

    def test_nothing_seen(self) -> None:
        assert described(Results(Boxes([])))["detections"] == []

    def test_oriented_boxes_travel_upright(self) -> None:
        assert described(Results(obb=Boxes(ROWS)))["detections"] == plain()

    def test_a_classifier(self) -> None:
        said = described(Results(probs=Probs([0.2, 0.8])))
        assert (said["task"], [one["class_name"] for one in said["classes"]]) == ("classify", ["person", "package"])

    def test_of_several_images_it_is_not_known_which_is_meant(self) -> None:
        with pytest.raises(Unsupported, match="one image"):
            described([Results(Boxes(ROWS)), Results(Boxes(ROWS))])

    def test_masks_alone_are_not_understood(self) -> None:
        with pytest.raises(Unsupported, match="neither boxes nor probs"):
            described(Results())


class TestSupervision:
    def found(self, **more: Any) -> supervision.Detections:
        data = np.array(ROWS, np.float32)
        fields = {"xyxy": data[:, :4], "confidence": data[:, 4], "class_id": data[:, 5].astype(int)}
        return supervision.Detections(**{**fields, **more})

    def test_with_names(self) -> None:
        names = {"class_name": np.array(["package", "person"])}
        assert described(self.found(data=names))["detections"] == plain()
        assert described(self.found(data=names, tracker_id=np.array([7, 9])))["detections"] == plain(tracked=True)

    @pytest.mark.parametrize("names", [["package", "person"], {0: "package", 1: "person"}])
    def test_with_the_clients_names(self, names: Any) -> None:
        assert described(self.found(), names)["detections"] == plain()

    def test_without_any_names_the_numbers_say_it(self) -> None:
        assert [one["class_name"] for one in described(self.found())["detections"]] == ["class 0", "class 1"]

    def test_names_without_numbers(self) -> None:
        said = described(self.found(class_id=None, data={"class_name": np.array(["package", "person"])}))
        assert [(one["class_name"], "class_id" in one) for one in said["detections"]] == [
            ("package", False),
            ("person", False),
        ]

    def test_nothing_seen(self) -> None:
        assert described(supervision.Detections.empty()) == {"detections": []}

    def test_without_confidence_it_is_nothing(self) -> None:
        with pytest.raises(Unsupported, match="no confidence"):
            described(self.found(confidence=None))

    def test_a_name_that_is_missing(self) -> None:
        with pytest.raises(Unsupported, match="IndexError"):
            described(self.found(), ["package"])

    def test_a_classifier(self) -> None:
        found = supervision.Classifications(class_id=np.array([0, 1]), confidence=np.array([0.2, 0.8]))
        said = described(found, ["ok", "torn"])
        assert [one["class_name"] for one in said["classes"]] == ["torn", "ok"]


class TestPlain:
    def test_a_list(self) -> None:
        assert described(plain()) == {"detections": plain()}
        assert described([]) == described(()) == {"detections": []}

    def test_numbers_of_numpy(self) -> None:
        one = {"box": np.array(ROWS[0][:4], np.float32), "confidence": np.float16(1.0), "class_name": "package"}
        said = described([{**one, "class_id": np.int64(0), "tracker_id": None}])
        assert said == {
            "detections": [{"box": [1, 2, 30, 40], "confidence": 1.0, "class_name": "package", "class_id": 0}]
        }

    def test_a_classifiers_list(self) -> None:
        assert described([{"class_name": "ok", "confidence": 0.7}])["task"] == "classify"

    def test_a_dict_says_more(self) -> None:
        said = described({"model_id": "m", "detections": plain(), "timings_ms": {"model": 3}})
        assert said == {"model_id": "m", "detections": plain(), "timings_ms": {"model": 3}}

    @pytest.mark.parametrize(
        "said", [7, "boxes", object(), [7], [{"box": 3}], [{"box": ["a", 0, 0, 0]}], {"detections": 7}]
    )
    def test_anything_else_is_said_at_once(self, said: object) -> None:
        with pytest.raises(Unsupported) as caught:
            described(said)
        assert caught.value.where == "predictions"


def test_the_weakest() -> None:
    assert lowest(described(plain())) == 0.06
    assert lowest(described([])) is None


@pytest.mark.parametrize("wrong", [float("nan"), 1.5, 83.0])
def test_a_confidence_that_is_none_never_becomes_certainty(wrong: float) -> None:
    """The service refuses it, and says so."""
    (said,) = described([{"box": [1, 2, 3, 4], "class_name": "package", "confidence": np.float32(wrong)}])["detections"]
    assert said["confidence"] != 1.0
    assert not said["confidence"] <= 1.0


def test_what_half_precision_rounds_past_one_is_one() -> None:
    (said,) = described([{"box": [1, 2, 3, 4], "class_name": "package", "confidence": 1 + 2**-10}])["detections"]
    assert said["confidence"] == 1.0


def test_a_box_that_is_none_is_no_classifiers_class() -> None:
    said = described([{"box": None, "class_name": "package", "confidence": 0.5}])
    assert "detections" in said
