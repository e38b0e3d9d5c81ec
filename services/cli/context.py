"""What every command shares: which settings, and the open log.

Promises: settings come from `--settings`, else GLEANER_SETTINGS, else ./gleaner.yaml, else the defaults. A command that only
looks never makes a data folder.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from shared.errors import SettingsError

if TYPE_CHECKING:
    from shared.ports import Log
    from shared.settings import Settings


def settings_of(ctx: typer.Context) -> "Settings":
    """Raises SettingsError."""
    from shared.bootstrap import load_from_environment
    from shared.settings import load

    return load(ctx.obj) if ctx.obj is not None else load_from_environment()


@contextmanager
def log_of(ctx: typer.Context, *, looks_only: bool = False) -> "Iterator[Log]":
    """The log of the settings, open. `looks_only`: refuse where there is nothing yet. Raises SettingsError, Unavailable."""
    from shared.bootstrap import open_log
    from shared.telemetry import logs

    logs.configure("gleaner", "WARNING")
    settings = settings_of(ctx)
    if looks_only:
        _need_data(settings)
    with open_log(settings) as log:
        yield log


def has_data(settings: "Settings") -> bool:
    """Whether there may be something to look at: always in a cluster, where the servers answer for themselves."""
    from shared.settings import EmbeddedBackend

    at = settings.common.backend
    return not isinstance(at, EmbeddedBackend) or at.folder.is_dir()


def _need_data(settings: "Settings") -> None:
    from shared.settings import EmbeddedBackend

    at = settings.common.backend
    if isinstance(at, EmbeddedBackend) and not has_data(settings):
        raise SettingsError(
            f"no data in {at.folder} yet: `gleaner publish` or `gleaner run` make it; "
            "is this the right folder, or should --settings name a file?"
        )
