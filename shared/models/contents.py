"""What a file holds, as far as its first bytes and its name say it. Knows formats, not what to do about them.

Promises: nothing is loaded or run; of a zip archive only names and the beginning of its pickle are read, bounded in size.
"""

import errno
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HEAD_BYTES = 4096
DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, NotImplementedError, RuntimeError, EOFError, ValueError)
PICKLE_BYTES = 4_000_000
"""Of a checkpoint's pickle: the class names stand in it, the weights beside it."""
_TORCH_MAGIC = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""The number with which checkpoints began before they were archives."""
_PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8")

_BY_NAME = {
    ".pt": "a checkpoint of PyTorch",
    ".pth": "a checkpoint of PyTorch",
    ".ckpt": "a checkpoint of PyTorch",
    ".torchscript": "a TorchScript",
    ".pt2": "a program of torch.export",
    ".engine": "a TensorRT engine",
    ".plan": "a TensorRT engine",
    ".trt": "a TensorRT engine",
    ".tflite": "a TensorFlow Lite model",
    ".h5": "a Keras model (HDF5)",
    ".hdf5": "a Keras model (HDF5)",
    ".keras": "a Keras model",
    ".pb": "a frozen graph of TensorFlow",
    ".xml": "an OpenVINO model",
    ".mlmodel": "a Core ML model",
    ".mlpackage": "a Core ML model",
    ".mlmodelc": "a Core ML model",
    ".safetensors": "weights in safetensors",
    ".ncnn": "an ncnn model",
    ".param": "an ncnn model",
    ".mnn": "an MNN model",
    ".pdmodel": "a Paddle model",
    ".pdiparams": "a Paddle model",
    ".rknn": "a model compiled for a chip",
    ".hef": "a model compiled for a chip",
    ".blob": "a model compiled for a chip",
    ".dlc": "a model compiled for a chip",
}


@dataclass(frozen=True, slots=True)
class Contents:
    """A file's first bytes; of an archive or a folder, the names in it and the beginning of its pickle."""

    path: Path
    head: bytes = b""
    names: tuple[str, ...] = ()
    pickle: bytes = b""
    is_folder: bool = False

    @classmethod
    def of(cls, path: Path) -> "Contents":
        """Raises OSError."""
        if path.is_dir():
            return cls(path, names=tuple(sorted(entry.name for entry in path.iterdir())), is_folder=True)
        if path.exists() and not path.is_file():  # a pipe would be waited for
            raise OSError(errno.EINVAL, "it is a pipe, a socket or a device", str(path))
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
            legacy = head + file.read(PICKLE_BYTES) if _TORCH_MAGIC in head[:64] else b""
        names, pickle = _archive(path) if head.startswith(b"PK") else ((), legacy)
        return cls(path, head, names, pickle)

    def holds(self, ending: str) -> bool:
        """Whether a file of that name is in the archive or folder, at whatever depth."""
        return any(name == ending or name.endswith(f"/{ending}") for name in self.names)


def kind_of(contents: Contents, by_name_alone: bool = False) -> str | None:
    """What the file is, in words; None for what may be ONNX."""
    path = contents.path
    if not by_name_alone:
        if contents.is_folder:
            return _folder(contents)
        found = next((kind for kind, is_one in _BY_CONTENT.items() if is_one(contents)), None)
        if found is not None:
            return found
    if path.name == "saved_model.pb":
        return "a SavedModel of TensorFlow"
    if path.suffix == ".bin":
        return _of_weights(path)
    return _BY_NAME.get(path.suffix.lower())


