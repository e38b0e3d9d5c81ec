"""The sidecar that says explicitly what was understood of a model file, ready to be saved and changed where it is wrong.

Promises: beside the file, or in place of the one that lies there, it changes no number.
"""

from collections.abc import Mapping
from typing import Any

from shared.errors import SettingsError
from shared.models.families.family import Family
from shared.models.sidecar import ResizeOptions, Sidecar

_OF_MODE: Mapping[str, frozenset[str]] = {
    "letterbox": frozenset({"mode", "align", "pad_value", "rounding", "interpolation", "antialias"}),
    "stretch": frozenset({"mode", "interpolation", "antialias"}),
    "shortest_edge": frozenset(
        {"mode", "rounding", "shortest_px", "longest_px", "multiple_px", "interpolation", "antialias"}
    ),
    "none": frozenset({"mode"}),
}
"""Which keys of `resize` mean something in which mode."""


def explicit(family: Family) -> dict[str, Any]:
    """The sidecar that would say all of this: what is said anyway, under what was understood."""
    width, height = family.input.size_px
    how = family.preparation
    understood = {
        "family": family.name,
        "names": _names(family),
        "max_det": family.most,
        "input": {
            "size": None if how.mode == "none" else (height, width),
            "color": how.color,
            **({} if how.bytes_in else {"scale": how.scale, "mean": how.mean, "std": how.std}),
            "resize": {name: getattr(how, name) for name in ResizeOptions.model_fields if name in _OF_MODE[how.mode]},
            "center_crop": how.crop_px,
        },
    }
    said = Sidecar.model_validate(understood).over(family.said)
    return {key: _plain(value) for key, value in said.model_dump(exclude_none=True).items() if value != {}}


def _names(family: Family) -> list[str] | dict[int, str] | None:
    """A list where it is read as it was written; a map where the family counts from another number."""
    if not family.names:
        return None
    listed = Sidecar(names=family.names).over(family.said)
    try:
        is_read_so = type(family)(family.signature, listed).names == family.names
    except SettingsError:  # a list would be one too long, or one too short
        is_read_so = False
    return list(family.names) if is_read_so else dict(enumerate(family.names))


def _plain(value: Any) -> Any:
    """Lists and mappings alone, without sections in which nothing stands."""
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items() if inner != {}}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value
