"""Which group (a service's name) commits which streams, in the order of the flow; a shadow's group has its model's name."""

from collections.abc import Iterable, Mapping

READS: dict[str, tuple[str, ...]] = {
    "inference": ("frames",),
    "sampler": ("predictions", "verdicts"),
    "uploader": ("samples",),
}


def shadow_group(model_id: str) -> str:
    """So that several shadows read every frame each, and none of them the live model's share."""
    return f"inference-shadow-{model_id}"


def reads(shadows: Iterable[str] = ()) -> Mapping[str, tuple[str, ...]]:
    """All groups, with those of these shadows' model ids."""
    return {**READS, **{shadow_group(model_id): READS["inference"] for model_id in shadows}}
