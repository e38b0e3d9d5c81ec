"""What nobody can mean is refused in the sidecar's own words, before a model runs with it."""

from pathlib import Path

import pytest
import yaml

from shared.errors import SettingsError
from shared.models import sidecar


def said(folder: Path, text: str) -> sidecar.Sidecar:
    (folder / "best.gleaner.yaml").write_text(text)
    return sidecar.read(folder / "best.gleaner.yaml")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("famly: yolov5", "did you mean 'family'"),
        ("input: {size: [0, 0]}", "input.size.0"),
        ("input: {size: [640, 100000]}", "input.size.1"),
        ("input: {std: [0.2, 0, 0.2]}", "input.std.1"),
        ("input: {std: [-1, 1, 1]}", "input.std.0"),
        ("input: {mean: [0.5, 0.5]}", "input.mean.2"),
        ("input: {mean: [.nan, 0, 0]}", "input.mean.0"),
        ("input: {scale: .inf}", "input.scale"),
        ("input: {scale: 0}", "input.scale"),
        ("max_det: 0", "max_det"),
        ("nms: {iou: .nan}", "nms.iou"),
        ("names: []", "at least one class name"),
        ("names: none.txt", "No such file"),
        ("names: /etc/passwd", "a file beside"),
        ("names: ../names.txt", "a file beside"),
        ("names: /dev/zero", "a file beside"),
        ("names: &a [*a]", "it holds itself"),
    ],
)
def test_what_nobody_can_mean_is_refused(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(SettingsError) as caught:
        said(tmp_path, text)
    assert why in str(caught.value)


def test_names_lie_beside_or_below(tmp_path: Path) -> None:
    (tmp_path / "classes").mkdir()
    (tmp_path / "classes" / "names.txt").write_text("cart\n\nperson\n")
    assert said(tmp_path, "names: classes/names.txt").names == ("cart", "person")


def test_ten_thousand_names_are_read(tmp_path: Path) -> None:
    names = {number: f"class {number}" for number in range(10_000)}
    assert said(tmp_path, yaml.safe_dump({"names": names})).names == names
