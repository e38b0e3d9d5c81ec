"""What can be set of the sampler, and its defaults. A typo is refused at start.

The top-level keys are the collection `default`; `collections` holds more of them, each with strategies, budgets, limits,
sources, model, destinations and tags of its own.
"""

from collections.abc import Iterator
from typing import Any

from pydantic import Field, field_validator, model_validator

from services.sampler.context import Context
from services.sampler.duplicates import NearDuplicates
from services.sampler.limit_options import Limit
from services.sampler.privacy.options import Privacy
from services.sampler.quality import Quality
from services.sampler.rates import Rate, Rates
from services.sampler.reencoding import ImageOptions
from services.sampler.strategies import AnyStrategy
from services.sampler.strategies.random_fraction import RandomFraction
from services.sampler.strategies.temporal import Temporal
from services.sampler.strategies.uncertain import Uncertain
from shared.settings import Config, is_among

DAY_S = 86_400
HAIR = 1e-9


class Review(Config):
    """What people can look at. Strategies take `share`s of it. `60/day` is short for `{budget: 60/day}`."""

    budget: Rate = Field(default=Rates(many=60, per="day"), description="samples per time, over all sources")
    minimum_per_source: Rate = Field(
        default=Rates(many=1, per="day"),
        description="random checks that each source gets, as far as the floor's part goes",
    )

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"budget": value} if isinstance(value, str) else value


class SamplerOptions(Config):
    memo_s: int = Field(
        default=7 * DAY_S,
        ge=3600,
        description="life of a decision's memo, seconds: a late redelivery or verdict finds it",
    )
    preview_px: int = Field(default=640, ge=64, le=4096, description="longest side of previews, pixels")
    epoch_s: float | None = Field(
        default=None,
        ge=0.5,
        le=60,
        description="log time for which one plan holds, seconds; default: 1 for large budgets, up to 60 for small ones",
    )
    declared_fps: float = Field(
        default=30.0,
        gt=0,
        description="frames per second of all sources together that plans begin with, until they know better",
    )
    most_reads_per_s: float | None = Field(
        default=None,
        gt=0,
        description="drawn frames of a collection that are read back per second, at most, on average: near-duplicates cost "
        "reads too; default: 8 for each sample of its budgets, at least 20",
    )


class CollectionOptions(Config):
    """What belongs together: what is drawn, how much of it, and what it is called."""

    strategies: tuple[AnyStrategy, ...] = Field(
        default=(RandomFraction(share=0.3), Uncertain(share=0.4), Temporal(share=0.3)),
        description="none: nothing is collected here",
    )
    review: Review = Review()
    limits: tuple[Limit, ...] = (Limit(most=1000, per="day"),)
    near_duplicates: NearDuplicates = NearDuplicates()
    quality: Quality = Quality()
    context: Context | None = Field(default=None, description="frames kept beside a kept one; default: none")
    tags: tuple[str, ...] = Field(default=(), description="given to every sample")

    @field_validator("strategies")
    @classmethod
    def _distinct(cls, strategies: tuple[AnyStrategy, ...]) -> tuple[AnyStrategy, ...]:
        labels = [strategy.label for strategy in strategies]
        twice = sorted({label for label in labels if labels.count(label) > 1})
        if twice:
            raise ValueError(
                f"strategies need distinct names, {', '.join(twice)} stands more than once: give them a `name`"
            )
        return strategies

    @field_validator("strategies")
    @classmethod
    def _shared_out(cls, strategies: tuple[AnyStrategy, ...]) -> tuple[AnyStrategy, ...]:
        shares = sum(strategy.share or 0.0 for strategy in strategies)
        if shares > 1 + HAIR:
            raise ValueError(f"expected shares of the review budget that sum to 1 at most, got {shares:g}")
        return strategies


class NamedCollection(CollectionOptions):
    """One of `collections`."""

    sources: tuple[str, ...] | None = Field(default=None, description="names, * and ? allowed; default: all sources")
    model: str | None = Field(default=None, description="id of the model whose predictions it draws; default: all")
    destinations: tuple[str, ...] | None = Field(default=None, description="names; default: all of the settings'")

    def admits(self, source_id: str, model_id: str) -> bool:
        if self.model is not None and model_id != self.model:
            return False
        return self.sources is None or is_among(source_id, self.sources)


class SamplerConfig(CollectionOptions):
    """The collection `default`, more of them, and the names of the destinations that samples go to."""

    collection: str = Field(default="default", min_length=1, max_length=128)
    destinations: tuple[str, ...] = ("dataset",)
    collections: dict[str, NamedCollection] = Field(
        default={}, description="more collections from the same stream, by name"
    )
    image: ImageOptions = ImageOptions()
    privacy: Privacy = Privacy()
    sampler: SamplerOptions = SamplerOptions()

    @field_validator("destinations", mode="before")
    @classmethod
    def _names(cls, value: Any) -> Any:
        """The settings describe destinations in full; the sampler needs their names."""
        if not isinstance(value, list | tuple):
            return value
        return tuple(one.get("name") or one.get("type") if isinstance(one, dict) else one for one in value)

    @model_validator(mode="after")
    def _known(self) -> "SamplerConfig":
        for name, one in self.collections.items():
            if name == self.collection:
                raise ValueError(
                    f"collections: {name!r} is the name of the top-level collection; give this one another"
                )
            unknown = sorted(set(one.destinations or ()) - set(self.destinations))
            if unknown:
                raise ValueError(
                    f"collections.{name}: expected destinations of the settings ({', '.join(self.destinations)}), "
                    f"got {', '.join(unknown)}"
                )
        return self

    def all_collections(self) -> Iterator[tuple[str, NamedCollection]]:
        """By name, the top-level one first; every one with its destinations."""
        own = {name: getattr(self, name) for name in CollectionOptions.model_fields}
        yield self.collection, NamedCollection(**own, destinations=self.destinations)
        for name, one in self.collections.items():
            wanted = self.destinations if one.destinations is None else one.destinations
            yield name, one.model_copy(update={"destinations": wanted})
