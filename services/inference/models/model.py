"""A model's files, loaded: its family, its version, and sessions to run it.

Promises: what cannot work is refused here, before the first frame, with what to do about it. The version is the content.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

# From 1.29 on it reports what is run to its makers, unless this is set before it is loaded. Nobody's pictures need that.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from services.inference import sidecar as sidecars
from services.inference.config import ModelConfig
from services.inference.foreign import lost_weights
from services.inference.models.companions import said_by_companions
from services.inference.models.detect_family import family_of
from services.inference.models.engine import Engine
from services.inference.models.family import Findings, Outputs, Prepared, Signature, Tensor
from services.inference.models.files import ModelFiles
from services.inference.sidecar import Sidecar
from shared.errors import SettingsError
from shared.imaging import Image
from shared.settings import nearest

LOAD_ERRORS = (
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.NoSuchFile,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
)
GREY = 114


class Session:
    """One onnxruntime session; used by one thread at a time."""

    def __init__(self, path: Path, engine: Engine) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = engine.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Threads that spin while they wait burn cores which the other lanes and services need (measured: twice the CPU).
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = ort.InferenceSession(str(path), options, providers=list(engine.providers))
        except LOAD_ERRORS as error:
            raise _no_model(path, error) from error

    def signature(self) -> Signature:
        inputs, outputs = (
            tuple(Tensor(one.name, tuple(one.shape), one.type) for one in some)
            for some in (self._session.get_inputs(), self._session.get_outputs())
        )
        return Signature(inputs, outputs, dict(self._session.get_modelmeta().custom_metadata_map))

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Every output by its name; half precision as float32."""
        names = [one.name for one in self._session.get_outputs()]
        return dict(zip(names, map(_single, self._session.run(names, dict(feeds))), strict=True))


class Model:
    """One version, ready to run in as many sessions as there are lanes. Raises SettingsError when it cannot work."""

    def __init__(self, config: ModelConfig, engine: Engine | None = None) -> None:
        assert config.path is not None, "a model from the bucket is fetched before it is loaded"
        self.config, self.files = config, ModelFiles.of(config.path, config.sidecar)
        self.id, self.version = config.model_id, self.files.version
        self._engine = engine or Engine()
        session = self.open_session()
        self.said = said_of(self.files, config)
        self.family = family_of(session.signature(), self.said, config)
        self.names, self.task = self.family.names, self.family.task
        self._check_thresholds(config)
        self._check_blank(session)

    def open_session(self) -> Session:
        return Session(self.files.graph, self._engine)

    def prepare(self, image: Image) -> Prepared:
        """A BGR image as the model takes it."""
        return self.family.prepare(image)

    def run(self, session: Session, prepared: Sequence[Prepared]) -> list[dict[str, NDArray[Any]]]:
        """Frames whose tensors have one shape through the model, each one's outputs back. A fixed batch is filled up."""
        fixed = self.family.input.batch
        missing = [] if fixed is None else [prepared[0]] * (fixed - len(prepared))
        outputs = session.run(self.family.feeds([*prepared, *missing]))
        return self.family.split(outputs, len(prepared))

    def read(self, outputs: Outputs, prepared: Prepared) -> Findings:
        """What one frame's outputs say."""
        return self.family.read(outputs, prepared.placement)

    def name_of(self, class_id: int) -> str:
        """Outputs of families that do not tell how many classes there are may go past the names."""
        return self.names[class_id] if class_id < len(self.names) else f"class{class_id}"

    def blank(self) -> Image:
        """A grey image of the input's size."""
        width_px, height_px = self.family.input.size_px
        return np.full((height_px, width_px, 3), GREY, np.uint8)

    def _check_thresholds(self, config: ModelConfig) -> None:
        for name in config.class_thresholds:
            if name not in self.names:
                raise SettingsError(
                    f"model.class_thresholds: no class {name!r} in the model{nearest(name, self.names)}"
                )

    def _check_blank(self, session: Session) -> None:
        """One grey image through everything, so that a model that cannot work is refused at start."""
        prepared = self.prepare(self.blank())
        try:
            outputs = self.run(session, [prepared])[0]
        except LOAD_ERRORS as error:
            raise SettingsError(f"model.path: {self.files.graph} loads and cannot run: {error}") from error
        self.family.check(outputs, prepared)


def said_of(files: ModelFiles, config: ModelConfig) -> Sidecar:
    """What is said beside the file: the settings over the sidecar over what Hugging Face left there."""
    said = said_by_companions(files.others)
    if files.sidecar is not None:
        said = sidecars.read(files.sidecar).over(said)
    return config.said().over(said)


def _single(array: NDArray[Any]) -> NDArray[Any]:
    return array.astype(np.float32) if array.dtype == np.float16 else array


def _no_model(path: Path, error: Exception) -> SettingsError:
    """What onnxruntime's words come to; some of them hide that a second file is missing."""
    lost = lost_weights(path, path.read_bytes())
    if lost is not None:
        return SettingsError(f"model.path: {lost}")
    if isinstance(error, ort_errors.InvalidProtobuf):
        return SettingsError(f"model.path: {path} is no ONNX model that onnxruntime can load: is the file whole?")
    said = " ".join(str(error).split())
    return SettingsError(f"model.path: {path} is no ONNX model that onnxruntime can load: {said}")
