"""The rules in force: the collections that the settings describe, each with its judge and its neighbours.

Promises: made whole of one version of the settings, so that a changed file is taken up at once or not at all.
"""

from collections.abc import Iterator, Mapping

from services.sampler.collection import Collection, Surroundings
from services.sampler.config import SamplerConfig
from services.sampler.judged import Judge
from services.sampler.keeping import Keeper
from services.sampler.privacy.veil import Veil
from services.sampler.strategies import Strategy
from shared.bootstrap import OpenBackend
from shared.ports.log import Reader
from shared.settings import Settings
from shared.streams.ids import share_of
from shared.streams.predictions import Prediction


class Rules:
    def __init__(self, config: SamplerConfig, backend: OpenBackend, reader: Reader, settings: Settings) -> None:
        self.config = config
        self.version = settings.version
        veil = Veil(config.privacy, config.image)
        self.keeper = Keeper(reader, backend.pixels, backend.images, config.sampler.preview_px, veil)
        around = Surroundings(
            backend.state, reader, self.keeper, backend.salt, backend.common.timezone, self.version, config.sampler
        )
        self.collections = [Collection(name, options, around) for name, options in config.all_collections()]
        self._shadowed = _shadowed(settings)
        self.judges = {one.name: Judge(one) for one in self.collections}

    def go_on_from(self, former: "Rules") -> None:
        """A collection that stays remembers the frames that it may still keep beside others."""
        recallers = {one.name: one.recaller for one in former.collections}
        for one in self.collections:
            if one.recaller and (before := recallers.get(one.name)):
                one.recaller.go_on_from(before)

    @property
    def strategies(self) -> Iterator[Strategy]:
        for collection in self.collections:
            yield from collection.options.strategies

    @property
    def need_past(self) -> bool:
        return any(strategy.needs_past for strategy in self.strategies)

    @property
    def wait_frames(self) -> int:
        """Frames of a source that must have come after one before all can be scored."""
        return max((strategy.waits_frames for strategy in self.strategies), default=0)

    @property
    def wait_shadow(self) -> bool:
        return any(strategy.waits_shadow for strategy in self.strategies)

    def wants_shadow(self, prediction: Prediction) -> bool:
        """Will there be a shadow's prediction of the same frame?"""
        return self.wait_shadow and share_of(prediction.frame.frame_id) < self._shadowed


def _shadowed(settings: Settings) -> float:
    """The share of the frames that the shadow predicts; all, where another program is the shadow."""
    shadow = settings.values.get("shadow")
    return float(shadow.get("fraction", 1.0)) if isinstance(shadow, Mapping) else 1.0
