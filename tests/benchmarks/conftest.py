"""Measurements run alone, by `make bench`: beside other tests they would measure those, and take minutes."""

import os

import pytest


def pytest_runtest_setup(item: pytest.Item) -> None:
    if not os.environ.get("GLEANER_BENCH"):
        pytest.skip("measurements need the machine for themselves: run `make bench`")
