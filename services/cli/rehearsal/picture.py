"""The picture of a dry run: the frames that were drawn; where these are few, also those most likely to be drawn, and why.

Promises: each strategy that drew something is seen; frames that are as likely as one another are spread over the time.
"""

from collections.abc import Sequence
from contextlib import closing
from datetime import datetime

import numpy as np

from services.cli.contact_sheet import sheet, varied
from services.cli.rehearsal.outlook import Outlook, Seen
from services.uploader.annotations import annotate
from services.uploader.formats import coco
from services.uploader.formats.coco import Fragment
from shared import imaging
from shared.errors import InvalidImage, InvalidMessage, RecordGone
from shared.ports.log import Log, Reader
from shared.streams import frames
from shared.streams.samples import Design, Reason

MOST, FEW = 24, 12
DRAWN, REFUSED = "would be kept", "drawn, over a limit"


def picture_of(outlook: Outlook, log: Log) -> bytes | None:
    """A PNG; None when no frame could be read."""
    chosen = chosen_of(outlook)
    with closing(log.reader()) as reader:
        shown = [(pixels, fragment_of(one)) for one in chosen if (pixels := _pixels(reader, one)) is not None]
    return sheet(shown, _title(outlook, len(shown)), _below(outlook)) if shown else None


def chosen_of(outlook: Outlook) -> list[Seen]:
    """At most MOST of those that were drawn, dealt over the strategies; filled up to FEW with the likeliest others."""
    by_id = {one.prediction_id: one for one in outlook.drawn}
    dealt = varied([{**fragment_of(one), "sample_id": one.prediction_id} for one in outlook.drawn])[:MOST]
    drawn = [by_id[str(fragment["sample_id"])] for fragment in dealt]
    others = [one for one in outlook.seen if not one.designs and one.probability > 0]
    return [*drawn, *likeliest(others, max(0, FEW - len(drawn)))]


def likeliest(seen: Sequence[Seen], most: int) -> list[Seen]:
    """The most probable, in that order; of equals, evenly spaced ones."""
    rest, found = list(seen), list[Seen]()
    while rest and len(found) < most:
        best = max(one.probability for one in rest)
        found += _spread([one for one in rest if one.probability == best], most - len(found))
        rest = [one for one in rest if one.probability < best]
    return found


def _spread(seen: Sequence[Seen], most: int) -> list[Seen]:
    if len(seen) <= most:
        return list(seen)
    return [seen[(2 * place + 1) * len(seen) // (2 * most)] for place in range(most)]


def fragment_of(one: Seen) -> Fragment:
    """As the contact sheet wants it: boxes, doubts, and for each strategy its rule with the odds in words."""
    design = one.design or _would_be(one)
    known = coco.fragment(design, annotate(one.prediction), "")
    index, captured_at = one.prediction.frame_index, one.prediction.captured_at
    return {
        **known,
        **({"log_time_ms": _milliseconds(captured_at)} if captured_at else {}),
        "source_id": f"{one.prediction.source_id}  frame {index}" if index is not None else one.prediction.source_id,
        "reasons": [
            {"strategy": reason.strategy, "rule": told(reason, has_rule=reason.strategy in design.scores)}
            for reason in design.reasons
        ],
        "badge": _badge(one.design),
    }


def told(reason: Reason, has_rule: bool = True) -> str:
    """`close to threshold: parcel 0.47, near 0.50 (1 in 5 is kept)`. A check at random needs no rule."""
    name = reason.strategy.replace("_", " ")
    rule = f": {reason.rule}" if has_rule else ""
    return f"{name}{rule} ({odds(reason.probability)})"


def odds(probability: float) -> str:
    """In words: `1 in 5 is kept`."""
    if probability >= 0.995:
        return "each is kept"
    if probability > 0.4:
        return f"{probability:.0%} are kept"
    return f"1 in {1 / probability:,.0f} is kept"


def _milliseconds(captured_at: str) -> int:
    try:
        return int(datetime.fromisoformat(captured_at).timestamp() * 1000)
    except (ValueError, OverflowError):  # whoever published it wrote something else
        return 0


def _would_be(one: Seen) -> Design:
    """What its sample would be, drawn by what speaks for it: particular strategies before the floor."""
    particular = [look for look in one.matched if not look.rule.strategy.floor] or one.matched
    return Design(
        sample_id=one.prediction_id,
        collection="",
        prediction_id=one.prediction_id,
        prediction=one.prediction,
        destinations=(),
        settings_version="",
        reasons=tuple(
            Reason(
                strategy=look.rule.strategy.label,
                rule=look.words,
                score=look.confidence,
                probability=look.probability,
            )
            for look in particular
        ),
        scores={look.rule.strategy.label: look.score for look in particular if not look.rule.strategy.floor},
        probabilities={},
        probability=one.probability,
        salt_fingerprint="",
    )


def _badge(design: Design | None) -> str:
    if design is None:
        return ""
    return DRAWN if design.missing is None else REFUSED


def _pixels(reader: Reader, one: Seen) -> "np.typing.NDArray[np.uint8] | None":
    ref = one.prediction.frame
    try:
        return np.asarray(
            imaging.decode(frames.decode(reader.read(ref.stream, ref.partition, ref.offset)).image), np.uint8
        )
    except (RecordGone, InvalidMessage, InvalidImage):
        return None


def _title(outlook: Outlook, shown: int) -> str:
    drawn = len(outlook.drawn)
    also = f"; beside, the {shown - drawn} likeliest" if shown > drawn else f"; {shown} shown" if shown < drawn else ""
    return f"{len(outlook.seen):,} frames looked at, {drawn:,} drawn{also}"


def _below(outlook: Outlook) -> str:
    if not outlook.timed:
        return "a dry run: nothing was sent"
    told = (
        f"{one.rule.label.replace('_', ' ')}: {one.rate * 86_400:,.0f} a day" for one in outlook.strategies if one.rule
    )
    return " | ".join([*told, "a dry run: nothing was sent"])
