"""What can be said of a model that its file does not say: a YAML beside it, or what other tools left there.

Promises: every key is optional; what is said later wins, key by key; unknown keys are refused with the nearest known name.
The order, weakest first: the family's habits, the file's metadata, Hugging Face's `config.json`, the sidecar, the settings.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from shared.errors import SettingsError
from shared.settings import Config, Settings, read_yaml

SUFFIX = ".gleaner.yaml"
"""`best.onnx` has its sidecar in `best.gleaner.yaml`."""

FamilyName = Literal[
    "auto",
    "ultralytics",
    "ultralytics-e2e",
    "ultralytics-rtdetr",
    "yolov5",
    "yolox",
    "yolov7-end2end",
    "efficientnms",
    "rtdetr",
    "rfdetr",
    "detr",
    "torchvision",
    "tf-od",
    "mmdeploy",
    "caffe-ssd",
    "classify",
]


def _not_empty(names: tuple[str, ...] | dict[int, str]) -> tuple[str, ...] | dict[int, str]:
    if len(names) == 0:
        raise ValueError("expected at least one class name, or no `names` at all")
    return names


Names = Annotated[tuple[str, ...] | dict[int, str], AfterValidator(_not_empty)]
"""A list, or a map of id to name."""
Share = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
Number = Annotated[float, Field(allow_inf_nan=False, ge=-1e6, le=1e6)]
Positive = Annotated[float, Field(allow_inf_nan=False, ge=1e-6, le=1e6)]
Side = Annotated[int, Field(ge=1, le=65_535)]
Three = tuple[Number, Number, Number]
MOST_NAMES_CHARS = 4_000_000


class ResizeOptions(Config):
    """How an image is brought to the input's size."""

    mode: Literal["letterbox", "stretch", "shortest_edge", "none"] | None = None
    align: Literal["center", "top-left"] | None = Field(default=None, description="where a letterboxed image lies")
    pad_value: int | None = Field(default=None, ge=0, le=255, description="grey around a letterboxed image")
    rounding: Literal["round", "trunc"] | None = Field(
        default=None, description="of the scaled width and height, and of where a crop begins"
    )
    interpolation: Literal["bilinear", "bicubic"] | None = None
    antialias: bool | None = Field(default=None, description="as Pillow does when it makes smaller")
    shortest_px: int | None = Field(default=None, gt=0, description="of the shortest edge, before any crop")
    longest_px: int | None = Field(default=None, gt=0, description="shortest_edge: the other edge at most")
    multiple_px: int | None = Field(
        default=None, gt=0, description="shortest_edge: both edges are cut down to a multiple of it (YOLOS: 16)"
    )


class InputOptions(Config):
    """How pixels become the input."""

    size: tuple[Side, Side] | None = Field(default=None, description="height, width; where the file leaves them free")
    color: Literal["rgb", "bgr"] | None = None
    scale: Positive | None = Field(default=None, description="what bytes are divided by: 255, or 1 for 0..255")
    mean: Three | None = Field(default=None, description="subtracted after the scale, in the order of `color`")
    std: tuple[Positive, Positive, Positive] | None = Field(default=None, description="divided by after the mean")
    resize: ResizeOptions = ResizeOptions()
    center_crop: int | None = Field(default=None, gt=0, description="side of the square cut out of the middle, pixels")


class OutputNames(Config):
    """Which output is what, where the names do not say it."""

    boxes: str | None = None
    scores: str | None = None
    classes: str | None = None


class BoxOptions(Config):
    """What four numbers mean."""

    format: Literal["xyxy", "cxcywh", "yxyx"] | None = None
    space: Literal["input", "normalized", "original"] | None = None


class ScoreOptions(Config):
    """What a score needs before it is a probability."""

    activation: Literal["none", "sigmoid", "softmax"] | None = None
    background_index: int | None = Field(default=None, description="slot of 'nothing'; -1: the last")
    background: bool | None = Field(default=None, description="false: every slot is a class")
    objectness: bool | None = Field(default=None, description="a column of its own that multiplies the class scores")


class NmsOptions(Config):
    """Non-maximum suppression."""

    run: Literal["auto"] | bool | None = None
    iou: Share | None = Field(default=None, description="overlap above which the weaker box is dropped")
    class_agnostic: bool | None = Field(default=None, description="true: across classes")


class Sidecar(Config):
    """Everything that can be said of a model beside its file."""

    family: FamilyName | None = None
    task: Literal["auto", "detect", "classify", "segment", "pose", "obb"] | None = None
    names: Names | None = Field(default=None, description="a list, {id: name}, or a path to a .txt or .yaml beside it")
    conf: Share | None = Field(default=None, description="what `gleaner models predict` shows")
    max_det: int | None = Field(default=None, ge=1, le=3000)
    input: InputOptions = InputOptions()
    outputs: OutputNames = OutputNames()
    boxes: BoxOptions = BoxOptions()
    scores: ScoreOptions = ScoreOptions()
    class_base: int | None = Field(
        default=None, ge=0, le=1, description="number of the first class, where names is a list"
    )
    decoded: bool | None = Field(default=None, description="YOLOX: false for the raw head")
    nms: NmsOptions = NmsOptions()

    def over(self, weaker: "Sidecar") -> "Sidecar":
        """Both together; where both speak, this one wins."""
        return Sidecar.model_validate(_laid_over(_said(weaker), _said(self)))


def beside(model: Path) -> Path:
    """Where the sidecar of a model file lies, if it has one."""
    return model.with_name(model.stem + SUFFIX)


def read(path: Path) -> Sidecar:
    """Raises SettingsError with the file and the key."""
    values = read_yaml(path)
    if isinstance(values.get("names"), str):
        values["names"] = _names(_beside(path, values["names"]))
    return Settings(values, str(path)).read_whole(Sidecar)


def names_file(path: Path) -> Path | None:
    """The file that a sidecar names for its classes."""
    named = read_yaml(path).get("names")
    return _beside(path, named) if isinstance(named, str) else None


def _beside(sidecar: Path, name: str) -> Path:
    """Part of the version, so that it travels with it. Raises SettingsError for a file elsewhere."""
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise SettingsError(
            f"names: expected a file beside {sidecar}, which is pushed and copied with it, got {name!r}"
        )
    return sidecar.parent / name


def _names(path: Path) -> Any:
    """One name per line, or what stands below `names` in a YAML such as Ultralytics' data.yaml."""
    if path.suffix in (".yaml", ".yml"):
        return read_yaml(path).get("names")
    try:
        with path.open(encoding="utf-8") as file:
            lines = file.read(MOST_NAMES_CHARS).splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"names: cannot read {path}: {getattr(error, 'strerror', 'it is no text')}") from error
    return [line.strip() for line in lines if line.strip()]


def _said(sidecar: Sidecar) -> dict[str, Any]:
    return sidecar.model_dump(exclude_none=True)


def _laid_over(weaker: Mapping[str, Any], stronger: Mapping[str, Any]) -> dict[str, Any]:
    """Sections key by key; `names` is one thing, whatever its form."""
    merged = dict(weaker)
    for key, value in stronger.items():
        both = key != "names" and isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _laid_over(merged[key], value) if both else value
    return merged
