"""A model file, loaded: its family, its version, and sessions to run it.

Promises: what cannot work is refused here, before the first frame, with what to do about it. The version is the content.
"""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

# From 1.29 on it reports what is run to its makers, unless this is set before it is loaded. Nobody's pictures need that.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from services.inference.config import ModelConfig
from services.inference.foreign import lost_weights, refuse_foreign, weights_beside
from services.inference.models.detect_family import family_of
from services.inference.models.family import Signature, Tensor
from services.inference.preprocess import Floats
from shared.errors import SettingsError
from shared.settings import nearest

_LOAD_ERRORS = (
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.NoSuchFile,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
)


class Session:
    """One onnxruntime session; used by one thread at a time."""

    def __init__(self, path: Path, threads: int) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Threads that spin while they wait burn cores which the other lanes and services need (measured: twice the CPU).
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except _LOAD_ERRORS as error:
            raise _no_model(path, error) from error

    def signature(self) -> Signature:
        tensors = [
            tuple(Tensor(one.name, tuple(one.shape), one.type) for one in some)
            for some in (self._session.get_inputs(), self._session.get_outputs())
        ]
        return Signature(tensors[0], tensors[1], dict(self._session.get_modelmeta().custom_metadata_map))

    def run(self, name: str, tensor: NDArray[np.floating]) -> Floats:
        """The first output, as float32."""
        return np.asarray(self._session.run(None, {name: tensor})[0], np.float32)


class Model:
    """One file, ready to run in as many sessions as there are lanes."""

    def __init__(self, config: ModelConfig, threads: int = 1) -> None:
        content = _content(config.path)
        self.id, self.version = config.model_id, _version(config.path, content)
        self._path, self._threads = config.path, threads
        session = self.open_session()
        self.family = family_of(session.signature(), config)
        self.names = self.family.names
        self._check_thresholds(config)
        self._check_blank(session)

    def open_session(self) -> Session:
        return Session(self._path, self._threads)

    def run(self, session: Session, tensors: Sequence[Floats]) -> Floats:
        """Tensors (3, H, W) of one size through the model, (frames, ...) back. A fixed batch is filled up with zeros."""
        spec = self.family.input
        batch: NDArray[np.floating] = np.stack(tensors).astype(spec.dtype, copy=False)
        if spec.batch is not None and spec.batch > len(batch):
            batch = np.concatenate([batch, np.zeros((spec.batch - len(batch), *batch.shape[1:]), spec.dtype)])
        return session.run(spec.name, batch)[: len(tensors)]

    def _check_thresholds(self, config: ModelConfig) -> None:
        for name in config.class_thresholds:
            if name not in self.names:
                raise SettingsError(
                    f"model.class_thresholds: no class {name!r} in the model{nearest(name, self.names)}"
                )

    def _check_blank(self, session: Session) -> None:
        """One grey image through everything, so that a model that cannot work is refused at start."""
        width, height = self.family.input.size_px
        blank = np.full((height, width, 3), 114, np.uint8)
        try:
            output = self.run(session, [self.family.prepare(blank)])
        except _LOAD_ERRORS as error:
            raise SettingsError(f"model.path: {self._path} loads and cannot run: {error}") from error
        self.family.check(output[0])


def _content(path: Path) -> bytes:
    refuse_foreign(path)
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(
            f"model.path: cannot read {path}: {error.strerror}; expected an exported .onnx file"
        ) from error


def _version(path: Path, content: bytes) -> str:
    """Of the file, and of those beside it that hold its weights: the same graph with other weights is another version."""
    digest = hashlib.sha256(content)
    for file in weights_beside(path, content):
        if file.is_file():
            digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def _no_model(path: Path, error: Exception) -> SettingsError:
    """What onnxruntime's words come to; some of them hide that a second file is missing."""
    lost = lost_weights(path, path.read_bytes())
    if lost is not None:
        return SettingsError(f"model.path: {lost}")
    said = " ".join(str(error).split())
    hint = "; is the file whole (a download that broke off)?" if isinstance(error, ort_errors.InvalidProtobuf) else ""
    return SettingsError(f"model.path: {path} is no ONNX model that onnxruntime can load: {said}{hint}")
