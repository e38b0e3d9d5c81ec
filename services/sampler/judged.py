"""Judged: what a verdict does to a sample, and whether it makes one.

Promises: a rejection or a missed object always has a sample, whatever the draw or a limit said; `confirmed` revises one
that exists and makes none. The design is never overwritten: a verdict is a revision, the same one on redelivery.
"""

from services.sampler.drawing import Drawer
from services.sampler.keeping import Keeper, Pixels
from shared.ports.state import State
from shared.streams import ids, keys
from shared.streams.samples import BufferedImage, Design, Effect, Revision
from shared.streams.verdicts import Verdict

_EFFECTS: dict[str, Effect] = {
    "confirmed": "verify",
    "missed": "flag_incomplete",
    "false_positive": "remove",
    "wrong_class": "flag",
    "bad_box": "flag",
}


def effect_of(verdict: Verdict) -> Effect:
    """What the verdict does to the pre-annotation (DESIGN 4)."""
    return _EFFECTS[verdict.reason or verdict.kind]


class Judge:
    """Turns verdicts into revisions."""

    def __init__(
        self,
        collection: str,
        destinations: tuple[str, ...],
        settings_version: str,
        memo_s: int,
        drawer: Drawer,
        state: State,
        keeper: Keeper,
    ) -> None:
        self._collection = collection
        self._destinations = destinations
        self._settings_version = settings_version
        self._memo_s = memo_s
        self._drawer = drawer
        self._state = state
        self._keeper = keeper

    def revise(self, verdict: Verdict) -> Revision | None:
        """The revision, with its image in the buffer; None for a confirmation of a frame that is no sample, and for a shadow.

        Of a shadow's prediction there are no samples; where it has the live model's id, its boxes are none of the sample's.
        """
        if verdict.prediction.role == "shadow":
            return None
        sample_id = ids.sample_id(self._collection, verdict.prediction.frame.frame_id, verdict.prediction.model_id)
        design = self._design(sample_id)
        if verdict.kind == "confirmed":
            return self._confirmation(verdict, sample_id, design)
        known = self._kept_before(sample_id) if design is None or design.image is None else design.image
        return self._revision(verdict, sample_id, known, None) if known else self._kept(verdict, sample_id)

    def _design(self, sample_id: str) -> Design | None:
        """The design as the memo holds it; one that a limit refused has no image."""
        memo = self._state.memo(keys.memo_key(self._collection, sample_id))
        if memo is None:
            return None
        design = Design.model_validate_json(memo.decision)
        return design if memo.refused_by is None else design.model_copy(update={"image": None})

    def _kept_before(self, sample_id: str) -> BufferedImage | None:
        """The image that an earlier verdict kept."""
        stored = self._state.get(keys.kept_key(self._collection, sample_id))
        return None if stored is None else BufferedImage.model_validate_json(stored)

    def _confirmation(self, verdict: Verdict, sample_id: str, design: Design | None) -> Revision | None:
        # The verdict may be read before the prediction is: a draw is pure, so we know whether there will be a design.
        image = self._kept_before(sample_id) if design is None or design.image is None else design.image
        if design is None and image is None and self._drawer.draw(verdict.prediction_id, verdict.prediction) is None:
            return None
        return self._revision(verdict, sample_id, image, None)

    def _kept(self, verdict: Verdict, sample_id: str) -> Revision:
        """Nothing holds the image yet: this verdict keeps it, with a memo of its own."""
        pixels = self._keeper.read(verdict.prediction.frame)
        at = self._keeper.place(self._collection, sample_id, verdict.prediction, pixels)
        revision = self._remembered(self._revision(verdict, sample_id, at, pixels.missing))
        if revision.image is None:
            return revision
        if pixels.missing is None:
            self._put(revision, revision.image, pixels)
        elif not self._keeper.holds(revision.image):
            # Remembered as kept, but the crash came before the image was in the buffer and the frame has gone since.
            return self._forgotten(revision, pixels.missing)
        return revision

    def _remembered(self, revision: Revision) -> Revision:
        key = keys.verdict_key(self._collection, revision.verdict.verdict_id)
        return Revision.model_validate_json(self._state.put_if_absent(key, revision.to_bytes(), self._memo_s))

    def _forgotten(self, revision: Revision, missing: str) -> Revision:
        without = revision.model_copy(update={"image": None, "missing": missing})
        key = keys.verdict_key(self._collection, revision.verdict.verdict_id)
        self._state.put(key, without.to_bytes(), self._memo_s)
        return without

    def _put(self, revision: Revision, at: BufferedImage, pixels: Pixels) -> None:
        self._keeper.put(at, pixels, revision)
        key = keys.kept_key(self._collection, revision.sample_id)
        self._state.put(key, at.model_dump_json().encode(), self._memo_s)

    def _revision(self, verdict: Verdict, sample_id: str, image: BufferedImage | None, missing: str | None) -> Revision:
        return Revision(
            sample_id=sample_id,
            collection=self._collection,
            prediction_id=verdict.prediction_id,
            prediction=verdict.prediction,
            destinations=self._destinations,
            image=image,
            missing=missing,
            settings_version=self._settings_version,
            verdict=verdict,
            effect=effect_of(verdict),
        )
