"""Progress: how far the read model is, as its answers say it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `total` records were read of what there was when this process began, or the file was made.

    `rebuilding`: that is not over yet. `as_of_ms`: all that was written until then is in the answers; None: not known yet.
    """

    done: int
    total: int
    rebuilding: bool
    as_of_ms: int | None = None
