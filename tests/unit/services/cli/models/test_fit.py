"""Which classes settings speak of, wherever they do."""

from typing import Any

import pytest

from services.cli.models.fit import check_fit, used
from shared.errors import SettingsError
from shared.settings import Settings

MEMBER = {"type": "class_contains", "selected_class_names": ["cat"]}
WITHIN = {**MEMBER, "probability": 0.5}


def named(**values: Any) -> set[tuple[str, str]]:
    return set(used(Settings({"model": {"id": "doors"}, **values}), "doors"))


@pytest.mark.parametrize(
    ("values", "where"),
    [
        ({"strategies": [WITHIN]}, "the strategy class_contains (selected_class_names)"),
        (
            {"strategies": [{"type": "any_of", "strategies": [MEMBER, {"type": "ghost"}]}]},
            "the strategy any_of (selected_class_names)",
        ),
        ({"strategies": [{"type": "uncertain", "error_rates": {"cat": 0.5}}]}, "the strategy uncertain (error_rates)"),
        ({"limits": [{"most": 5, "per": "day", "classes": ["cat"]}]}, "a limit (classes)"),
        (
            {"strategies": [{"type": "ghost", "limits": [{"most": 5, "per": "day", "classes": ["cat"]}]}]},
            "a limit of the strategy ghost (classes)",
        ),
        ({"privacy": {"blur": ["cat"]}}, "privacy (blur)"),
        ({"collections": {"pets": {"strategies": [WITHIN]}}}, "the strategy class_contains (selected_class_names)"),
    ],
)
def test_a_class_that_the_model_has_not_is_found_wherever_it_stands(values: dict[str, Any], where: str) -> None:
    assert named(**values) == {(where, "cat")}
    with pytest.raises(SettingsError, match="no class 'cat'"):
        check_fit(Settings({"model": {"id": "doors"}, **values}), "doors", ["dog"], [])


def test_a_collection_of_another_model_says_nothing_about_this_one() -> None:
    assert named(collections={"pets": {"model": "pets", "strategies": [WITHIN]}}) == set()
