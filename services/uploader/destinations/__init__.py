"""Where samples go: one file per kind of host, and the registry that names them.

A new kind is its file, its line in `AnyDestination`, its line in `_OPENERS`; the contract test finds it here.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, get_args

from pydantic import Field

from services.uploader.destinations.dataset import DatasetFolder, DatasetOptions
from services.uploader.destinations.destination import (
    Blocked,
    Delivered,
    Delivery,
    Destination,
    DestinationOptions,
    NotNow,
    Refused,
)
from services.uploader.destinations.roboflow import Roboflow, RoboflowOptions

AnyDestination = Annotated[DatasetOptions | RoboflowOptions, Field(discriminator="type")]
"""What may stand in the settings under `destinations`."""

Opener = Callable[[Any, str], Destination]
"""(options, IANA time zone) → an open destination."""

_OPENERS: dict[type[DestinationOptions], Opener] = {
    DatasetOptions: lambda options, timezone: DatasetFolder(options),
    RoboflowOptions: Roboflow,
}


def register(options: type[DestinationOptions], opener: Opener) -> None:
    """Adds a kind of destination; the last one registered for a kind of options counts."""
    _OPENERS[options] = opener


def offered() -> tuple[type[DestinationOptions], ...]:
    """What settings may name; `register` adds to what can be opened, not to this."""
    members: tuple[type[DestinationOptions], ...] = get_args(get_args(AnyDestination)[0])
    return members


def kinds() -> Mapping[type[DestinationOptions], Opener]:
    return dict(_OPENERS)


def open_destination(options: DestinationOptions, timezone: str = "UTC") -> Destination:
    return _OPENERS[type(options)](options, timezone)


__all__ = [
    "AnyDestination",
    "Blocked",
    "Delivered",
    "Delivery",
    "Destination",
    "DestinationOptions",
    "NotNow",
    "Refused",
    "kinds",
    "offered",
    "open_destination",
    "register",
]
