"""Error rates: verified rates per class, as `error_rates` of a strategy takes them. Pure."""

from collections.abc import Sequence

from services.feedback.accuracy.figures import Figure


def verified(figures: Sequence[Figure]) -> tuple[list[Figure], list[Figure]]:
    """Precision per class: (those that have a figure, those that do not), by class name. No guess stands in for a figure."""
    per_class = [one for one in figures if one.metric == "precision" and one.class_name is not None]
    ordered = sorted(per_class, key=lambda one: one.class_name or "")
    return [one for one in ordered if one.value is not None], [one for one in ordered if one.value is None]


def error_rates(figures: Sequence[Figure]) -> dict[str, float]:
    """The share of shown boxes that are wrong, per class with a figure."""
    known, _ = verified(figures)
    return {one.class_name or "": round(1 - (one.value or 0.0), 4) for one in known}
