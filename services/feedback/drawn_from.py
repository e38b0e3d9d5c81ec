"""Drawn from: which frames a collection can have drawn at all. Pure.

Promises: as the sampler reads `collections`. Frames of other sources had no chance: counted in N, they would make every rate
of the collection too low.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.settings import is_among


@dataclass(frozen=True, slots=True)
class DrawnFrom:
    """`sources`: names, * and ? allowed. None: all of them."""

    sources: tuple[str, ...] | None = None
    model_id: str | None = None

    def has(self, source_id: str) -> bool:
        return self.sources is None or is_among(source_id, self.sources)


ALL = DrawnFrom()


def of_settings(collections: Mapping[str, Any]) -> dict[str, DrawnFrom]:
    """Per name, of those that the settings describe."""
    told = {name: one for name, one in collections.items() if isinstance(one, dict)}
    return {name: DrawnFrom(_names(one.get("sources")), one.get("model")) for name, one in told.items()}


def _names(sources: Any) -> tuple[str, ...] | None:
    return None if sources is None else tuple(map(str, sources))
