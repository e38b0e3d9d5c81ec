"""Opening: the service of a model, live or shadow, in two steps.

Promises: what lies in a file is loaded in the first step, so that a file that cannot work is refused before anything starts;
the second needs the backend.
"""

from collections.abc import Callable

from services.inference.config import InferenceConfig
from services.inference.service import InferenceService
from services.inference.swapping import Swapper
from shared.bootstrap import OpenBackend
from shared.models.config import ModelConfig
from shared.streams.frames import Frame
from shared.streams.groups import shadow_group
from shared.streams.ids import share_of

Opens = Callable[[OpenBackend], InferenceService]


def prepared(config: InferenceConfig) -> Opens:
    """What opens the service on a backend. Raises SettingsError when the model's file cannot work."""
    if config.model is None:
        return lambda backend: InferenceService(config, backend.pixels)
    versions = Swapper(config.model, config.inference)
    kind = InferenceService if config.model.role == "live" else _shadow_of(config.model)
    return lambda backend: kind(config, backend.pixels, versions.start(backend.images))


def _shadow_of(model: ModelConfig) -> type[InferenceService]:
    """The same service in a group of its own, on a share of the frames that is the same in every process and after a crash."""

    class ShadowService(InferenceService):
        name = shadow_group(model.model_id)

        def predicts(self, frame: Frame) -> bool:
            return super().predicts(frame) and share_of(frame.ref.frame_id) < model.fraction

    return ShadowService
