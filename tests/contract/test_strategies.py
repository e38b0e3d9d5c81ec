"""What every strategy promises, asked of all that the registry names, and of some that break it on purpose."""

import re
from collections.abc import Callable
from math import isfinite
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest
import yaml
from hypothesis import given, settings
from pydantic import TypeAdapter

from docs.pictures import strategies as pictures
from docs.strategies import options
from services.sampler.config import CollectionOptions
from services.sampler.recent.past import UNKNOWN
from services.sampler.strategies import REGISTRY, AnyStrategy, Strategy
from services.sampler.strategies.scene import Scene
from shared.streams.predictions import Prediction
from tests.unit.services.sampler.making import classified, prediction
from tests.unit.services.sampler.strategies.scenes import scenes

MOST_CHARS = 200
NAMES = list(REGISTRY)
STRATEGIES: TypeAdapter[Any] = TypeAdapter(tuple[AnyStrategy, ...])
EMPTY = (prediction(), classified())


def examples(name: str) -> list[Strategy]:
    """What the page of a strategy tells people to write: at least one is of that type."""
    blocks = re.findall(r"```yaml\n(.*?)```", options.page(name).read_text(encoding="utf-8"), re.DOTALL)
    made = [one for block in blocks for one in STRATEGIES.validate_python(yaml.safe_load(block)["strategies"])]
    of_type = [one for one in made if one.type == name]
    assert of_type, f"expected an example of {name} on its page, got {[one.type for one in made]}"
    return of_type


EXAMPLES = [pytest.param(one, id=f"{name}-{i}") for name in NAMES for i, one in enumerate(examples(name))]
"""From the pages: a strategy without one fails to be collected, with a sentence."""


def scores(strategy: Strategy, scene: Scene) -> None:
    """A number in [0, 1]; the same twice, also for a strategy made anew from the same options."""
    score = strategy.score(scene)
    assert isinstance(score, float)
    assert isfinite(score)
    assert 0 <= score <= 1
    again = type(strategy).model_validate(strategy.model_dump())
    assert strategy.score(scene) == again.score(scene) == score


def speaks(strategy: Strategy, scene: Scene) -> None:
    """Where there is interest there is a reason: one short line, no more than its numbers and names."""
    if not strategy.score(scene):
        return
    rule = strategy.rule(scene)
    assert 3 <= len(rule) <= MOST_CHARS
    assert re.fullmatch(r"[^\n{}<>]+", rule)
    assert rule == strategy.rule(scene)


def rests(strategy: Strategy, empty: Prediction) -> None:
    """Nothing seen, no past, no shadow: nothing that it could be interested in, but for rules that ask for just that."""
    asks_for_nothing = strategy.floor or getattr(strategy, "less_than", None) is not None
    assert strategy.score(Scene(empty, UNKNOWN)) == float(
        (asks_for_nothing and empty.task == "detect") or strategy.floor
    )


def draws(strategy: Strategy, scene: Scene) -> None:
    """One way of drawing: a fixed scale, a budget or a share."""
    ways = [strategy.fixed is not None, strategy.budget is not None, strategy.share is not None]
    assert ways.count(True) == 1
    assert strategy.fixed is None or 0 < strategy.fixed <= 1
    assert strategy.fires(scene, lambda *_: 0.0, 1.0) in (True, False)


@pytest.mark.parametrize("strategy", EXAMPLES)
@given(scene=scenes)
@settings(max_examples=40, deadline=None)
def test_any_scene_gets_a_score_and_a_reason(strategy: Strategy, scene: Scene) -> None:
    scores(strategy, scene)
    speaks(strategy, scene)
    draws(strategy, scene)


@pytest.mark.parametrize("empty", EMPTY, ids=lambda one: one.task)
@pytest.mark.parametrize("strategy", EXAMPLES)
def test_nothing_is_of_no_interest(strategy: Strategy, empty: Prediction) -> None:
    rests(strategy, empty)


@pytest.mark.parametrize("name", NAMES)
def test_the_registry_names_it_as_its_settings_do(name: str) -> None:
    assert REGISTRY[name].model_fields["type"].default == name
    assert (REGISTRY[name].__doc__ or "").strip()


