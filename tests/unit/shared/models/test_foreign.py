"""What is no ONNX is known by its content, whatever it is called, and the command beside it is the one to type."""

import gzip
import json
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.models import contents, foreign
from shared.models.foreign import objection
from tests.unit.shared.models.built_models import detector

MISLEADING = "model.onnx"
"""A name that says nothing of what is inside."""


def archive(path: Path, **members: bytes) -> None:
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            file.writestr(name.replace("__", "/").replace("_DOT_", "."), content)


def checkpoint(path: Path, pickled: bytes) -> None:
    archive(path, archive__data_DOT_pkl=pickled, archive__version=b"3\n", archive__data__0=bytes(64))


def ultralytics(path: Path) -> None:
    checkpoint(path, b"\x80\x02}q\x00(X\x05\x00\x00\x00modelcultralytics.nn.tasks\nDetectionModel\n")


def torchscript(path: Path) -> None:
    archive(path, best__data_DOT_pkl=b"\x80\x02", best__constants_DOT_pkl=b"\x80\x02", best__code__a_DOT_py=b"")


def described_engine(path: Path) -> None:
    words = json.dumps({"description": "Ultralytics YOLO11n model", "names": {"0": "cart"}}).encode()
    path.write_bytes(struct.pack("<I", len(words)) + words + b"ftrt" + bytes(64))


def safetensors(path: Path) -> None:
    words = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    path.write_bytes(struct.pack("<Q", len(words)) + words + bytes(4))


def legacy(path: Path) -> None:
    path.write_bytes(pickle.dumps(0x1950A86A20F9469CFC6C, 2) + b"\x80\x02M\xe9\x03.cultralytics.nn.tasks\n")


