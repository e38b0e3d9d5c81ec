"""`gleaner models inspect`: what was understood of a model file, and why."""

from pathlib import Path
from typing import Annotated

import typer


def inspect(model: Annotated[Path, typer.Argument(metavar="MODEL")]) -> None:
    """Show what was understood of a model file."""