def _archive(path: Path) -> tuple[tuple[str, ...], bytes]:
    """(names, beginning of the pickle). A damaged archive has neither."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = tuple(archive.namelist())
            pickle = next((name for name in names if name.endswith("data.pkl")), None)
            return names, archive.open(pickle).read(PICKLE_BYTES) if pickle else b""
    except DAMAGED:
        return (), b""


def _folder(folder: Contents) -> str:
    if folder.holds("saved_model.pb"):
        return "a SavedModel of TensorFlow"
    if folder.path.suffix in (".mlpackage", ".mlmodelc"):
        return "a Core ML model"
    endings = {Path(name).suffix for name in folder.names}
    for ending in (".pdiparams", ".xml", ".param"):
        if ending in endings and ".onnx" not in endings:
            return {".pdiparams": "a Paddle model", ".xml": "an OpenVINO model", ".param": "an ncnn model"}[ending]
    return "a folder"


def _of_weights(path: Path) -> str | None:
    """`.bin` is half of several formats; what lies beside it says of which."""
    for beside, kind in ((".xml", "an OpenVINO model"), (".param", "an ncnn model")):
        if path.with_suffix(beside).is_file():
            return kind
    return "a checkpoint of PyTorch" if path.name == "pytorch_model.bin" else None


def _is_torch(contents: Contents) -> bool:
    return bool(contents.pickle) and (contents.holds("data.pkl") or not contents.names)


def _is_script(contents: Contents) -> bool:
    return contents.holds("data.pkl") and contents.holds("constants.pkl")


def _is_engine(contents: Contents) -> bool:
    """TensorRT's own mark; or the description with its length that Ultralytics puts before the engine."""
    head = contents.head
    if head.startswith((b"ptrt", b"ftrt")):
        return True
    described = len(head) > 8 and head[4:6] == b'{"' and b"Ultralytics" in head
    return described and struct.unpack("<I", head[:4])[0] < 1_000_000


def _is_safetensors(contents: Contents) -> bool:
    """Eight bytes of length, then JSON."""
    head = contents.head
    return len(head) > 9 and head[8:10] == b'{"' and struct.unpack("<Q", head[:8])[0] < 100_000_000


def _text(contents: Contents) -> bytes:
    return contents.head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()


_BY_CONTENT: dict[str, Callable[[Contents], bool]] = {
    "empty": lambda one: not one.head,
    "a pointer of Git LFS": lambda one: one.head.startswith(b"version https://git-lfs"),
    "a web page": lambda one: _text(one).startswith((b"<!doctype html", b"<html")),
    "a picture": lambda one: one.head.startswith(_PICTURES),
    "a TorchScript": _is_script,
    "a checkpoint of Ultralytics": lambda one: _is_torch(one) and b"ultralytics.nn" in one.pickle,
    "a checkpoint of YOLOv7": lambda one: _is_torch(one) and b"models.yolo" in one.pickle and b"IDetect" in one.pickle,
    "a checkpoint of YOLOv5": lambda one: _is_torch(one) and b"models.yolo" in one.pickle,
    "a checkpoint of RF-DETR": lambda one: _is_torch(one) and b"dinov2_windowed" in one.pickle,
    "a checkpoint of PyTorch": _is_torch,
    "a program of torch.export": lambda one: (
        one.holds("serialized_exported_program.json") or one.holds("models/model.json")
    ),
    "a Keras model": lambda one: one.holds("model.weights.h5"),
    "a TensorFlow Lite model": lambda one: one.head[4:8] == b"TFL3",
    "a Keras model (HDF5)": lambda one: one.head.startswith(b"\x89HDF\r\n\x1a\n"),
    "weights in safetensors": _is_safetensors,
    "a TensorRT engine": _is_engine,
    "an OpenVINO model": lambda one: _text(one).startswith((b"<?xml", b"<net ")) and b"<net " in one.head,
    "an ncnn model": lambda one: one.head.startswith(b"7767517"),
    "a model compiled for a chip": lambda one: one.head.startswith((b"RKNN", b"\x01HEF")),
    "an archive": lambda one: one.head.startswith((b"PK\x03\x04", b"\x1f\x8b", b"Rar!", b"7z\xbc\xaf")),
}
"""In this order: the first that recognises it."""
