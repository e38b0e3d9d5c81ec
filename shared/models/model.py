"""A model's files, loaded: its family, its version, and sessions to run it.

Promises: what cannot work is refused here, before the first frame, with what to do about it. The version is the content.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.errors import SettingsError
from shared.imaging import Image
from shared.models import sidecar as sidecars
from shared.models.companions import said_by_companions
from shared.models.config import ModelConfig
from shared.models.engine import INSTALL, Engine
from shared.models.families.detect import family_of
from shared.models.families.family import Findings, Outputs, Prepared, Signature, Tensor
from shared.models.files import COMPANIONS, ModelFiles
from shared.models.foreign import lost_weights
from shared.models.graph import for_device
from shared.models.runtime import ort, ort_errors
from shared.models.sidecar import Sidecar
from shared.settings import nearest
from shared.telemetry import logs

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
MOST_BLANK_S = 120.0
"""How long the blank image may take; a device may have to compile first, so it gets ten times as long."""


class Session:
    """One onnxruntime session; used by one thread at a time."""

    def __init__(self, path: Path, engine: Engine, graph: bytes | None = None) -> None:
        """`graph`: what the file holds, edited; without it, as it is."""
        options = ort.SessionOptions()
        options.intra_op_num_threads = engine.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4  # what goes wrong is raised too, and said once
        # Threads that spin while they wait burn cores which the other lanes and services need (measured: twice the CPU).
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            # Without its own fallback, which prints to the terminal and leaves a device without a word.
            self._session = ort.InferenceSession(
                graph or str(path), options, providers=list(engine.providers), enable_fallback=0
            )
        except Exception as error:  # its errors have no common base, and a damaged file breaks its messages too
            raise _no_model(path, error) from error
        if self._session.get_providers()[0] != engine.name:
            raise SettingsError(
                f"inference.provider: {engine.kind} does not take {path}: {INSTALL[engine.kind]}, or say `provider: cpu`"
            )

    def signature(self) -> Signature:
        """Raises SettingsError where names or metadata are no text."""
        try:
            inputs, outputs = (
                tuple(Tensor(one.name, tuple(one.shape), one.type) for one in some)
                for some in (self._session.get_inputs(), self._session.get_outputs())
            )
            return Signature(inputs, outputs, dict(self._session.get_modelmeta().custom_metadata_map))
        except UnicodeDecodeError as error:
            raise SettingsError(f"model.path: a name or the metadata in the file is no UTF-8 text: {error}") from error

    def run(self, feeds: Mapping[str, NDArray[Any]], most_s: float | None = None) -> dict[str, NDArray[Any]]:
        """Every output by its name; half precision as float32. What takes longer than `most_s` is ended: SettingsError."""
        names = [one.name for one in self._session.get_outputs()]
        options = None if most_s is None else ort.RunOptions()
        with _ended_after(options, most_s):
            return dict(zip(names, map(_single, self._session.run(names, dict(feeds), options)), strict=True))


class Model:
    """One version, ready to run in as many sessions as there are lanes. Raises SettingsError when it cannot work."""

    def __init__(self, config: ModelConfig, engine: Engine | None = None) -> None:
        assert config.path is not None, "a model from the bucket is fetched before it is loaded"
        self.config, self.files = config, ModelFiles.of(config.path, config.sidecar)
        self.id, self.version = config.model_id, self.files.version
        self._engine = engine or Engine()
        self._graph: bytes | None = None
        session = self._first_session()
        self.said = said_of(self.files, config)
        with _nothing_but_refusals(self.files.graph):
            self.family = family_of(session.signature(), self.said, config)
        self.names, self.task = self.family.names, self.family.task
        self._check_task()
        self._check_thresholds(config)
        self._check_blank(self._on_gpu() if self._engine.is_gpu else session)

    def open_session(self) -> Session:
        return Session(self.files.graph, self._engine, self._graph)

    def _first_session(self) -> Session:
        """On the CPU where the provider that was found cannot run this model, and nobody asked for that provider."""
        try:
            return self.open_session()
        except SettingsError as why:
            if not self._engine.may_fall_back:
                raise
            logs.get().warning("inference.provider_failed", provider=self._engine.kind, instead="cpu", why=str(why))
            self._engine = self._engine.on_cpu()
            return self.open_session()

    def _on_gpu(self) -> Session:
        """With the graph edited for what the bus costs; as it is where that cannot be."""
        as_it_is = self.family
        try:
            self._graph, self.family = for_device(self.files.graph, self.family) or (None, self.family)
            return self.open_session()
        except (ImportError, ValueError, SettingsError) as why:
            logs.get().warning(
                "inference.graph_as_it_is", why=str(why), hint="pip install onnx: twice as fast on a GPU"
            )
            self._graph, self.family = None, as_it_is
            return self.open_session()

    def prepare(self, image: Image) -> Prepared:
        """A BGR image as the model takes it."""
        return self.family.prepare(image)

    def run(
        self, session: Session, prepared: Sequence[Prepared], most_s: float | None = None
    ) -> list[dict[str, NDArray[Any]]]:
        """Frames whose tensors have one shape through the model, each one's outputs back. A fixed batch is filled up."""
        fixed = self.family.input.batch
        missing = [] if fixed is None else [prepared[0]] * (fixed - len(prepared))
        outputs = session.run(self.family.feeds([*prepared, *missing]), most_s)
        return self.family.split(outputs, len(prepared))

    def read(self, outputs: Outputs, prepared: Prepared) -> Findings:
        """What one frame's outputs say."""
        return self.family.read(outputs, prepared.placement).sane()

    def still_runs(self, session: Session) -> bool:
        """Whether a blank image runs as it did at the start."""
        try:
            return bool(self.run(session, [self.prepare(self.blank())]))
        except Exception:  # noqa: BLE001  that is the answer
            return False

    def name_of(self, class_id: int) -> str:
        """Outputs of families that do not tell how many classes there are may go past the names."""
        return self.names[class_id] if class_id < len(self.names) else f"class{class_id}"

    def blank(self) -> Image:
        """A grey image of the input's size."""
        width_px, height_px = self.family.input.size_px
        return np.full((height_px, width_px, 3), GREY, np.uint8)

    def _check_task(self) -> None:
        """Boxes and classes of pictures are two things; segments, key points and turned boxes have boxes too."""
        said = self.said.task
        if said not in (None, "auto") and (said == "classify") != (self.task == "classify"):
            raise SettingsError(
                f"task: expected what the model does, {self.task}, got {said}: its outputs are those of {self.family.name}"
            )

    def _check_thresholds(self, config: ModelConfig) -> None:
        for name in config.class_thresholds:
            if name not in self.names:
                raise SettingsError(
                    f"model.class_thresholds: no class {name!r} in the model{nearest(name, self.names)}"
                )

    def _check_blank(self, session: Session) -> None:
        """One grey image through everything, so that a model that cannot work is refused at start."""
        most_s = MOST_BLANK_S * (10 if self._engine.is_device else 1)
        with _nothing_but_refusals(self.files.graph):
            prepared = self.prepare(self.blank())
            outputs = self.run(session, [prepared], most_s)[0]
            self.family.check(outputs, prepared)
            self.family.read(outputs, prepared.placement)


