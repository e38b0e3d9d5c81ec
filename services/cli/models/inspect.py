"""`gleaner models inspect`: what was understood of a model file, and why; or what is in it, where nobody recognises it.

Promises: loads the model as the service does and runs one blank image. Writes nothing.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli import output
from shared.errors import SettingsError

if TYPE_CHECKING:
    from services.cli.models.understood import Understood
    from shared.models.families.family import Signature

EXIT_REFUSED = 2
_CLASSES_SHOWN = 12
EXAMPLE = """\
family: yolov5                       # or one of those above
names: [person, car]
input:
  size: [640, 640]                   # height, width
  color: rgb
  scale: 255                         # what bytes are divided by
  resize: {mode: letterbox}
"""


def inspect(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="The .onnx file, or the folder that holds it.")],
    sidecar: Annotated[Path | None, typer.Option(help="What the file does not say; else the YAML beside it.")] = None,
    as_sidecar: Annotated[
        bool, typer.Option("--as-sidecar", help="Print the sidecar that says all of this explicitly.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what was understood of a model file, and why. Exit code 2 when nobody recognises it."""
    from services.cli.models.understood import understand
    from shared.models.config import ModelConfig
    from shared.models.engine import Engine
    from shared.models.files import ModelFiles
    from shared.models.model import Model, Session
    from shared.telemetry import logs

    logs.configure("gleaner", "WARNING")
    signature = Session(ModelFiles.of(model, sidecar).graph, Engine()).signature()
    try:
        found = understand(Model(ModelConfig(path=model, sidecar=sidecar)))
    except SettingsError as error:
        _show_unknown(model, signature, error, as_json)
        raise typer.Exit(EXIT_REFUSED) from error
    if as_sidecar:
        typer.echo(yaml_of(found.sidecar), nl=False)
    elif as_json:
        output.show_json(found)
    else:
        _show(found)


def yaml_of(sidecar: "Any") -> str:
    """Short lists in one line, keys in the order in which people read them."""
    import yaml

    return str(yaml.safe_dump(sidecar, sort_keys=False, allow_unicode=True, default_flow_style=None, width=100))


def _show(found: "Understood") -> None:
    rows = [
        ("files", f"{', '.join(found.files)}; version {found.version}"),
        ("family", f"{found.family}: {found.why}"),
        ("", found.about),
        ("task", found.task),
        *(("input", one) for one in found.inputs),
        ("batch", found.batch),
        ("size", found.size),
        ("resize", found.resize),
        ("pixels", found.pixels),
        *(("output", one) for one in found.outputs),
        ("read", found.reading),
        ("", found.options),
        ("suppression", found.suppression),
        ("cut off", found.cut_off),
        ("classes", _classes(found)),
        *((f"says {key}", value) for key, value in found.metadata.items() if key != "names"),
    ]
    output.show_table(found.graph, ("what", "understood"), [row for row in rows if row[1]], most_chars=400)
    for sentence in found.warnings:
        output.say(f"! {sentence}")
    output.say("`--as-sidecar` prints all of this as a sidecar, to be changed where it is wrong")


def _classes(found: "Understood") -> str:
    shown = ", ".join(found.classes[:_CLASSES_SHOWN]) + (", …" if len(found.classes) > _CLASSES_SHOWN else "")
    return f"{len(found.classes)} ({shown}), from {found.classes_from}" if found.classes else "unknown"


def _show_unknown(model: Path, signature: "Signature", error: SettingsError, as_json: bool) -> None:
    """What is in the file, why it was refused, and where a person can say what it is."""
    from services.cli.models.understood import why_not
    from shared.models.sidecar import beside

    inputs, outputs = (list(map(str, some)) for some in (signature.inputs, signature.outputs))
    if as_json:
        known = {"inputs": inputs, "outputs": outputs, "metadata": dict(signature.metadata)}
        output.show_json({"refused": why_not(error), **known, "objections": dict(_objections(signature))})
        return
    rows = [*(("input", one) for one in inputs), *(("output", one) for one in outputs)]
    rows += [(f"says {key}", value) for key, value in signature.metadata.items()]
    refused, unknown, _ = why_not(error).partition("; `gleaner models inspect ")
    rows += [(f"not {name}", why) for name, why in _objections(signature)] if unknown else []
    output.show_table(str(model), ("what", "is in the file"), rows, most_chars=400)
    output.complain(refused)
    if unknown:
        output.say(f"write what it is into {beside(model)}, for instance:")
        for line in EXAMPLE.splitlines():
            output.say(f"  {line}")


def _objections(signature: "Signature") -> list[tuple[str, str]]:
    """Why each family does not take it."""
    from shared.models.families import FAMILIES

    asked = ((name, family.objection(signature)) for name, family in FAMILIES.items())
    return [(name, why) for name, why in asked if why]
