"""A model file that is no ONNX: which format it is, by its content first and by its name second, and what makes an ONNX of it.

Promises: reads a few kilobytes and loads nothing; names stand in the commands as the user typed them, quoted for a shell.
What a command cannot make (an engine that was compiled for one chip) is said, with the file to go back to.
"""

import json
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from shared.errors import SettingsError
from shared.models.contents import Contents, kind_of

_EXPORTED = re.compile(r"(_saved_model|(_int8)?_openvino_model|_ncnn_model|_paddle_model|\.mlpackage|\.mlmodelc)$")
"""What exporters put behind the checkpoint's name when they make a folder of it."""
_LOCATION = re.compile(rb"\n\x08location\x12([\x80-\xff]?[\x01-\x7f])")
"""ONNX's external data: the key `location`, then the length of its value, seven bits a byte (protobuf's varint)."""


@dataclass(frozen=True, slots=True)
class _Names:
    """The names that a command needs, quoted."""

    path: Path

    @property
    def file(self) -> str:
        return shlex.quote(str(self.path))

    @property
    def stem(self) -> Path:
        name = _EXPORTED.sub("", self.path.name) if self.path.is_dir() else self.path.stem
        return self.path.parent / (name or "model")

    def ending(self, suffix: str) -> str:
        return shlex.quote(f"{self.stem}{suffix}")

    @property
    def onnx(self) -> str:
        return self.ending(".onnx")

    def python(self, code: str) -> str:
        """One line of Python, in which FILE and ONNX stand for the names."""
        for word, name in (("FILE", self.path), ("ONNX", f"{self.stem}.onnx")):
            code = code.replace(word, json.dumps(str(name), ensure_ascii=False))
        return f"python -c {shlex.quote(code)}"


def graph_in(path: Path) -> Path:
    """The .onnx file that a path names: itself, or the one in the folder. Raises SettingsError for several."""
    if not path.is_dir() or not (inside := sorted(path.glob("*.onnx"))):
        return path
    usual = path / "model.onnx"
    if len(inside) > 1 and usual not in inside:
        names = ", ".join(one.name for one in inside[:5])
        raise SettingsError(f"model.path: {path} holds {len(inside)} models ({names}): name one of them")
    return usual if usual in inside else inside[0]


def refuse_foreign(path: Path) -> None:
    """Raises SettingsError unless the file is there, can be read and may be an ONNX model."""
    why = objection(path)
    if why is not None:
        raise SettingsError(f"model.path: {why}")


def objection(path: Path) -> str | None:
    """Why the file is no ONNX model and what to do about it; None when it may be one."""
    try:
        contents = Contents.of(path)
    except FileNotFoundError:
        return _missing(path)
    except OSError as error:
        return f"cannot read {_Names(path).file}: {error.strerror}; expected an exported .onnx file"
    kind = kind_of(contents)
    return None if kind is None else f"{_Names(path).file} is {_refusal(kind, path)}"


def _missing(path: Path) -> str:
    """There is nothing to look into, but a name may say enough."""
    kind = kind_of(Contents(path), by_name_alone=True)
    also = f", and by its name it would be {_refusal(kind, path)}" if kind else "; expected an exported .onnx file"
    return f"there is no {_Names(path).file}{also}"


def _refusal(kind: str, path: Path) -> str:
    return f"{kind}, no ONNX model. {_ADVICE[kind](_Names(path))}"


def lost_weights(path: Path, content: bytes) -> str | None:
    """Says which file with its weights an ONNX model misses; None when it misses none."""
    for file in weights_beside(path, content):
        if not file.is_file():
            name = shlex.quote(str(file.relative_to(path.parent)))
            return (
                f"{_Names(path).file} keeps its weights in a second file, {name}, which is not beside it. "
                f"Copy it into {shlex.quote(str(path.parent))} under that name; both files are the model"
            )
    return None


