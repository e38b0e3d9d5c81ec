"""What runs a model on this machine: execution provider, and threads of a session.

Promises: a provider counts as there when a session really runs on it, since onnxruntime falls back to the CPU without a word.
What was asked for and is not there is refused with what to install; `auto` takes the best that is there.
"""

import base64
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from shared.errors import SettingsError
from shared.models.config import Provider
from shared.models.runtime import ort
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
