"""What runs a model on this machine: execution provider, threads of a session, and how the work is laid out around it.

Promises: a provider counts as there when a session really runs on it, since onnxruntime falls back to the CPU without a word.
What was asked for and is not there is refused with what to install; `auto` takes the best that is there.
"""

import base64
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from services.inference.config import InferenceOptions, Provider, cores
from services.inference.models.runtime import ort
from shared.errors import SettingsError
from shared.telemetry import logs

Kind = Literal["cpu", "cuda", "tensorrt", "openvino"]

NAMES: Mapping[Kind, str] = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
}
BEST_FIRST: tuple[Kind, ...] = ("cuda", "openvino", "cpu")
"""TensorRT builds an engine for minutes at its first start: only by name."""
INSTALL: Mapping[Kind, str] = {
    "cpu": "pip install onnxruntime",
    "cuda": "pip install onnxruntime-gpu in place of onnxruntime, with CUDA and cuDNN of the versions it names",
    "tensorrt": "pip install onnxruntime-gpu in place of onnxruntime, with TensorRT's libraries",
    "openvino": "pip install onnxruntime-openvino in place of onnxruntime",
}
MOST_LANES = 8
GPU_LANES, GPU_BATCH = 2, 32
_ONE_NODE = base64.b64decode("CAcSADozCgwKAXgSAXkiBFJlbHUSAWdaDwoBeBIKCggIARIECgIIAWIPCgF5EgoKCAgBEgQKAggBQgQKABAN")
"""A model of one node, to see whether a provider works before the user's model is there."""


@dataclass(frozen=True, slots=True)
class Engine:
    """How sessions are made. `threads`: a session's own, on the CPU.

    `may_fall_back`: nobody asked for this provider, so that a model it cannot run goes to the CPU (OpenVINO 2026 refuses four
    of the 55 exports in tests/families, each for an operator's sake).
    """

    kind: Kind = "cpu"
    threads: int = 1
    may_fall_back: bool = False

    def on_cpu(self) -> "Engine":
        return Engine("cpu", self.threads)

    @property
    def name(self) -> str:
        """What onnxruntime calls it."""
        return NAMES[self.kind]

    @property
    def providers(self) -> list[str | tuple[str, dict[str, Any]]]:
        """As onnxruntime takes them; operators that the first one does not know run on the CPU."""
        own: list[str | tuple[str, dict[str, Any]]] = [(self.name, self._options())] if self.is_device else []
        return [*own, NAMES["cpu"]]

    @property
    def is_gpu(self) -> bool:
        return self.kind in ("cuda", "tensorrt")

    @property
    def is_device(self) -> bool:
        return self.kind != "cpu"

    def _options(self) -> dict[str, Any]:
        match self.kind:
            case "cuda":  # the default tries every algorithm anew for each size of a batch: seconds each time
                return {"cudnn_conv_algo_search": "HEURISTIC"}
            case "openvino":
                return {"device_type": "CPU", "precision": "FP32", "num_of_threads": str(self.threads)}
        return {}


@dataclass(frozen=True, slots=True)
class Plan:
    """How the work is laid out. `decode_threads` 0: each lane decodes its own frames."""

    engine: Engine = Engine()
    lanes: int = 1
    batch_size: int = 1
    decode_threads: int = 0
    max_wait_s: float = 0.0

    @staticmethod
    def of(options: InferenceOptions) -> "Plan":
        """What the settings leave open follows from the provider and the cores. Raises SettingsError."""
        kind = found(options.provider)
        usual = _of_a_gpu() if kind in ("cuda", "tensorrt") else _of_a_cpu()
        lanes = options.lanes or usual.lanes
        threads = options.threads_per_lane or max(1, cores() // lanes)
        return Plan(
            Engine(kind, threads, may_fall_back=options.provider == "auto" and kind != "cpu"),
            lanes,
            options.batch_size or usual.batch_size,
            options.decode_threads or usual.decode_threads,
            options.max_wait_ms / 1000,
        )

    @property
    def in_work(self) -> int:
        """Frames that keep every lane busy, those behind the running ones included."""
        return 2 * self.lanes * self.batch_size

    def say(self) -> None:
        """What was got, once, for whoever reads the log."""
        logs.get().info(
            "inference.engine",
            provider=self.engine.kind,
            lanes=self.lanes,
            threads=self.engine.threads,
            batch_size=self.batch_size,
            decode_threads=self.decode_threads,
            max_wait_ms=round(1000 * self.max_wait_s, 1),
            cores=cores(),
        )


def _of_a_cpu() -> Plan:
    """A lane per core: decoding and suppression of one hide behind the model of another. Batches gain nothing (docs)."""
    return Plan(lanes=min(MOST_LANES, cores()))


def _of_a_gpu() -> Plan:
    """Two lanes, so that one copies while the other computes, and every core but two decodes (docs/performance.md)."""
    return Plan(lanes=GPU_LANES, batch_size=GPU_BATCH, decode_threads=max(1, cores() - 2))


def found(wanted: Provider) -> Kind:
    """The provider that will be used. Raises SettingsError when the one that is named does not work here."""
    if wanted == "auto":
        return next(kind for kind in BEST_FIRST if works(kind))
    if not works(wanted):
        raise SettingsError(
            f"inference.provider: {wanted} does not work on this machine (onnxruntime {ort.__version__} offers "
            f"{', '.join(ort.get_available_providers())}): {INSTALL[wanted]}, or say `provider: auto`"
        )
    return wanted


@functools.cache
def works(kind: Kind) -> bool:
    """Whether a session really runs on it: being offered is not enough, where a driver or a library is missing."""
    if NAMES[kind] not in ort.get_available_providers():
        return False
    if kind == "cpu":
        return True
    quiet = ort.SessionOptions()
    quiet.log_severity_level = 4
    try:
        session = ort.InferenceSession(_ONE_NODE, quiet, providers=Engine(kind).providers)
    except Exception as error:  # noqa: BLE001  whatever a driver says, it does not work here
        logs.get().warning("inference.provider_failed", provider=kind, why=str(error))
        return False
    return bool(session.get_providers()[0] == Engine(kind).name)
