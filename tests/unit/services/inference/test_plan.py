"""How the work is laid out: what is set counts, the rest follows from provider and cores; what is not there is refused."""

import pytest
from structlog.testing import capture_logs

from services.inference.config import InferenceOptions, cores
from services.inference.plan import Plan
from shared.errors import SettingsError
from shared.models.config import Provider
from shared.models.engine import BEST_FIRST, NAMES, Engine, works
from shared.models.runtime import ort
from shared.telemetry import logs

ABSENT: list[Provider] = [kind for kind in NAMES if NAMES[kind] not in ort.get_available_providers()]


def test_auto_takes_the_best_that_works() -> None:
    kind = Plan.of(InferenceOptions()).engine.kind
    assert works(kind)
    assert not any(works(better) for better in BEST_FIRST[: BEST_FIRST.index(kind)])


@pytest.mark.parametrize("absent", ABSENT)
def test_a_provider_that_is_not_there_is_refused_with_what_to_install(absent: Provider) -> None:
    with pytest.raises(SettingsError, match=rf"inference\.provider: {absent} does not work.*pip install onnxruntime"):
        Plan.of(InferenceOptions(provider=absent))


def test_on_a_cpu_lanes_share_the_cores_and_decode_themselves() -> None:
    plan = Plan.of(InferenceOptions(provider="cpu"))
    assert plan.lanes * plan.engine.threads <= cores()
    assert (plan.batch_size, plan.decode_threads) == (1, 0)


def test_what_is_set_counts() -> None:
    options = InferenceOptions(
        provider="cpu", lanes=3, threads_per_lane=2, decode_threads=4, batch_size=16, max_wait_ms=5
    )
    assert Plan.of(options) == Plan(Engine("cpu", 2), 3, 16, 4, 0.005)
    assert Plan.of(options).in_work == 2 * 3 * 16


def test_what_was_got_is_said() -> None:
    logs.configure("tests", "INFO")
    with capture_logs() as lines:
        Plan.of(InferenceOptions(provider="cpu", lanes=2)).say()
    (line,) = lines
    assert (line["event"], line["provider"], line["lanes"]) == ("inference.engine", "cpu", 2)