def weights_beside(path: Path, content: bytes) -> list[Path]:
    """The files in which an ONNX model keeps weights of its own, there or not."""
    names: dict[str, None] = {}
    for match in _LOCATION.finditer(content):
        length = sum((byte & 0x7F) << (7 * place) for place, byte in enumerate(match[1]))
        end = match.end() + length
        names[content[match.end() : end].decode("utf-8", "replace")] = None
    return [path.parent / name for name in names if not Path(name).is_absolute()]


def _ultralytics(names: _Names) -> str:
    return _make(f"yolo export model={names.file} format=onnx", "ultralytics", names.onnx)


def _make(command: str, package: str, result: str) -> str:
    return f"Make one of it with `{command}` (pip install {package}), then name {result} as the model"


def _again(why: str, names: _Names) -> str:
    """Of no use itself: the checkpoint that it was made from is."""
    checkpoint = names.ending(".pt")
    return (
        f"{why}: export the checkpoint that it was made from, `yolo export model={checkpoint} format=onnx` for one of "
        f"Ultralytics, and name {names.onnx} as the model"
    )


def _yolov5(names: _Names) -> str:
    command = f"python export.py --weights {names.file} --include onnx"
    return f"Make one of it in the repository that trained it with `{command}`, then name {names.onnx} as the model"


def _yolov7(names: _Names) -> str:
    command = f"python export.py --weights {names.file} --grid"
    return f"Make one of it in the repository that trained it with `{command}`, then name {names.onnx} as the model"


def _rfdetr(names: _Names) -> str:
    command = names.python("from rfdetr import RFDETRMedium; RFDETRMedium(pretrain_weights=FILE).export()")
    made = "name the file in output/ as the model"
    return f"Make one of it with `{command}` (pip install 'rfdetr[onnx]'; the class of the size that you trained), then {made}"


def _pytorch(names: _Names) -> str:
    """Weights need their network: only the program that has it can export them."""
    code = f"torch.onnx.export(network.eval(), torch.zeros(1, 3, 640, 640), {json.dumps(f'{names.stem}.onnx')})"
    return (
        f"If Ultralytics trained it: `yolo export model={names.file} format=onnx` (pip install ultralytics); if not, in the "
        f"program that trained it, with its network and its input size: `{code}`. Then name {names.onnx} as the model"
    )


def _torchscript(names: _Names) -> str:
    code = "import torch; torch.onnx.export(torch.jit.load(FILE), torch.zeros(1, 3, 640, 640), ONNX, dynamo=False)"
    return (
        f"Best export its checkpoint again, which keeps the class names (`yolo export model={names.ending('.pt')} "
        f"format=onnx`); or, with its input size: `{names.python(code)}` (pip install torch onnx). "
        f"Then name {names.onnx} as the model"
    )


def _torch_export(names: _Names) -> str:
    code = "import torch; torch.onnx.export(torch.export.load(FILE), f=ONNX, dynamo=True)"
    return _make(names.python(code), "torch onnx onnxscript", names.onnx)


def _tflite(names: _Names) -> str:
    command = f"python -m tf2onnx.convert --tflite {names.file} --output {names.onnx}"
    return _make(command, "tf2onnx tensorflow", names.onnx)


def _saved_model(names: _Names) -> str:
    folder = names.file if names.path.is_dir() else shlex.quote(str(names.path.parent))
    result = names.onnx if names.path.is_dir() else "model.onnx"
    return _make(f"python -m tf2onnx.convert --saved-model {folder} --output {result}", "tf2onnx tensorflow", result)


def _frozen(names: _Names) -> str:
    command = (
        f"python -m tf2onnx.convert --graphdef {names.file} --output {names.onnx} --inputs INPUT:0 --outputs OUTPUT:0"
    )
    return (
        f"Make one of it with `{command}` (pip install tf2onnx tensorflow; INPUT and OUTPUT are the names of the graph's "
        f"own nodes), then name {names.onnx} as the model"
    )


