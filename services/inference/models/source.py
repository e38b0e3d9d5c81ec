"""Where versions of a model come from: its files on this machine, or its releases in the bucket.

Promises: fetches copies, so that nothing that happens to the files afterwards touches the version that runs (weights beside
a graph are mapped into memory: a file cut short would kill the process). Half-copied files are no candidate.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from services.inference.models.releases import Releases, place
from shared.errors import Unavailable
from shared.models import sidecar as sidecars
from shared.models.config import ModelConfig
from shared.models.files import COMPANIONS, ModelFiles
from shared.ports import Images


@dataclass(frozen=True, slots=True)
class Candidate:
    """A version that may be run. `which` tells it from every other; `version` where it is known before it is fetched."""

    which: str = field(repr=False)
    version: str | None = None


class Source(Protocol):
    """Raises Unavailable, or OSError, where it is worth to look again."""

    def candidates(self) -> Sequence[Candidate]:
        """What there is, the one that should run first; empty when there is none, or none that holds still."""

    def fetch(self, candidate: Candidate, folder: Path) -> ModelConfig:
        """Its files into an empty folder, and how to load them. Raises SettingsError when that will never work."""

    def spoken(self, text: str, folder: Path) -> str:
        """The text with the names that people know, where it names the folder."""

    @property
    def empty(self) -> str:
        """What it means that there is no candidate."""


class FileSource:
    """A file, or the folder that holds it. A change counts once two looks in a row have seen the same."""

    def __init__(self, config: ModelConfig) -> None:
        assert config.path is not None
        self._config, self._path = config, config.path
        self._seen: str | None = None
        self._files: tuple[Path, ...] = ()

    @property
    def empty(self) -> str:
        return f"{self._path} is being written"

    def candidates(self) -> Sequence[Candidate]:
        before, self._seen = self._seen, self._fingerprint()
        return [Candidate(self._seen)] if self._seen == before else []

    def as_it_is(self) -> Candidate:
        """What lies there now, still or not: at the start there is nothing better to run."""
        self._seen = self._fingerprint()
        return Candidate(self._seen)

    def fetch(self, candidate: Candidate, folder: Path) -> ModelConfig:
        files = ModelFiles.of(self._path, self._config.sidecar)
        config = copied(files, self._config, folder)
        if self._fingerprint() != candidate.which:
            raise Unavailable("model file", f"{self._path} changes while it is read")
        self._files = tuple(file for _, file in files.named())
        return config

    def spoken(self, text: str, folder: Path) -> str:
        parent = self._path if self._path.is_dir() else self._path.parent
        return text.replace(f"{folder}/{self._path.name}", str(self._path)).replace(str(folder), str(parent))

    def _fingerprint(self) -> str:
        return repr([(str(file), *_stat(file)) for file in sorted(self._watched())])

    def _watched(self) -> set[Path]:
        """The files of the version that was read last, and those that would be part of it if they were there."""
        graphs = sorted(self._path.glob("*.onnx")) if self._path.is_dir() else [self._path]
        said = [self._config.sidecar] if self._config.sidecar else [sidecars.beside(graph) for graph in graphs]
        companions = [graph.parent / name for graph in graphs[:1] for name in COMPANIONS]
        return {*graphs, *said, *companions, *self._files}


class BucketSource:
    """The releases that were pushed under the model's id."""

    def __init__(self, config: ModelConfig, images: Images) -> None:
        self._config, self._releases = config, Releases(images, config.model_id)

    @property
    def empty(self) -> str:
        id_ = self._config.model_id
        return f"nothing was pushed as {id_} yet: `gleaner models push best.onnx --id {id_}`"

    def candidates(self) -> Sequence[Candidate]:
        """Behind the newest those that came before it, each version once."""
        newest: dict[str, Candidate] = {}
        for release in reversed(self._releases.history()):
            newest.setdefault(release.version, Candidate(release.key, release.version))
        return list(newest.values())

    def fetch(self, candidate: Candidate, folder: Path) -> ModelConfig:
        assert candidate.version is not None
        return self._config.model_copy(update={"path": self._releases.fetch(candidate.version, folder)})

    def spoken(self, text: str, folder: Path) -> str:
        return text.replace(str(folder), f"models/{self._config.model_id}")


def copied(files: ModelFiles, config: ModelConfig, folder: Path) -> ModelConfig:
    """The files under the names that they have as a version, in an empty folder, and how to load them there."""
    for name, file in files.named():
        shutil.copyfile(file, place(folder, name))
    return config.model_copy(update={"path": folder / files.graph.name, "id": config.model_id, "sidecar": None})


def _stat(file: Path) -> tuple[int, ...]:
    """Size, time and place on the disk; nothing for a file that is not there."""
    try:
        found = file.stat()
    except OSError:
        return ()
    return found.st_size, found.st_mtime_ns, found.st_ino