def said_of(files: ModelFiles, config: ModelConfig) -> Sidecar:
    """What is said beside the file: the settings over the sidecar over what Hugging Face left there. Raises SettingsError."""
    said = _said_by_companions(files)
    if files.sidecar is not None:
        said = sidecars.read(files.sidecar).over(said)
    return config.said().over(said)


def _said_by_companions(files: ModelFiles) -> Sidecar:
    """Other programs write these: no form of them may do more than be refused."""
    try:
        return said_by_companions(files.others)
    except SettingsError:
        raise
    except Exception as error:
        names = ", ".join(COMPANIONS)
        raise SettingsError(
            f"model.path: what lies beside {files.graph} ({names}) is not as exporters write it: {_in_short(error)}; "
            "correct it, or move it away and say in a sidecar what it said"
        ) from error


@contextmanager
def _ended_after(options: ort.RunOptions | None, most_s: float | None) -> Iterator[None]:
    if options is None or most_s is None:
        yield
        return
    clock = Timer(most_s, setattr, (options, "terminate", True))
    clock.daemon = True
    clock.start()
    try:
        yield
    except LOAD_ERRORS as error:
        if not options.terminate:
            raise
        raise SettingsError(f"model.path: expected an answer to one image, got none within {most_s:g} s") from error
    finally:
        clock.cancel()


@contextmanager
def _nothing_but_refusals(graph: Path) -> Iterator[None]:
    """What a file may do that nobody thought of is a refusal too: the version that runs goes on."""
    try:
        yield
    except SettingsError:
        raise
    except LOAD_ERRORS as error:
        raise SettingsError(f"model.path: {graph} loads and cannot run: {_in_short(error)}") from error
    except Exception as error:
        raise SettingsError(
            f"model.path: {graph} is not what its inputs, outputs and metadata say ({type(error).__name__}: "
            f"{_in_short(error)}): export it again, or say in a sidecar what it is"
        ) from error


def _in_short(error: Exception) -> str:
    return " ".join(str(error).split())[:1000]


def _single(array: NDArray[Any]) -> NDArray[Any]:
    """Raises TypeError for an output that is no array, such as the lists of maps that scikit-learn's exports have."""
    if not isinstance(array, np.ndarray):
        raise TypeError(f"expected outputs that are arrays of numbers, got a {type(array).__name__}")
    return array.astype(np.float32) if array.dtype == np.float16 else array


def _no_model(path: Path, error: Exception) -> SettingsError:
    """What onnxruntime's words come to; some of them hide that a second file is missing."""
    lost = lost_weights(path, path.read_bytes())
    if lost is not None:
        return SettingsError(f"model.path: {lost}")
    if isinstance(error, ort_errors.InvalidProtobuf):
        return SettingsError(f"model.path: {path} is no ONNX model that onnxruntime can load: is the file whole?")
    return SettingsError(f"model.path: {path} is no ONNX model that onnxruntime can load: {_in_short(error)}")
