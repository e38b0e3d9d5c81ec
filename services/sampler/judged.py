"""Judged: what a verdict does to a sample, and whether it makes one.

Promises: a rejection, a correction, a missed object or an affirmation always has a sample, whatever the draw, a gate or a limit
said, and is charged to no budget; `confirmed` revises one that exists, or waits for it, and makes none. The design is never
overwritten: a verdict is a revision, the same one on redelivery. A frame that has gone since is taken from what is held.
"""

from collections.abc import Sequence

from services.sampler.collection import Collection, as_decided
from services.sampler.held import HeldImages, Wait
from services.sampler.keeping import DROPPED, Keeper, Pixels
from shared.ports.state import State
from shared.streams import keys
from shared.streams.samples import BufferedImage, Design, Effect, Revision
from shared.streams.verdicts import Shown, Verdict

BY_SILENCE = "label_source:silence"
"""The tag of what nobody objected to, and nobody confirmed either."""
_EFFECTS: dict[str, Effect] = {
    "confirmed": "verify",
    "missed": "flag_incomplete",
    "corrected": "replace",
    "false_positive": "remove",
    "wrong_class": "flag",
    "bad_box": "flag",
    "unsure": "flag",
    "affirmed": "affirm",
}


def effect_of(verdict: Verdict) -> Effect:
    """What the verdict does to the pre-annotation (DESIGN 4)."""
    return _EFFECTS[verdict.reason or verdict.kind]


class Judge:
    """Turns verdicts into revisions, for one collection."""

    def __init__(self, collection: Collection) -> None:
        around = collection.around
        self._preview_px = around.options.preview_px
        self._collection = collection
        self._name = collection.name
        self._memo_s = around.options.memo_s
        self._state: State = around.state
        self._keeper: Keeper = around.keeper

    def revise(self, verdict: Verdict, held: HeldImages) -> Revision | None:
        """The revision, with its image in the buffer; None for a confirmation of a frame that is no sample (yet), and for a
        shadow: of its prediction there are no samples; where it has the live model's id, its boxes are none of the sample's.
        """
        if verdict.prediction.role == "shadow":
            return None
        sample_id = self._collection.sample_id(verdict.prediction)
        design = self._design(sample_id)
        if verdict.kind in ("confirmed", "unsure"):
            return self._confirmation(verdict, sample_id, design)
        known = self._kept_before(sample_id) if design is None or design.image is None else design.image
        return self._revision(verdict, sample_id, known, None) if known else self._kept(verdict, sample_id, held)

    def hold(self, shown: Shown, time_ms: int, held: HeldImages) -> None:
        """Keeps the image of a held prediction aside, unless a sample has it already or the frame has gone."""
        if shown.prediction is None or shown.prediction.role == "shadow":
            return
        sample_id = self._collection.sample_id(shown.prediction)
        if held.has(self._name, sample_id) or self._has_image(sample_id):
            return
        pixels = self._keeper.read(shown.prediction)
        at = self._keeper.place(self._name, sample_id, shown.prediction, pixels)
        if at is not None and pixels.veiled is not None:
            held.put(self._name, sample_id, at, pixels.veiled.data, Wait(time_ms, shown.objection_s))

    def _has_image(self, sample_id: str) -> bool:
        design = self._design(sample_id)
        return (design is not None and design.image is not None) or self._kept_before(sample_id) is not None

    def waiting_for(self, designs: Sequence[Design]) -> list[Revision]:
        """The confirmations that were read before these were decided."""
        found = self._state.get_many([keys.confirmed_key(self._name, design.sample_id) for design in designs])
        return [
            self._revision(Verdict.model_validate_json(line), design.sample_id, design.image, None)
            for design, stored in zip(designs, found, strict=True)
            for line in (stored or b"").splitlines()
        ]

    def _design(self, sample_id: str) -> Design | None:
        """The design as the memo holds it; one that a limit refused has no image, one that a gate took away is none."""
        memo = self._state.memo(keys.memo_key(self._name, sample_id))
        return None if memo is None or memo.decision == DROPPED else as_decided(memo)

    def _kept_before(self, sample_id: str) -> BufferedImage | None:
        """The image that an earlier verdict kept."""
        stored = self._state.get(keys.kept_key(self._name, sample_id))
        return None if stored is None else BufferedImage.model_validate_json(stored)

    def _confirmation(self, verdict: Verdict, sample_id: str, design: Design | None) -> Revision | None:
        image = self._kept_before(sample_id) if design is None or design.image is None else design.image
        if design is None and image is None:
            self._leave(verdict, sample_id)
            # The draw may have come between the two looks, and found nothing left for it.
            design = self._design(sample_id)
            if design is None:
                return None
            image = design.image
        return self._revision(verdict, sample_id, image, None)

    def _leave(self, verdict: Verdict, sample_id: str) -> None:
        """The verdict was read before its prediction was drawn, or it never will be: left where a draw finds it."""
        key = keys.confirmed_key(self._name, sample_id)
        lines = (self._state.get(key) or b"").splitlines()
        if verdict.to_bytes() not in lines:
            self._state.put(key, b"\n".join([*lines, verdict.to_bytes()]), self._memo_s)

    def _kept(self, verdict: Verdict, sample_id: str, held: HeldImages) -> Revision:
        """Nothing holds the image yet: this verdict keeps it, with a memo of its own."""
        pixels = self._pixels(verdict, sample_id, held)
        at = self._keeper.place(self._name, sample_id, verdict.prediction, pixels)
        revision = self._remembered(self._revision(verdict, sample_id, at, pixels.missing))
        if revision.image is None:
            return revision
        if pixels.missing is None:
            self._put(revision, revision.image, pixels)
        elif not self._keeper.holds(revision.image):
            # Remembered as kept, but the crash came before the image was in the buffer and the frame has gone since.
            return self._forgotten(revision, pixels.missing)
        return revision

    def _pixels(self, verdict: Verdict, sample_id: str, held: HeldImages) -> Pixels:
        """The frame's; where it has gone, what is held of it."""
        pixels = self._keeper.read(verdict.prediction)
        if pixels.missing != "expired":
            return pixels
        return held.pixels(self._name, sample_id, verdict, self._preview_px) or pixels

    def _remembered(self, revision: Revision) -> Revision:
        key = keys.verdict_key(self._name, revision.verdict.verdict_id)
        return Revision.model_validate_json(self._state.put_if_absent(key, revision.to_bytes(), self._memo_s))

    def _forgotten(self, revision: Revision, missing: str) -> Revision:
        without = revision.model_copy(update={"image": None, "missing": missing})
        key = keys.verdict_key(self._name, revision.verdict.verdict_id)
        self._state.put(key, without.to_bytes(), self._memo_s)
        return without

    def _put(self, revision: Revision, at: BufferedImage, pixels: Pixels) -> None:
        self._keeper.put(at, pixels, revision)
        key = keys.kept_key(self._name, revision.sample_id)
        self._state.put(key, at.model_dump_json().encode(), self._memo_s)

    def _revision(self, verdict: Verdict, sample_id: str, image: BufferedImage | None, missing: str | None) -> Revision:
        return Revision(
            sample_id=sample_id,
            collection=self._name,
            prediction_id=verdict.prediction_id,
            prediction=verdict.prediction,
            destinations=self._collection.destinations,
            image=image,
            missing=missing,
            settings_version=self._collection.around.settings_version,
            tags=(*self._collection.options.tags, *((BY_SILENCE,) if verdict.kind == "affirmed" else ())),
            verdict=verdict,
            effect=effect_of(verdict),
        )
