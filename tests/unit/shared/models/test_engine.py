"""What runs a model: the CPU is always there, and stands behind every device."""

from shared.models.engine import Engine, found, works


def test_the_cpu_is_always_there() -> None:
    assert works("cpu")
    assert Engine(found("cpu")).providers == ["CPUExecutionProvider"]


def test_devices_come_before_the_cpu_that_runs_what_they_cannot() -> None:
    assert Engine("cuda").providers[1:] == ["CPUExecutionProvider"]
    own, cpu = Engine("openvino", 4).providers
    assert isinstance(own, tuple)
    name, options = own
    assert (name, cpu) == ("OpenVINOExecutionProvider", "CPUExecutionProvider")
    assert options.items() >= {"num_of_threads": "4", "precision": "FP32"}.items()
    assert Engine("openvino", 4, may_fall_back=True).on_cpu() == Engine("cpu", 4)
