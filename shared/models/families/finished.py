"""Outputs of graphs that suppress by themselves: rows of box, score and class, some of which may be padding.

Also what such families share that run one image at a time and count their classes from 1, their 0 being the background.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from shared.errors import SettingsError
from shared.models.families.family import Family, Signature
from shared.models.families.metadata import class_names
from shared.models.placement import Floats
from shared.models.preprocess import Preparation


class OneByOne(Family):
    """One image a run, whatever the frames axis says; the outputs do not tell how many classes there are."""

    called: ClassVar[str]
    """In a sentence: 'no …'."""

    def classes(self, signature: Signature) -> None:
        objection = self.objection(signature)
        if objection is not None:
            raise SettingsError(f"no {self.called}: {objection}; {signature}")

    def prepares(self) -> Preparation:
        self.input = replace(self.input, batch=1)
        return super().prepares()

    def known_of_input(self) -> dict[str, Any]:
        """An image goes in as it is; an export whose size is fixed gets it stretched."""
        as_it_is = self.input.free_size and self.said.input.size is None
        return {**super().known_of_input(), "mode": "none" if as_it_is else "stretch"}

    def named(self) -> tuple[str, ...]:
        self.classes(self.signature)
        base = first_number(self.said.names) if self.said.class_base is None else self.said.class_base
        return class_names(self.signature.metadata, self.said.names, None, base)


def surest(boxes: Floats, scores: Floats, lowest: float, most: int) -> NDArray[np.intp]:
    """Indices of the rows of (N, columns) and (N,) that count, the surest first: above the lowest score, all of it numbers."""
    known = np.isfinite(scores) & np.isfinite(boxes).all(axis=1)
    seen = np.flatnonzero(known & (scores > lowest))
    return np.asarray(seen[np.argsort(-scores[seen], kind="stable")][:most], np.intp)


def first_number(names: Sequence[str] | Mapping[int, str] | None) -> int:
    """The number of a list's first name: 1, or 0 where the list itself begins with the background, as torchvision's do."""
    if names is None or isinstance(names, Mapping):
        return 1
    return 0 if names[0].strip("_ ").lower() == "background" else 1
