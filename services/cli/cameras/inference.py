"""How many frames a second this machine's inference manages, measured on the cameras' own pictures.

Promises: uses the settings' model, lanes and threads, decoding included; takes about `MEASURED_S` once the model is loaded.
"""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import cycle

from services.cli.cameras.load import Load, rate_below
from services.inference.batching import Lanes
from services.inference.config import InferenceConfig, InferenceOptions
from services.inference.pace import frames_per_s
from services.inference.plan import Plan
from services.sources.cameras.probe import Probed
from shared.models.config import ModelConfig
from shared.models.model import Model
from shared.settings import Settings

MEASURED_S = 2.0
SPARE = 1.25
"""Sampler, uploader and the log want a part of the machine too."""


@dataclass(frozen=True, slots=True)
class Inference:
    """`frames_per_s`: with the whole machine; `beside_reading`: with what reading the cameras leaves of it."""

    model: str
    frames_per_s: float
    beside_reading: float
    wanted: float

    @property
    def fits(self) -> bool:
        return self.beside_reading >= self.wanted


def measured(settings: Settings, cameras: Sequence[Probed], load: Load) -> Inference | None:
    """None where no model is set, its file is not there, or no camera gave a picture. Raises SettingsError for a bad one."""
    pictures = [camera.picture for camera in cameras if camera.picture]
    if "model" not in settings.values or not pictures:
        return None
    config = settings.read(InferenceConfig)
    model = config.local_model
    if model is None or model.path is None or not model.path.exists():
        return None
    rate = _rate(model, config.inference, pictures)
    left = max(0.0, 1 - load.reading_cores / load.machine_cores)
    return Inference(model.model_id, rate, rate * left, load.frames_per_s)


def _rate(config: ModelConfig, options: InferenceOptions, pictures: Sequence[bytes]) -> float:
    plan = Plan.of(options)
    with closing(Lanes(Model(config, plan.engine), plan)) as lanes:
        return frames_per_s(lanes, cycle(pictures), MEASURED_S)


def sentence(inference: Inference, cameras: Sequence[Probed]) -> str:
    about = f"{inference.model}: {_rounded(inference.wanted)} frames/s wanted, about {_rounded(inference.beside_reading)} fit"
    if inference.beside_reading >= inference.wanted * SPARE:
        return f"{about} on this machine"
    if inference.fits:
        return f"{about} on this machine, with little to spare for the other services"
    alive = sum(1 for camera in cameras if camera.fine)
    rate = rate_below(inference.beside_reading / max(1, alive))
    return f"{about}: lower fps to {rate:g}, take a smaller model, or run inference on more machines"


def _rounded(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}"
