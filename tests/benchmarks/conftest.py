"""Measurements run alone, by `make bench`: beside other tests they would measure those, and take minutes.

A module that measures nothing (a smoke run of something slow) says `MEASURES = False` and runs with all other tests.
"""

import os

import pytest


def pytest_runtest_setup(item: pytest.Item) -> None:
    measures = getattr(getattr(item, "module", None), "MEASURES", True)
    if measures and not os.environ.get("GLEANER_BENCH"):
        pytest.skip("measurements need the machine for themselves: run `make bench`")
