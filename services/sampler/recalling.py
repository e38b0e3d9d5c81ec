"""Recalling: the frames around a kept one, read back from the log by reference and kept beside it as neighbours.

Promises: looking changes nothing for good until `settle`, so a batch that is handed in again gives the same neighbours. What is
wanted after a kept frame lies in the state store before the offset is committed: a crash or a new owner goes on with it. One
frame is one neighbour (the first that asks for it counts), and none where a design of it exists.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from pydantic import TypeAdapter, ValidationError

from services.sampler.context import Context, Place, Want, places_after, places_before, worn
from services.sampler.keeping import DROPPED, Keeper, Pixels
from shared.errors import InvalidMessage, RecordGone
from shared.ports.log import Reader
from shared.ports.state import Charge, Decided, State, Undecided
from shared.streams import PREDICTIONS, ids, keys
from shared.streams.predictions import Prediction, prediction_id
from shared.streams.record import NewRecord, Record
from shared.streams.samples import Design, Neighbour, new_sample
from shared.telemetry import logs

MOST_SOURCES = 4096
"""Sources and models whose latest frames are remembered; of others there is nothing before a kept frame."""
MOST_UNSETTLED = 2048
"""Frames of a source that are remembered until a batch is through: more than are remembered then, and a batch."""
MOST_WANTS = 64
"""Kept frames of one source whose after-time runs at once; of more than that, nothing is kept after the further ones."""
TOGETHER = 16
"""Neighbours that are in memory at once."""
Where = tuple[int, str, str]
"""(partition, source id, model id)."""
Site = tuple[int, str]
"""(partition, source id)."""
Charges = Callable[[Prediction, int], Sequence[Charge]]
"""What an image of so many bytes is charged to: the global limits, and no strategy."""
_WANTS: TypeAdapter[tuple[Want, ...]] = TypeAdapter(tuple[Want, ...])
_log = logs.get(service="sampler")


@dataclass(frozen=True, slots=True)
class KeptFor:
    """What the neighbours of a collection have in common."""

    collection: str
    destinations: tuple[str, ...]
    tags: tuple[str, ...]
    settings_version: str
    memo_s: int


@dataclass(frozen=True, slots=True)
class Claim:
    """A frame that is to be kept beside another one."""

    partition: int
    model_id: str
    place: Place
    of: str
    after_ms: int


class Recaller:
    """The neighbours of one collection. `seen` and `kept` only take note; `keep_all` does the work of a batch."""

    def __init__(
        self, context: Context, kept_for: KeptFor, state: State, reader: Reader, keeper: Keeper, charges: Charges
    ) -> None:
        self._context, self._kept_for = context, kept_for
        self._state, self._reader, self._keeper, self._charges = state, reader, keeper, charges
        self._places: dict[Where, list[Place]] = {}
        self._wants: dict[Site, tuple[Want, ...]] = {}
        self._met: set[Where] = set()
        self._asked: dict[str, Design] = {}
        self._pending: dict[Site, tuple[Want, ...]] = {}

    def begin(self) -> None:
        """A batch begins, perhaps again. What was read back before the first one may be long."""
        for places in filter(None, map(self._places.get, self._met)):
            del places[:-MOST_UNSETTLED]
        self._met, self._asked, self._pending = set(), {}, {}

    def go_on_from(self, former: "Recaller") -> None:
        """Its settings were replaced: what it remembers of sources is known here too. What it wanted lies in the store."""
        self._places = former._places

    def seen(self, record: Record, prediction: Prediction) -> None:
        """A live prediction of this collection's sources, in order. Also what is read back before the first batch."""
        frame = prediction.frame
        where = (frame.partition, prediction.source_id, prediction.model_id)
        self._met.add(where)
        places = self._places.get(where)
        if places is None:
            self._places[where] = [Place(frame.offset, record.offset, frame.time_ms)]
        elif places[-1].frame_offset < frame.offset:
            places.append(Place(frame.offset, record.offset, frame.time_ms))

    def kept(self, design: Design) -> None:
        """A frame of this batch, or one that waited, was kept by design. Without an image it has no neighbours."""
        if design.image is not None:
            self._asked[design.sample_id] = design

    def keep_all(self) -> list[NewRecord]:
        """The neighbours that are due now: decided, in the buffer, ready to publish. Raises Unavailable."""
        self._learn_wants()
        claims = [*self._before(), *self._after()]
        return list(chain.from_iterable(self._keep(claims[n : n + TOGETHER]) for n in range(0, len(claims), TOGETHER)))

    def settle(self) -> None:
        """The batch is through: what is still to come is remembered. Raises Unavailable, and may be called again."""
        for site, wants in list(self._pending.items()):
            if wants != self._wants.get(site):
                self._state.put(self._want_key(site), _WANTS.dump_json(wants), self._kept_for.memo_s)
            self._wants[site] = self._pending.pop(site)
        for where in self._met:
            self._tidy(where)
        self._met = set()
        self._bound()

    def forget(self, partitions: set[int]) -> None:
        """These partitions come or go: what is wanted there lies in the store. Of the others a batch may be unsettled yet."""
        self._met = {where for where in self._met if where[0] not in partitions}
        self._asked = {at: one for at, one in self._asked.items() if one.prediction.frame.partition not in partitions}
        self._pending = {site: wants for site, wants in self._pending.items() if site[0] not in partitions}
        self._places = {where: places for where, places in self._places.items() if where[0] not in partitions}
        self._wants = {site: wants for site, wants in self._wants.items() if site[0] not in partitions}

    # What is wanted

    def _learn_wants(self) -> None:
        """Of sources that are met for the first time: what a former owner still wanted of them."""
        new = sorted(self._sites() - self._wants.keys())
        stored = self._state.get_many([self._want_key(site) for site in new]) if new else ()
        for site, wants in zip(new, stored, strict=True):
            self._wants[site] = _read(wants)

    def _before(self) -> Iterator[Claim]:
        for design in self._asked.values():
            where, frame = _where(design.prediction), design.prediction.frame
            for place in places_before(self._places.get(where, []), self._context, frame.offset, frame.time_ms):
                yield _claim(where, place, design.sample_id, frame.time_ms)

    def _after(self) -> Iterator[Claim]:
        """Goes on with every want of the sources that were met, those of this batch too."""
        for site in sorted(self._sites()):
            left: list[Want] = []
            for want in self._with_new(site):
                where = (*site, want.model_id)
                places = self._places.get(where, [])
                due, then = places_after(places, self._context, want)
                yield from (_claim(where, place, want.of, want.time_ms) for place in due)
                left += [] if places and then.is_over(places[-1].time_ms) else [then]
            self._pending[site] = tuple(left)

    def _sites(self) -> set[Site]:
        """What this batch speaks of."""
        asked = (_where(design.prediction) for design in self._asked.values())
        return {where[:2] for where in chain(self._met, asked)}

    def _with_new(self, site: Site) -> tuple[Want, ...]:
        """What was wanted already; of a redelivered frame not again."""
        wants = {want.of: want for want in self._wants[site]}
        for sample_id, design in self._asked.items():
            if self._context.after_ms and _where(design.prediction)[:2] == site and sample_id not in wants:
                wants[sample_id] = self._want(design)
        if len(wants) > MOST_WANTS:
            _log.warning("context.too_many", source_id=site[1], kept=len(wants), most=MOST_WANTS)
        return tuple(wants.values())[:MOST_WANTS]

    def _want(self, design: Design) -> Want:
        prediction = design.prediction
        return Want(
            of=design.sample_id,
            model_id=prediction.model_id,
            time_ms=prediction.frame.time_ms,
            until_ms=prediction.frame.time_ms + self._context.after_ms,
            last=prediction.frame.offset,
        )

    def _want_key(self, site: Site) -> str:
        """A source on two partitions has two owners."""
        return keys.want_key(self._kept_for.collection, f"{site[1]}/{site[0]}")

    # What is kept

    def _keep(self, claims: Sequence[Claim]) -> list[NewRecord]:
        predicted = [found for claim in claims if (found := self._prediction(claim))]
        neighbours = self._undrawn([self._neighbour(*one) for one in predicted])
        pixels = [self._keeper.read(one.prediction) for one in neighbours]
        asked = [self._placed(*pair) for pair in zip(neighbours, pixels, strict=True)]
        decided = self._state.decide([self._undecided(one) for one in asked]) if asked else ()
        return [
            new_sample(self._store(outcome, one, seen))
            for one, outcome, seen in zip(asked, map(_outcome, decided), pixels, strict=True)
            # Another kept frame asked for it first, and published it.
            if outcome.of == one.of
        ]

    def _prediction(self, claim: Claim) -> tuple[Claim, Record, Prediction] | None:
        """Read back by reference. None, and said, where it has gone: then nobody knows any more what was in the frame."""
        try:
            record = self._reader.read(PREDICTIONS.name, claim.partition, claim.place.prediction_offset)
            prediction: Prediction = PREDICTIONS.decode(record)
        except (RecordGone, InvalidMessage) as error:
            _log.warning("context.prediction_gone", of=claim.of, after_ms=claim.after_ms, why=str(error))
            return None
        found = (prediction.frame.offset, prediction.model_id)
        return (claim, record, prediction) if found == (claim.place.frame_offset, claim.model_id) else None

    def _neighbour(self, claim: Claim, record: Record, prediction: Prediction) -> Neighbour:
        common = self._kept_for
        return Neighbour(
            sample_id=ids.sample_id(common.collection, prediction.frame.frame_id, prediction.model_id),
            collection=common.collection,
            prediction_id=prediction_id(record, prediction),
            prediction=prediction,
            destinations=common.destinations,
            settings_version=common.settings_version,
            tags=common.tags,
            of=claim.of,
            after_ms=claim.after_ms,
        )

    def _undrawn(self, neighbours: Sequence[Neighbour]) -> list[Neighbour]:
        """Without those that have a design. A memo may also say that a gate left nothing of a draw: that is no design."""
        memos = [keys.memo_key(one.collection, one.sample_id) for one in neighbours]
        there = self._state.get_many(memos) if memos else ()
        return [
            one
            for one, memo_key, memo in zip(neighbours, memos, there, strict=True)
            if memo is None or not self._is_design(memo_key)
        ]

    def _is_design(self, memo_key: str) -> bool:
        memo = self._state.memo(memo_key)
        return memo is not None and memo.decision != DROPPED

    def _placed(self, neighbour: Neighbour, pixels: Pixels) -> Neighbour:
        at = self._keeper.place(neighbour.collection, neighbour.sample_id, neighbour.prediction, pixels)
        return neighbour.model_copy(update={"image": at, "missing": pixels.missing})

    def _undecided(self, neighbour: Neighbour) -> Undecided:
        charges = tuple(self._charges(neighbour.prediction, neighbour.image.size)) if neighbour.image else ()
        return Undecided(_memo_key(neighbour), neighbour.to_bytes(), self._kept_for.memo_s, charges)

    def _store(self, decided: Neighbour, now: Neighbour, pixels: Pixels) -> Neighbour:
        """Image, preview, sidecar; also on redelivery: the crash may have come before the image was there.

        `now`: what would be decided now. The frame may have gone since, or other settings store other bytes: then what lies
        there is what was decided, and where nothing does, the memo learns what is stored instead.
        """
        if decided.image is None:
            return decided
        if now.image != decided.image and self._keeper.holds(decided.image):
            return decided
        then = decided if now.image == decided.image else self._amended(decided, now)
        if then.image is not None:
            self._keeper.put(then.image, pixels, then)
        return then

    def _amended(self, decided: Neighbour, now: Neighbour) -> Neighbour:
        """The memo learns it before anything is stored or published."""
        amended = decided.model_copy(update={"image": now.image, "missing": now.missing})
        self._state.amend(_memo_key(decided), amended.to_bytes(), self._kept_for.memo_s)
        return amended

    # What is remembered

    def _tidy(self, where: Where) -> None:
        """Drops what nobody can ask for any more, and puts the source last in line for being dropped itself."""
        places = self._places.pop(where, None)
        if places:
            del places[: worn(places, self._context)]
            self._places[where] = places

    def _bound(self) -> None:
        while len(self._places) > MOST_SOURCES:
            where = next(iter(self._places))
            del self._places[where]
            self._wants.pop(where[:2], None)  # they lie in the store


def _read(wants: bytes | None) -> tuple[Want, ...]:
    """As stored; what another version left in another form is wanted no more."""
    try:
        return _WANTS.validate_json(wants) if wants else ()
    except ValidationError as why:
        _log.warning("context.unreadable", why=str(why))
        return ()


def _where(prediction: Prediction) -> Where:
    return prediction.frame.partition, prediction.source_id, prediction.model_id


def _claim(where: Where, place: Place, of: str, time_ms: int) -> Claim:
    return Claim(where[0], where[2], place, of, place.time_ms - time_ms)


def _memo_key(neighbour: Neighbour) -> str:
    """Beside the memo of a design: a frame may be drawn after it was kept as a neighbour, where a strategy waits."""
    return f"beside:{{{keys.safe(neighbour.collection)}}}:{neighbour.sample_id}"


def _outcome(decided: Decided) -> Neighbour:
    """The neighbour as it was decided, by this call or by an earlier one."""
    neighbour = Neighbour.model_validate_json(decided.decision)
    if decided.refused_by is None:
        return neighbour
    return neighbour.model_copy(update={"image": None, "missing": f"limit:{decided.refused_by}"})
