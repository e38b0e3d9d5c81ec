"""What was understood of a model file: its family and why, input, outputs, classes, suppression, and what is only a guess.

Promises: pure: it reads what the loaded model says of itself, and decides nothing. `sidecar` says the same explicitly:
beside the file it changes no number.
"""

import inspect
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from services.cli.models.doubts import cut_off, warnings
from services.cli.models.explicit import explicit
from shared.errors import SettingsError
from shared.models import sidecar as sidecars
from shared.models.companions import said_by_companions
from shared.models.families.family import Family
from shared.models.families.metadata import literal
from shared.models.files import ModelFiles
from shared.models.model import Model
from shared.models.preprocess import Preparation
from shared.models.sidecar import Sidecar

NOWHERE = "nowhere"


@dataclass(frozen=True, slots=True)
class Understood:
    """Sentences for people; `sidecar` is what they come to, as YAML keys."""

    graph: str
    files: tuple[str, ...]
    version: str
    family: str
    why: str
    about: str
    task: str
    inputs: tuple[str, ...]
    batch: str
    size: str
    resize: str
    pixels: str
    outputs: tuple[str, ...]
    reading: str
    options: str
    suppression: str
    cut_off: str
    classes: tuple[str, ...]
    classes_from: str
    metadata: Mapping[str, str]
    warnings: tuple[str, ...]
    sidecar: Mapping[str, Any]


def understand(model: Model) -> Understood:
    family, files = model.family, model.files
    signature = family.signature
    return Understood(
        graph=str(files.graph),
        files=tuple(name for name, _ in files.named()),
        version=model.version,
        family=family.name,
        why=_why(family, files),
        about=_introduced(family, "what"),
        task=_task(family),
        inputs=tuple(map(str, signature.inputs)),
        batch=_batch(family),
        size=_size(family),
        resize=_resize(family.preparation),
        pixels=_pixels(family),
        outputs=tuple(map(str, signature.outputs)),
        reading=_introduced(family, "how"),
        options=_options(family.said),
        suppression=_suppression(family),
        cut_off=cut_off(family),
        classes=model.names,
        classes_from=_classes_from(family, files),
        metadata=dict(signature.metadata),
        warnings=tuple(warnings(model, is_named=_classes_from(family, files) != NOWHERE)),
        sidecar=explicit(family),
    )


def _task(family: Family) -> str:
    """What the file was made for; boxes and classes are read of segmentation, pose and turned boxes too."""
    return family.signature.metadata.get("task", family.task)


def _why(family: Family, files: ModelFiles) -> str:
    if files.sidecar is not None and sidecars.read(files.sidecar).family not in (None, "auto"):
        return f"named in {files.sidecar.name}"
    if said_by_companions(files.others).family not in (None, "auto"):
        return "named by config.json beside it"
    metadata = family.signature.metadata
    told = [f"{key} {metadata[key]}" for key in ("task", "head", "end2end") if key in metadata]
    outputs = ", ".join(f"{one.plain_name} {_shape(one.shape)}" for one in family.signature.outputs)
    return f"told by its outputs ({outputs})" + (f" and its metadata ({', '.join(told)})" if told else "")


def _shape(shape: tuple[int | str | None, ...]) -> str:
    return "[" + ", ".join(str(axis if axis is not None else "?") for axis in shape) + "]"


def _introduced(family: Family, part: Literal["what", "how"]) -> str:
    """How the file that reads the family introduces itself: which exports these are, and what their numbers mean."""
    text = inspect.getdoc(sys.modules[type(family).__module__]) or ""
    what, _, how = text.partition("\n\n")
    return " ".join((what if part == "what" else how.removeprefix("Promises: ")).split())


def _batch(family: Family) -> str:
    if not family.input.batched:
        return "one image, without a batch axis"
    return "free" if family.input.batch is None else f"fixed at {family.input.batch}"


def _size(family: Family) -> str:
    width, height = family.input.size_px
    layout = "channels last" if family.input.channels_last else "channels first"
    if family.preparation.mode == "none":
        return f"the image's own, {layout}"
    free = "free; taken: " if family.input.free_size else ""
    return f"{free}{width}x{height} (width x height), {layout}"


def _resize(how: Preparation) -> str:
    crop = f", then the middle {how.crop_px} px cut out" if how.crop_px else ""
    curve = f"{how.interpolation}{', antialiased' if how.antialias else ''}"
    match how.mode:
        case "none":
            return f"none{crop}"
        case "stretch":
            return f"stretched, {curve}{crop}"
        case "shortest_edge":
            most = f", the longer one at most {how.longest_px} px" if how.longest_px else ""
            return f"shortest edge to {how.shortest_px} px{most}, {curve}{crop}"
    place = "centred" if how.align == "center" else "top left"
    rectangle = f", to the smallest rectangle of {how.stride} px" if how.stride else ""
    return f"letterbox, {place} on {how.pad_value}, sizes {_rounded(how)}, {curve}{rectangle}{crop}"


def _rounded(how: Preparation) -> str:
    return "rounded" if how.rounding == "round" else "cut off"


def _pixels(family: Family) -> str:
    how = family.preparation
    told = [how.color.upper()]
    if how.bytes_in:
        return f"{told[0]}, bytes as they are"
    told.append("0..255" if how.scale == 1 else f"divided by {how.scale:g}")
    if how.mean is not None:
        told.append(f"minus {list(how.mean)}")
    if how.std is not None:
        told.append(f"divided by {list(how.std)}")
    return ", ".join(told)


def _options(said: Sidecar) -> str:
    """What sidecar, companions or the family's habits say of the numbers that come out."""
    sections = (
        ("boxes", said.boxes.model_dump(exclude_none=True)),
        ("scores", said.scores.model_dump(exclude_none=True)),
        ("outputs", said.outputs.model_dump(exclude_none=True)),
    )
    return "; ".join(
        f"{name}: " + ", ".join(f"{key} {value}" for key, value in keys.items()) for name, keys in sections if keys
    )


def _suppression(family: Family) -> str:
    if family.task == "classify":
        return "none, it classifies"
    iou = family.said.nms.iou
    if iou is None:
        return f"none needed: the boxes that come out are final; the best {family.most} are kept"
    across = "across classes" if family.said.nms.class_agnostic else "per class"
    return f"ours, {across}, IoU above {iou:g}; the best {family.most} are kept"


def _classes_from(family: Family, files: ModelFiles) -> str:
    if files.sidecar is not None and sidecars.read(files.sidecar).names is not None:
        return files.sidecar.name
    if said_by_companions(files.others).names is not None:
        return "config.json"
    return "the file's metadata" if literal(family.signature.metadata, "names") is not None else NOWHERE


def why_not(error: SettingsError) -> str:
    """The refusal without the setting's name, which nobody typed here."""
    return str(error).removeprefix("model.path: ")