@pytest.mark.parametrize("name", NAMES)
def test_what_it_waits_for_is_said_on_the_class(name: str) -> None:
    one = examples(name)[0]
    assert isinstance(one.needs_past, bool)
    assert isinstance(one.waits_shadow, bool)
    assert 0 <= one.waits_frames <= 5


@pytest.mark.parametrize("name", NAMES)
def test_its_page_says_what_for_when_and_when_not(name: str) -> None:
    text = options.page(name).read_text(encoding="utf-8")
    assert text.startswith(f"# {name}\n")
    assert [*re.findall(r"^## (.+)$", text, re.MULTILINE)] == ["Options", "When to use it", "When it fails"]
    assert f"](pictures/{name}.svg)" in text
    assert f"]({name}.md)" in options.OVERVIEW.read_text(encoding="utf-8")


@pytest.mark.parametrize(("path", "table"), options.tables().items(), ids=lambda one: getattr(one, "stem", ""))
def test_the_tables_of_options_are_what_the_models_say(path: Path, table: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert options.updated(text, table) == text, "run: python -m docs.strategies.options"


@pytest.mark.parametrize("name", NAMES)
def test_every_option_says_what_it_is(name: str) -> None:
    silent = [
        option for option, field in REGISTRY[name].model_fields.items() if not (field.description or option == "type")
    ]
    assert [option for option in silent if option != "parts"] == []


@pytest.mark.parametrize("name", NAMES)
def test_its_picture_shows_what_the_strategy_really_does(name: str) -> None:
    path = pictures.FOLDER / f"{name}.svg"
    assert path.read_text(encoding="utf-8") == pictures.picture(name), "run: python -m docs.pictures.strategies"


def test_the_overview_shows_the_default() -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", options.OVERVIEW.read_text(encoding="utf-8"), re.DOTALL)
    assert CollectionOptions.model_validate(yaml.safe_load(block)) == CollectionOptions()


class Broken(Strategy):
    """Keeps every promise; each of the next breaks one."""

    type: Literal["broken"] = "broken"
    calls: ClassVar[list[int]] = []

    def score(self, scene: Scene) -> float:
        return 0.5 if scene.prediction.detections else 0.0

    def rule(self, scene: Scene) -> str:
        return "something was seen"


class TooMuch(Broken):
    def score(self, scene: Scene) -> float:
        return 1.5


class NotANumber(Broken):
    def score(self, scene: Scene) -> float:
        return float("nan")


class Forgetful(Broken):
    def score(self, scene: Scene) -> float:
        self.calls.append(1)
        return 1 / len(self.calls)


class Silent(Broken):
    def rule(self, scene: Scene) -> str:
        return ""


class Chatty(Broken):
    def rule(self, scene: Scene) -> str:
        return f"{scene.prediction!r}"


class Raising(Broken):
    def rule(self, scene: Scene) -> str:
        return scene.prediction.detections[99].class_name


class Restless(Broken):
    def score(self, scene: Scene) -> float:
        return 0.1


class TwoWays(Broken):
    @property
    def fixed(self) -> float | None:
        return 0.5


SEEN = Scene(prediction(0.9))


@pytest.mark.parametrize(
    ("broken", "asked"),
    [
        (TooMuch(), scores),
        (NotANumber(), scores),
        (Forgetful(), scores),
        (Silent(), speaks),
        (Chatty(), speaks),
        (Raising(), speaks),
        (TwoWays(share=0.5), draws),
    ],
    ids=lambda one: type(one).__name__ if isinstance(one, Strategy) else one.__name__,
)
def test_a_broken_promise_is_found(broken: Strategy, asked: Callable[[Strategy, Scene], None]) -> None:
    asked(Broken(), SEEN)
    with pytest.raises((AssertionError, IndexError)):
        asked(broken, SEEN)


def test_a_strategy_that_never_rests_is_found() -> None:
    rests(Broken(), EMPTY[0])
    with pytest.raises(AssertionError):
        rests(Restless(), EMPTY[0])


def test_a_table_that_is_out_of_date_is_found() -> None:
    text = options.page("ghost").read_text(encoding="utf-8")
    assert options.updated(text.replace("`at_least`", "`at_most`"), options.own(REGISTRY["ghost"])) == text
    with pytest.raises(ValueError, match="options"):
        options.updated("# ghost", "")
