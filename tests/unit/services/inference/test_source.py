"""Where versions come from: files that hold still, copied so that nothing that happens to them later is felt; releases."""

import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from services.inference.models.releases import Releases
from services.inference.models.source import BucketSource, Candidate, FileSource
from shared.adapters.embedded.file_images import FileImages
from shared.errors import SettingsError, Unavailable
from shared.models.config import ModelConfig
from shared.models.files import ModelFiles
from shared.models.model import Model
from tests.unit.shared.models.built_models import detector


def held_still(source: FileSource) -> Candidate:
    source.candidates()
    (candidate,) = source.candidates()
    return candidate


def version(config: ModelConfig) -> str:
    assert config.path is not None
    return ModelFiles.of(config.path, config.sidecar).version


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return detector(tmp_path / "best.onnx")


@pytest.fixture
def source(path: Path) -> FileSource:
    return FileSource(ModelConfig(path=path))


def test_a_change_counts_once_two_looks_saw_the_same(source: FileSource, path: Path) -> None:
    before = held_still(source)
    assert source.candidates() == [before]
    with path.open("ab") as file:
        file.write(b"half")
    assert source.candidates() == []
    with path.open("ab") as file:
        file.write(b"and half")
    assert source.candidates() == []
    (after,) = source.candidates()
    assert after != before


def test_a_file_replaced_by_one_of_the_same_size_and_time_is_another(source: FileSource, path: Path) -> None:
    before = held_still(source)
    found = path.stat()
    other = path.with_name("other")
    other.write_bytes(bytes(found.st_size))
    os.utime(other, ns=(found.st_atime_ns, found.st_mtime_ns))
    other.replace(path)
    assert held_still(source) != before


@pytest.mark.parametrize("name", ["best.gleaner.yaml", "config.json", "preprocessor_config.json"])
def test_what_is_put_beside_it_is_a_change(source: FileSource, path: Path, name: str) -> None:
    before = held_still(source)
    (path.parent / name).write_text("{}", encoding="utf-8")
    assert held_still(source) != before


def test_other_files_in_its_folder_are_none(source: FileSource, path: Path) -> None:
    before = held_still(source)
    (path.parent / "notes.txt").write_text("by hand", encoding="utf-8")
    assert held_still(source) == before


def test_a_file_that_is_gone_is_a_change_and_cannot_be_fetched(source: FileSource, path: Path, tmp_path: Path) -> None:
    before = held_still(source)
    path.unlink()
    candidate = held_still(source)
    assert candidate != before
    with pytest.raises(SettingsError, match=r"there is no .*best\.onnx"):
        source.fetch(candidate, tmp_path / "copy")


def test_a_file_that_changes_while_it_is_read_is_left_for_later(source: FileSource, path: Path, tmp_path: Path) -> None:
    candidate = held_still(source)
    detector(path, width=12)
    with pytest.raises(Unavailable, match="changes while it is read"):
        source.fetch(candidate, tmp_path / "copy")


def test_the_copy_is_the_version_with_all_that_belongs_to_it(path: Path, tmp_path: Path) -> None:
    sidecar = tmp_path / "elsewhere.yaml"
    sidecar.write_text("names: [a, b, c]\n", encoding="utf-8")
    source = FileSource(ModelConfig(path=path, sidecar=sidecar, class_thresholds={"a": 0.2}))
    config = source.fetch(held_still(source), tmp_path / "copy")
    assert Model(config).names == ("a", "b", "c")
    assert (config.model_id, config.class_thresholds) == ("best", {"a": 0.2})
    assert sorted(file.name for file in (tmp_path / "copy").iterdir()) == ["best.gleaner.yaml", "best.onnx"]


def test_a_folder_is_looked_at_too(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    detector(folder / "best.onnx")
    source = FileSource(ModelConfig(path=folder))
    before = held_still(source)
    (folder / "best.onnx").unlink()
    detector(folder / "other.onnx")
    after = held_still(source)
    assert after != before
    assert source.fetch(after, tmp_path / "copy").path == tmp_path / "copy" / "other.onnx"
    detector(folder / "third.onnx")
    with pytest.raises(SettingsError, match="holds 2 models"):
        source.fetch(held_still(source), tmp_path / "again")


def mapped(path: Path) -> Path:
    """A model whose weights lie beside it, where onnxruntime maps them into memory and reads them with each run."""
    weights = numpy_helper.from_array(np.linspace(0, 1, 12_288, dtype=np.float32).reshape(1, 3, 64, 64), "w")
    graph = helper.make_graph(
        [
            helper.make_node("Add", ["images", "w"], ["sum"]),
            helper.make_node("GlobalAveragePool", ["sum"], ["pooled"]),
            helper.make_node("Flatten", ["pooled"], ["flat"]),
            helper.make_node("Softmax", ["flat"], ["output0"]),
        ],
        "mapped",
        [helper.make_tensor_value_info("images", 1, [1, 3, 64, 64])],
        [helper.make_tensor_value_info("output0", 1, [1, 3])],
        [weights],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {"task": "classify", "names": "{0: 'a', 1: 'b', 2: 'c'}", "imgsz": "[64, 64]"})
    onnx.save(model, str(path), save_as_external_data=True, location="w.bin", size_threshold=0)
    return path


def test_weights_that_are_cut_short_do_not_touch_the_version_that_runs(tmp_path: Path) -> None:
    """Mapped weights of a file that shrinks end a process with SIGBUS; those of a copy do not shrink."""
    path = mapped(tmp_path / "big.onnx")
    source = FileSource(ModelConfig(path=path, family="classify"))
    config = source.fetch(held_still(source), tmp_path / "copy")
    model = Model(config)
    session = model.open_session()
    prepared = model.prepare(model.blank())
    watched = held_still(source)
    before = model.run(session, [prepared])[0]["output0"].tolist()
    os.truncate(tmp_path / "w.bin", 0)
    assert model.run(session, [prepared])[0]["output0"].tolist() == before
    assert held_still(source) != watched, "a change of the weights alone is a change"


def test_the_newest_release_comes_first_and_each_version_once(tmp_path: Path) -> None:
    images = FileImages(tmp_path / "bucket")
    releases = Releases(images, "doors")
    source = BucketSource(ModelConfig(id="doors"), images)
    assert source.candidates() == []
    assert "nothing was pushed as doors yet" in source.empty
    for version in ("aaaaaaaaaaaa", "bbbbbbbbbbbb", "aaaaaaaaaaaa"):
        releases.release(version, "push")
    assert [candidate.version for candidate in source.candidates()] == ["aaaaaaaaaaaa", "bbbbbbbbbbbb"]
    before = source.candidates()[0]
    releases.release("bbbbbbbbbbbb", "push")
    releases.release("aaaaaaaaaaaa", "rollback")
    assert source.candidates()[0] != before, "released again is worth another try"


def test_a_release_is_fetched_for_the_settings_that_name_it(tmp_path: Path, path: Path) -> None:
    images = FileImages(tmp_path / "bucket")
    pushed = Model(ModelConfig(path=path))
    Releases(images, "doors").push(pushed)
    source = BucketSource(ModelConfig(id="doors", threshold=0.7), images)
    config = source.fetch(source.candidates()[0], tmp_path / "copy")
    assert (version(config), config.threshold, config.model_id) == (pushed.version, 0.7, "doors")
