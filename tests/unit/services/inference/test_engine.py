"""The provider that is used is one that works; what is asked for and is not there is refused with what to install."""

import pytest
from structlog.testing import capture_logs

from services.inference.config import InferenceOptions, Provider, cores
from services.inference.models.engine import BEST_FIRST, NAMES, Engine, Plan, works
from services.inference.models.runtime import ort
from shared.errors import SettingsError
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


def test_the_cpu_is_always_there() -> None:
    assert works("cpu")
    assert Plan.of(InferenceOptions(provider="cpu")).engine.providers == ["CPUExecutionProvider"]


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


def test_devices_come_before_the_cpu_that_runs_what_they_cannot() -> None:
    assert Engine("cuda").providers[1:] == ["CPUExecutionProvider"]
    own, cpu = Engine("openvino", 4).providers
    assert isinstance(own, tuple)
    name, options = own
    assert (name, cpu) == ("OpenVINOExecutionProvider", "CPUExecutionProvider")
    assert options.items() >= {"num_of_threads": "4", "precision": "FP32"}.items()
    assert Engine("openvino", 4, may_fall_back=True).on_cpu() == Engine("cpu", 4)


def test_what_was_got_is_said() -> None:
    logs.configure("tests", "INFO")
    with capture_logs() as lines:
        Plan.of(InferenceOptions(provider="cpu", lanes=2)).say()
    (line,) = lines
    assert (line["event"], line["provider"], line["lanes"]) == ("inference.engine", "cpu", 2)
