"""Every metric stands in one place, has bounded labels, and says what it counts."""

import pytest
from prometheus_client import Counter, Gauge, Histogram

from shared.telemetry import metrics

METRICS = {name: value for name, value in vars(metrics).items() if isinstance(value, Counter | Gauge | Histogram)}
BOUNDED = {
    "service",
    "stream",
    "reason",
    "strategy",
    "outcome",
    "dependency",
    "result",
    "event",
    "kind",
    "destination",
    "state",
    "model_id",  # of the settings, one or two a process
    "version",  # the one that runs: the one before it is taken away
    "role",
    "rate",  # of four
    "class_name",  # that an alert of the settings names
    "source",  # the first thousand, then one for the rest
}


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_is_named_described_and_bounded(name: str) -> None:
    (family,) = METRICS[name].describe()
    assert family.name.startswith("gleaner_")
    assert family.documentation.endswith(".")
    assert set(METRICS[name]._labelnames) <= BOUNDED


def test_there_are_metrics() -> None:
    assert {"RECORDS", "DEAD_LETTERS", "PAUSED", "LAG"} <= set(METRICS)
