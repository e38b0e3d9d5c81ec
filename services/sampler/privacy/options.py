"""What can be set of the privacy step. A mask that could hide the wrong place is refused at start.

Promises: masks come out as fractions of the picture, whatever form they were written in.
"""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from shared.settings import Config

Method = Literal["black", "pixelate", "blur"]
Size = tuple[int, int]
Coordinate = Annotated[float, Field(ge=0, le=65_535, allow_inf_nan=False)]
Point = tuple[Coordinate, Coordinate]


def _corners(value: Any) -> Any:
    """A box, [left, top, right, bottom], as the polygon of its corners."""
    if not (isinstance(value, list | tuple) and len(value) == 4 and all(isinstance(one, int | float) for one in value)):
        return value
    left, top, right, bottom = value
    if not (left < right and top < bottom):
        raise ValueError(f"expected a box as [left, top, right, bottom], got {list(value)}")
    return ((left, top), (right, top), (right, bottom), (left, bottom))


def _has_area(polygon: tuple[Point, ...]) -> tuple[Point, ...]:
    twice = sum(x * below - right * y for (x, y), (right, below) in pairwise([*polygon, polygon[0]]))
    if twice == 0:
        raise ValueError(f"expected a polygon with an area, got {[list(point) for point in polygon]}")
    return polygon


Region = Annotated[tuple[Point, ...], BeforeValidator(_corners), Field(min_length=3)]
"""Its corners, three or more; written as a box or as a polygon."""


class Masks(Config):
    """What is hidden in every frame of a source. A plain list stands for its `regions`."""

    of: Size | None = Field(default=None, description="width and height of the picture that the pixels are of")
    regions: tuple[Region, ...] = Field(min_length=1, description="boxes or polygons: fractions, or pixels of `of`")

    @model_validator(mode="before")
    @classmethod
    def _list(cls, value: Any) -> Any:
        return {"regions": value} if isinstance(value, list | tuple) else value

    @field_validator("of")
    @classmethod
    def _positive(cls, of: Size | None) -> Size | None:
        if of is not None and min(of) < 1:
            raise ValueError(f"expected width and height of a picture, got {list(of)}")
        return of

    @field_validator("regions")
    @classmethod
    def _hide_something(cls, regions: tuple[Region, ...]) -> tuple[Region, ...]:
        return tuple(_has_area(region) for region in regions)

    @model_validator(mode="after")
    def _lie_in_the_picture(self) -> "Masks":
        """A camera may change its resolution, and a mask in bare pixels would then hide the wrong place."""
        width, height = self.of or (1, 1)
        if all(x <= width and y <= height for region in self.regions for x, y in region):
            return self
        if self.of is None:
            raise ValueError(
                "a mask in pixels needs the size of the picture it was drawn on, such as "
                "{of: [1920, 1080], regions: [[0, 0, 300, 120]]}; without it, expected fractions 0..1"
            )
        raise ValueError(f"a mask goes past the {width}x{height} pixels of its picture")

    def fractions(self) -> Iterator[tuple[Point, ...]]:
        """Each region with its corners as fractions of width and height."""
        width, height = self.of or (1, 1)
        for region in self.regions:
            yield tuple((x / width, y / height) for x, y in region)


class Privacy(Config):
    """What must not be seen in anything that is stored. Without masks, classes and model nothing is hidden."""

    masks: dict[str, Masks] = Field(
        default_factory=dict, description="per source, or pattern such as `yard-*`: what is hidden in every frame"
    )
    blur: tuple[str, ...] = Field(
        default=(), description="classes whose boxes are hidden, however unsure the model is of them"
    )
    model: Path | None = Field(
        default=None, description="a second .onnx detector (faces, plates) that looks at the drawn frames alone"
    )
    model_classes: tuple[str, ...] = Field(default=(), description="what it finds that is hidden; none: everything")
    confidence: float = Field(default=0.3, ge=0.01, le=1, description="from which on what it finds is hidden")
    grow: float = Field(
        default=0.1, ge=0, le=2, description="boxes grow on each side by this part of their width and height"
    )
    method: Method = Field(
        default="black", description="black leaves nothing; pixelate and blur leave six by six averages"
    )

    @model_validator(mode="after")
    def _classes_of_a_model(self) -> "Privacy":
        if self.model_classes and self.model is None:
            raise ValueError("model_classes: expected `model` beside it; for classes of the live model say `blur`")
        return self

    @property
    def is_on(self) -> bool:
        return bool(self.masks or self.blur or self.model)

    def masks_of(self, source_id: str) -> list[Masks]:
        """All whose pattern fits: of several none is taken back by another."""
        return [masks for name, masks in self.masks.items() if name == source_id or fnmatchcase(source_id, name)]
