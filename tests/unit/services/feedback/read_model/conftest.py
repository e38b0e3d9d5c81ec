from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.services.feedback.read_model.making import Streams


@pytest.fixture
def streams(tmp_path: Path) -> Iterator[Streams]:
    opened = Streams(tmp_path)
    yield opened
    opened.close()