def _keras_h5(names: _Names) -> str:
    return _make(
        f"python -m tf2onnx.convert --keras {names.file} --output {names.onnx}", "tf2onnx tensorflow", names.onnx
    )


def _keras(names: _Names) -> str:
    code = 'import keras; keras.saving.load_model(FILE).export(ONNX, format="onnx")'
    return _make(names.python(code), "keras tensorflow tf2onnx", names.onnx)


def _paddle(names: _Names) -> str:
    folder = names.path if names.path.is_dir() else names.path.parent
    stem = "inference" if names.path.is_dir() else names.path.stem
    parts = (
        f"--model_dir {shlex.quote(str(folder))}",
        f"--model_filename {shlex.quote(_paddle_graph(folder, stem))}",
        f"--params_filename {shlex.quote(f'{stem}.pdiparams')}",
    )
    return _make(f"paddle2onnx {' '.join(parts)} --save_file {names.onnx}", "paddle2onnx", names.onnx)


def _paddle_graph(folder: Path, stem: str) -> str:
    """Since version 3 the graph is JSON."""
    return f"{stem}.json" if (folder / f"{stem}.json").is_file() else f"{stem}.pdmodel"


def _safetensors(names: _Names) -> str:
    folder = shlex.quote(str(names.path.parent))
    return (
        "It holds weights without their network. With the config.json of Hugging Face beside it: "
        f"`optimum-cli export onnx --model {folder} onnx-model` (pip install 'optimum-onnx[onnxruntime]'), then name "
        "onnx-model/model.onnx as the model; else export it in the program that trained it"
    )


def _git_lfs(names: _Names) -> str:
    return f"Fetch the file itself: `git lfs pull --include {names.file}` in its repository (once before: `git lfs install`)"


def _page(names: _Names) -> str:
    return (
        "Its address led to a page, not to the file (a log-in, or a page that shows the file): download the file itself"
    )


def _folder(names: _Names) -> str:
    inside = sorted(names.path.glob("*.onnx"))
    return f"Name the file in it: {shlex.quote(str(inside[0]))}" if inside else "Expected a file, exported as .onnx"


def _packed(names: _Names) -> str:
    return "Unpack it, and name the .onnx file that is in it"


_ADVICE: dict[str, Callable[[_Names], str]] = {
    "empty": lambda names: "It has no bytes: a copy or a download that did not finish; fetch it again",
    "a pointer of Git LFS": _git_lfs,
    "a web page": _page,
    "a folder": _folder,
    "an archive": _packed,
    "a picture": lambda names: "Expected an exported .onnx file; pictures are named after the options",
    "a checkpoint of Ultralytics": _ultralytics,
    "a checkpoint of YOLOv5": _yolov5,
    "a checkpoint of YOLOv7": _yolov7,
    "a checkpoint of RF-DETR": _rfdetr,
    "a checkpoint of PyTorch": _pytorch,
    "a TorchScript": _torchscript,
    "a program of torch.export": _torch_export,
    "a TensorFlow Lite model": _tflite,
    "a SavedModel of TensorFlow": _saved_model,
    "a frozen graph of TensorFlow": _frozen,
    "a Keras model (HDF5)": _keras_h5,
    "a Keras model": _keras,
    "a Paddle model": _paddle,
    "weights in safetensors": _safetensors,
    "a TensorRT engine": lambda names: _again("An engine is compiled for one GPU and cannot be turned back", names),
    "an OpenVINO model": lambda names: _again("OpenVINO's files cannot be turned back", names),
    "a Core ML model": lambda names: _again("Core ML's files cannot be turned back", names),
    "an ncnn model": lambda names: _again("ncnn's files cannot be turned back", names),
    "an MNN model": lambda names: _again("MNN's files cannot be turned back", names),
    "a model compiled for a chip": lambda names: _again("It cannot be turned back", names),
}
"""What `kind_of` calls a file → what to do about it."""
