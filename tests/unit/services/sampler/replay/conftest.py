"""Sites that are closed at the end of their test."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.settings import Settings
from tests.unit.services.sampler.replay.living import Living

Lives = Callable[..., Living]


@pytest.fixture
def lives(tmp_path: Path) -> Iterator[Lives]:
    made: list[Living] = []

    def live(values: dict[str, Any], **more: Any) -> Living:
        made.append(Living(tmp_path / f"site-{len(made)}", Settings(values), **more))
        return made[-1]

    yield live
    for one in made:
        one.close()
