"""What looks wrong in a minute of somebody's stream, each with what to change. Pure."""

from collections.abc import Iterator

from services.cli.rehearsal.looks import Rule
from services.cli.rehearsal.outlook import Outlook
from services.inference.none import NoModel

NEARLY_ALL = 0.9
ENOUGH = 10
"""Fewer frames say nothing about a rule."""


def warnings(outlook: Outlook) -> list[str]:
    """Sentences, the gravest first; none where all is well."""
    return [*_frames(outlook), *_model(outlook), *_rules(outlook)]


def _frames(outlook: Outlook) -> Iterator[str]:
    if not outlook.seen:
        yield "no frame was seen: nothing can be said about what would be kept; `gleaner sources check` looks at cameras"
    if outlook.unreadable:
        yield f"{outlook.unreadable:,} frames could not be read as pictures and would become dead letters"
    if outlook.looked.too_much:
        yield "it ended early: the temporary folder holds no more; `--fps 1` looks at fewer frames"


def _model(outlook: Outlook) -> Iterator[str]:
    if not outlook.seen:
        return
    frames, first = len(outlook.seen), outlook.seen[0].prediction
    if first.model_version == NoModel.version:
        return  # nobody was asked
    predictions = [seen.prediction for seen in outlook.seen]
    sure = [one.confidence for prediction in predictions for one in prediction.detections]
    sure += [one.confidence for prediction in predictions for one in prediction.classes[:1]]
    if not sure:
        yield (
            f"the model found nothing at all in {frames:,} frames, not even faintly: is it the model for these pictures? "
            "Try it on a picture that it knows; look at model.family and model.lowest_confidence"
        )
    elif not any(seen.shown for seen in outlook.seen):
        yield (
            f"nothing reaches the product threshold of {first.threshold:g}; the surest is {max(sure):.2f}: "
            "if that is right for your product, lower model.threshold, else ask whether it is the model for these pictures"
        )


def _rules(outlook: Outlook) -> Iterator[str]:
    if len(outlook.seen) < ENOUGH:
        return
    for one in outlook.strategies:
        if one.rule is not None and _chooses_nothing(outlook, one.rule):
            yield _matches_all(one.rule, one.matched, len(outlook.seen))
        if one.strategy is not None and one.strategy.waits_shadow:
            yield f"{one.strategy.label} compares with a shadow model, which a dry run does not run: nothing is said about it"
    if outlook.drawn_per_s == 0:
        yield (
            "no strategy would ever keep one of these frames: add `{type: random, share: 0.3}`, the only one that "
            "finds what the model does not see"
        )


def _chooses_nothing(outlook: Outlook, rule: Rule) -> bool:
    """A full match in nearly every frame. What has a budget takes the best of them, whatever their number."""
    if rule.strategy.floor or rule.budget_per_s is not None:
        return False
    full = sum(look.rule.label == rule.label and look.score >= 1.0 for one in outlook.seen for look in one.looks)
    return full >= NEARLY_ALL * len(outlook.seen)


def _matches_all(rule: Rule, matched: int, frames: int) -> str:
    changes = [name for name in ("epsilon", "threshold", "at_least") if hasattr(rule.strategy, name)]
    narrower = f"narrower ({' or '.join(changes)})" if changes else "narrower"
    return (
        f"{rule.label} matches {matched:,} of {frames:,} frames, so it chooses nothing: make it {narrower}, give it a `share` "
        "of the review, name selected_class_names, or look whether model.threshold is the one of your product"
    )
