"""`gleaner models predict`: what a model sees in image files, on the service's own code path, as tables and pictures.

Promises: a file that cannot be read stops nothing: it is told, the others are done, and the exit code is 1. No input is ever
written over.
"""

from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli import output

if TYPE_CHECKING:
    from services.cli.models.predicted import Predicted
    from shared.models.config import ModelConfig

EXIT_FAULTY = 1
USUAL_CONFIDENCE = 0.25
AT_ONCE = 16
"""Pictures in memory at once."""
FOLDER = Path("predicted")


def predict(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="The .onnx file, or the folder that holds it.")],
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="Images, or folders of them.")],
    sidecar: Annotated[Path | None, typer.Option(help="What the file does not say; else the YAML beside it.")] = None,
    confidence: Annotated[
        float | None, typer.Option(min=0, max=1, help="From which it is shown; else `conf` of the sidecar, else 0.25.")
    ] = None,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where the pictures go.")] = FOLDER,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Predict images, print what was seen, draw it. Exit code 1 when an image cannot be read."""
    from services.cli.models import pictures, predicted_tables
    from shared.telemetry import logs

    logs.configure("gleaner", "WARNING")
    files = pictures.files_of(images)
    config = _config(model, sidecar, confidence)
    told: list[Predicted] = []
    for one in _predicted(config, files, out):
        told.append(one)
        if not as_json:
            predicted_tables.show(one)
    if as_json:
        output.show_json(predicted_tables.told(config, told))
    else:
        predicted_tables.show_sum(config, told)
    if any(one.why for one in told):
        raise typer.Exit(EXIT_FAULTY)


def _config(path: Path, sidecar: Path | None, confidence: float | None) -> "ModelConfig":
    """Everything below what is shown is carried too, as the service does it."""
    from services.cli.models.thresholds import with_confidence
    from shared.models.config import ModelConfig
    from shared.models.files import ModelFiles
    from shared.models.model import said_of

    if confidence is None:
        said = said_of(ModelFiles.of(path, sidecar), ModelConfig(path=path, sidecar=sidecar)).conf
        confidence = USUAL_CONFIDENCE if said is None else said
    return with_confidence(path, confidence, sidecar)


def _predicted(config: "ModelConfig", files: Sequence[Path], folder: Path) -> "Iterator[Predicted]":
    """In the files' order, each picture drawn when it is known."""
    from services.cli.models import pictures, predicted_picture
    from services.cli.models.predicted import Predicted
    from services.cli.models.seeing import seeing
    from services.inference.config import InferenceOptions
    from shared.streams.predictions import Prediction

    names = picture_names(files, folder)
    # One lane: what the timings say of a picture then is its own time.
    with seeing(config, InferenceOptions(lanes=1)) as eyes:
        for start in range(0, len(files), AT_ONCE):
            named = list(pictures.read(files[start : start + AT_ONCE]))
            outcomes = iter(eyes.see([one.image for one in named if not one.why]))
            for one, name in zip(named, names[start:], strict=False):
                outcome = one.why or next(outcomes)
                if isinstance(outcome, Prediction):
                    predicted_picture.write(name, one.image, outcome)
                    yield Predicted(one.path, outcome, name)
                else:
                    yield Predicted(one.path, why=str(outcome))


def picture_names(files: Sequence[Path], folder: Path) -> list[Path]:
    """A name for each file's picture in the folder; none of an input, and no name twice."""
    taken = {file.resolve() for file in files}
    names = []
    for file in files:
        tries = (folder / f"{file.stem}{'' if number == 1 else f'-{number}'}.jpg" for number in count(1))
        name = next(one for one in tries if one.resolve() not in taken)
        taken.add(name.resolve())
        names.append(name)
    return names