def holding(content: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(content)

    return write


KINDS: dict[str, tuple[Callable[[Path], None], str]] = {
    "a checkpoint of Ultralytics": (ultralytics, "yolo export model=model.onnx format=onnx"),
    "a checkpoint of YOLOv5": (
        lambda path: checkpoint(path, b"\x80\x02cmodels.yolo\nDetectionModel\n"),
        "python export.py --weights model.onnx --include onnx",
    ),
    "a checkpoint of YOLOv7": (
        lambda path: checkpoint(path, b"\x80\x02cmodels.yolo\nModel\ncmodels.yolo\nIDetect\n"),
        "python export.py --weights model.onnx --grid",
    ),
    "a checkpoint of RF-DETR": (
        lambda path: checkpoint(path, b"\x80\x02X\x07\x00\x00\x00encoderdinov2_windowed_small"),
        'RFDETRMedium(pretrain_weights="model.onnx").export()',
    ),
    "a checkpoint of PyTorch": (lambda path: checkpoint(path, b"\x80\x02}."), "torch.onnx.export(network.eval()"),
    "a TorchScript": (torchscript, 'torch.onnx.export(torch.jit.load("model.onnx")'),
    "a program of torch.export": (
        lambda path: archive(path, m__models__model_DOT_json=b"{}"),
        'torch.export.load("model.onnx")',
    ),
    "a Keras model": (
        lambda path: archive(path, model_DOT_weights_DOT_h5=b""),
        'keras.saving.load_model("model.onnx").export(',
    ),
    "a Keras model (HDF5)": (holding(b"\x89HDF\r\n\x1a\n" + bytes(64)), "tf2onnx.convert --keras model.onnx"),
    "a TensorFlow Lite model": (holding(b"\x1c\0\0\0TFL3" + bytes(64)), "tf2onnx.convert --tflite model.onnx"),
    "weights in safetensors": (safetensors, "optimum-cli export onnx --model . onnx-model"),
    "a TensorRT engine": (described_engine, "yolo export model=model.pt format=onnx"),
    "an OpenVINO model": (holding(b'<?xml version="1.0"?>\n<net name="m" version="11">'), "cannot be turned back"),
    "an ncnn model": (holding(b"7767517\n3 3\nInput in0 0 1 in0\n"), "cannot be turned back"),
    "a model compiled for a chip": (holding(b"RKNN" + bytes(64)), "cannot be turned back"),
    "a pointer of Git LFS": (
        holding(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"),
        "git lfs pull --include model.onnx",
    ),
    "a web page": (holding(b"\n<!DOCTYPE html><html><body>Sign in</body></html>"), "download the file itself"),
    "a picture": (holding(b"\xff\xd8\xff\xe0" + bytes(64)), "expected an exported .onnx file".capitalize()),
    "an archive": (holding(gzip.compress(b"model")), "Unpack it"),
    "empty": (holding(b""), "fetch it again"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_content_counts_whatever_the_name_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.chdir(tmp_path)
    write, command = KINDS[kind]
    write(Path(MISLEADING))
    said = objection(Path(MISLEADING)) or ""
    assert said.startswith(f"model.onnx is {kind}, no ONNX model. ")
    assert command in said


def test_every_kind_that_content_tells_is_tried_here_and_has_its_advice() -> None:
    assert set(contents._BY_CONTENT) == set(KINDS)
    assert set(KINDS) | set(contents._BY_NAME.values()) <= set(foreign._ADVICE)


def test_an_onnx_model_is_not_refused_whatever_it_is_called(tmp_path: Path) -> None:
    for name in ("best.onnx", "best", "best.v2", "best.ONNX", "weights.bin"):
        assert objection(detector(tmp_path / name)) is None


NAMED = {
    "best.pt": "yolo export model=best.pt format=onnx",
    "best.pth": "torch.onnx.export(",
    "best.engine": "yolo export model=best.pt format=onnx",
    "best.plan": "compiled for one GPU",
    "best.pb": "--graphdef best.pb",
    "best.mlmodel": "Core ML",
    "best.mnn": "MNN",
    "best.pdiparams": "paddle2onnx --model_dir . --model_filename best.pdmodel --params_filename best.pdiparams",
    "saved_model.pb": "--saved-model . --output model.onnx",
    "pytorch_model.bin": "torch.onnx.export(",
}


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("there", [True, False])
def test_a_name_counts_where_content_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, there: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    if there:
        Path(name).write_bytes(b"\x08\x01 nothing that anybody knows")
    said = objection(Path(name)) or ""
    assert NAMED[name] in said
    assert said.startswith(f"{name} is a" if there else f"there is no {name}, and by its name it would be a")


@pytest.mark.parametrize(("beside", "kind"), [(".xml", "an OpenVINO model"), (".param", "an ncnn model")])
def test_weights_are_known_by_what_lies_beside_them(tmp_path: Path, beside: str, kind: str) -> None:
    (tmp_path / "best.bin").write_bytes(bytes(64))
    (tmp_path / f"best{beside}").touch()
    assert kind in (objection(tmp_path / "best.bin") or "")


FOLDERS = {
    "gate_saved_model": ("saved_model.pb", "--saved-model gate_saved_model --output gate.onnx"),
    "gate_openvino_model": ("gate.xml", "yolo export model=gate.pt format=onnx"),
    "gate_ncnn_model": ("model.ncnn.param", "yolo export model=gate.pt format=onnx"),
    "gate_paddle_model": ("inference.pdiparams", "--model_dir gate_paddle_model --model_filename inference.pdmodel"),
    "gate.mlpackage": ("Manifest.json", "yolo export model=gate.pt format=onnx"),
    "exports": ("gate.onnx", "Name the file in it: exports/gate.onnx"),
    "nothing": ("read.me", "Expected a file, exported as .onnx"),
}


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_is_known_by_what_is_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    inside, command = FOLDERS[name]
    Path(name).mkdir()
    (Path(name) / inside).write_bytes(b"\x08\x01")
    assert command in (objection(Path(name)) or "")


def test_the_folder_one_stands_in_has_a_name_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("saved_model.pb").touch()
    assert "--saved-model . --output model.onnx" in (objection(Path()) or "")


def test_the_json_graph_of_a_newer_paddle_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("inference.json").write_text("{}")
    Path("inference.pdiparams").write_bytes(bytes(9))
    assert "--model_filename inference.json" in (objection(Path("inference.pdiparams")) or "")


def test_a_name_is_quoted_for_the_shell_as_it_was_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my models").mkdir()
    ultralytics(Path("my models/it's best.pt"))
    said = objection(Path("my models/it's best.pt")) or ""
    assert """yolo export model='my models/it'"'"'s best.pt' format=onnx""" in said
    torchscript(Path("$(reboot) ok.torchscript"))
    said = objection(Path("$(reboot) ok.torchscript")) or ""
    assert """python -c 'import torch; torch.onnx.export(torch.jit.load("$(reboot) ok.torchscript")""" in said


def test_checkpoints_from_before_archives_are_known(tmp_path: Path) -> None:
    legacy(tmp_path / "old.onnx")
    assert "a checkpoint of Ultralytics" in (objection(tmp_path / "old.onnx") or "")


def test_a_damaged_archive_says_that_it_is_an_archive(tmp_path: Path) -> None:
    ultralytics(tmp_path / "cut.onnx")
    cut = (tmp_path / "cut.onnx").read_bytes()[:60]
    (tmp_path / "cut.onnx").write_bytes(cut)
    assert "is an archive" in (objection(tmp_path / "cut.onnx") or "")


def test_a_file_that_is_a_loop_of_links_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "loop.onnx").symlink_to("loop.onnx")
    assert "cannot read" in (objection(tmp_path / "loop.onnx") or "")


@given(
    method=st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]),
    flips=st.lists(st.tuples(st.integers(4, 10_000), st.integers(1, 255)), min_size=1, max_size=5),
)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_archive_is_no_model_either(tmp_path: Path, method: int, flips: list[tuple[int, int]]) -> None:
    path = tmp_path / "best.pt"
    with zipfile.ZipFile(path, "w", method) as file:
        file.writestr("archive/data.pkl", b"\x80\x02cultralytics.nn.tasks\nDetectionModel\n" + bytes(range(256)) * 3)
        file.writestr("archive/version", "3\n")
    damaged = bytearray(path.read_bytes())
    for at, flip in flips:
        damaged[4 + at % (len(damaged) - 4)] ^= flip
    path.write_bytes(damaged)
    assert objection(path)
