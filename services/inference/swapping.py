"""Swapping: another version of the model takes over between two batches, once it has proved beside the old one that it runs.

Promises: loading never blocks whoever predicts. A version that cannot work is refused, said in log, metrics and status, and
not tried again until there is another one; the old one goes on. A bucket that does not answer changes nothing.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import takewhile

from services.inference.batching import Lanes
from services.inference.config import InferenceOptions
from services.inference.models import copies
from services.inference.models.running import Report, RunningModel
from services.inference.models.source import BucketSource, Candidate, FileSource, Source
from services.inference.plan import Plan
from shared.errors import SettingsError, Unavailable
from shared.models.config import ModelConfig
from shared.models.files import ModelFiles
from shared.models.model import Model
from shared.ports import Images
from shared.telemetry import logs, metrics

HURRY_S = 2.0
"""How often at least it is looked while there is nothing to run."""
LET_GO_S = 10.0
"""How long the end waits for a look that is under way."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A version, warm, in sessions of its own."""

    model: Model
    lanes: Lanes


class Swapper:
    """Keeps the version that should run now. `current()` and `close()` are the service's; the rest is a thread's.

    Whoever got a `Loaded` from `current()` may use its lanes as long as it likes after another one took its place, and closes
    them; `close()` closes those of the last one, and the swapper those that nobody ever got.
    """

    def __init__(self, config: ModelConfig, options: InferenceOptions) -> None:
        """Loads a model from a file at once. Raises SettingsError when it cannot work, Unavailable without room for a copy."""
        self._config, self._plan = config, Plan.of(options)
        self._lock, self._closed = threading.Lock(), threading.Event()
        self._current: Loaded | None = None
        self._taken = False
        self._running: Candidate | None = None
        self._since: str | None = None
        self._refused: dict[Candidate, str] = {}
        self._away: str | None = None
        self._untold = False
        self._thread: threading.Thread | None = None
        self._log = logs.get(model_id=config.model_id)
        self._file = FileSource(config) if config.path is not None else None
        if self._file is not None:
            self._begin_with(self._file)

    def start(self, images: Images) -> "Swapper":
        """Begins to look for other versions, and to say in the bucket what runs."""
        source = self._file or BucketSource(self._config, images)
        report = Report(images, self._config.model_id, self._config.role)
        self._thread = threading.Thread(target=self._watch, args=(source, report), name="model-swapper", daemon=True)
        self._thread.start()
        return self

    def current(self) -> Loaded | None:
        """What to predict with from now on; None while there is nothing yet, and `why` says why."""
        with self._lock:
            self._taken = self._current is not None
            return self._current

    @property
    def why(self) -> str:
        """Why there is nothing to predict with."""
        refusals = list(self._refused.values())  # a copy: the thread changes it meanwhile
        return self._away or next(iter(refusals), "it is being loaded")

    def close(self) -> None:
        self._closed.set()
        if self._thread is not None:
            self._thread.join(LET_GO_S)
        with self._lock:
            if self._current is not None:
                self._current.lanes.close()
                metrics.MODEL_INFO.remove(*self._labels(self._current))

    # the thread ------------------------------------------------------------------------------------------------------
    def _watch(self, source: Source, report: Report) -> None:
        while not self._closed.is_set():
            self._look(source)
            self._tell(report)
            often_s = self._config.check_every_s
            self._closed.wait(often_s if self._current else min(often_s, HURRY_S))
        self._end(report)

    def _look(self, source: Source) -> None:
        """Whatever goes wrong here, the version that runs goes on."""
        try:
            candidates = source.candidates()
            self._take_first_of(source, candidates)
            self._forget_refusals(candidates)
        except Exception as why:  # noqa: BLE001
            self._is_away(str(why) or repr(why))
        else:
            self._is_away(None if candidates or self._current else source.empty)

    def _take_first_of(self, source: Source, candidates: Sequence[Candidate]) -> None:
        """The newest that works; once there is one that runs, the newest alone is tried."""
        for candidate in candidates:
            if candidate == self._running or (candidate not in self._refused and self._try(source, candidate)):
                return
            if self._current is not None:
                return

    def _forget_refusals(self, candidates: Sequence[Candidate]) -> None:
        """Of what is older than the version that runs, and of what is no longer there, nobody wants to know."""
        if candidates:
            newer = list(takewhile(lambda one: one != self._running, candidates))
            self._refused = {one: why for one, why in self._refused.items() if one in newer}
        metrics.MODEL_REFUSED.labels(self._config.model_id).set(bool(self._refused))

    def _try(self, source: Source, candidate: Candidate) -> bool:
        """Whether it runs now. Raises Unavailable and OSError where it is worth to try it again."""
        with copies.folder() as folder:
            try:
                config = source.fetch(candidate, folder)
                if self._runs(config):
                    self._running = candidate
                    return True
                loaded = self._load(config)
            except (Unavailable, OSError):
                raise
            except Exception as why:  # noqa: BLE001  a file can break whatever reads it, and must not break the service
                self._refuse(candidate, source.spoken(str(why) or repr(why), folder))
                return False
        self._swap(candidate, loaded)
        return True

    def _begin_with(self, source: FileSource) -> None:
        candidate = source.as_it_is()
        with copies.folder() as folder:
            try:
                loaded = self._load(source.fetch(candidate, folder))
            except (SettingsError, Unavailable, OSError) as why:
                raise SettingsError(source.spoken(str(why), folder)) from why
        self._swap(candidate, loaded)

    def _runs(self, config: ModelConfig) -> bool:
        """Whether these are the files that run already: copied anew, touched, released again."""
        assert config.path is not None
        files = ModelFiles.of(config.path, config.sidecar)
        return self._current is not None and self._current.model.version == files.version

    def _load(self, config: ModelConfig) -> Loaded:
        """Runs a blank image and opens every session. Its files may go afterwards."""
        try:
            model = Model(config, self._plan.engine)
            return Loaded(model, Lanes(model, self._plan))
        except OSError as why:  # the copy is there: it is the content that names what cannot be read
            raise SettingsError(f"model.path: cannot load {config.path}: {why}") from why

    def _swap(self, candidate: Candidate, loaded: Loaded) -> None:
        with self._lock:
            if self._closed.is_set():
                loaded.lanes.close()
                return
            before, taken = self._current, self._taken
            self._current, self._taken, self._running = loaded, False, candidate
        self._since = datetime.now(UTC).isoformat(timespec="seconds")
        if before is not None and not taken:
            before.lanes.close()
        self._say_swapped(before, loaded)

    # what is said ----------------------------------------------------------------------------------------------------
    def _say_swapped(self, before: Loaded | None, now: Loaded) -> None:
        if before is not None:
            metrics.MODEL_INFO.remove(*self._labels(before))
        metrics.MODEL_INFO.labels(*self._labels(now)).set(1)
        metrics.MODEL_SWAPS.labels(self._config.model_id, "swapped" if before else "loaded").inc()
        self._log.info(
            "model.swapped" if before else "model.loaded",
            version=now.model.version,
            before=before.model.version if before else None,
            role=self._config.role,
        )

    def _labels(self, loaded: Loaded) -> tuple[str, str, str]:
        return self._config.model_id, loaded.model.version, self._config.role

    def _refuse(self, candidate: Candidate, why: str) -> None:
        self._refused[candidate] = why
        metrics.MODEL_SWAPS.labels(self._config.model_id, "refused").inc()
        goes_on = self._current.model.version if self._current else None
        self._log.error("model.refused", version=candidate.version, why=why, goes_on=goes_on)

    def _is_away(self, why: str | None) -> None:
        """Said once, and once when it is over."""
        if why is not None and self._away is None:
            self._log.warning("model.not_looked_up", why=why)
        if why is None and self._away is not None:
            self._log.info("model.looked_up")
        self._away = why

    def _tell(self, report: Report) -> None:
        refused, why = next(iter(self._refused.items()), (None, None))
        loaded = self._current
        running = RunningModel(
            instance=report.instance,
            role=self._config.role,
            version=loaded.model.version if loaded else None,
            since=self._since,
            provider=self._plan.engine.kind,
            refused=(refused.version or "the file") if refused else None,
            why=why or (None if loaded else self.why),
        )
        self._reach(lambda: report.write(running))

    def _end(self, report: Report) -> None:
        self._reach(report.end)

    def _reach(self, bucket: Callable[[], None]) -> None:
        """Nobody decides by what is written there: where it cannot be reached, that is said and no more."""
        try:
            bucket()
        except Unavailable as why:
            if not self._untold:
                self._log.info("model.status_not_written", why=str(why))
            self._untold = True
        else:
            self._untold = False
