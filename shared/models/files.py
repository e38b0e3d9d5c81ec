"""The files that a model consists of: the graph, its weights, and what is said of it beside it. Together they are a version.

Promises: looks and reads, loads nothing. The version is the content: the same files give the same version anywhere, and
any other byte in one of them another one.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from shared.errors import SettingsError
from shared.models import sidecar as sidecars
from shared.models.foreign import graph_in, refuse_foreign, weights_beside

COMPANIONS = ("config.json", "preprocessor_config.json", "pipeline.json")
"""What Hugging Face and MMDeploy leave beside a model."""
VERSION_CHARS = 12


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """`graph` is the .onnx file; `others` are what belongs to it, and `names` what each is called beside it, in order."""

    graph: Path
    others: tuple[Path, ...]
    names: tuple[str, ...]
    sidecar: Path | None
    version: str

    @staticmethod
    def of(path: Path, sidecar: Path | None = None) -> "ModelFiles":
        """Of a file, or of a folder that holds one. Raises SettingsError with what to do about it."""
        graph = graph_in(path)
        refuse_foreign(graph)
        try:
            return _of(graph, sidecar)
        except OSError as error:
            raise SettingsError(
                f"model.path: cannot read {error.filename or graph}: {error.strerror}; expected an exported .onnx file"
            ) from error

    def named(self) -> Iterator[tuple[str, Path]]:
        """Every file under the name that it has beside the graph; a sidecar from elsewhere under the usual one."""
        yield self.graph.name, self.graph
        yield from zip(self.names, self.others, strict=True)


def _of(graph: Path, sidecar: Path | None) -> ModelFiles:
    content = graph.read_bytes()
    said = sidecar or sidecars.beside(graph)
    if sidecar is not None and not sidecar.is_file():
        raise SettingsError(f"model.sidecar: there is no {sidecar}")
    own = said if said.is_file() else None
    others = {*_weights(graph, content), *_companions(graph), *([own] if own else []), *_names_beside(own)}
    named = sorted((_name(other, graph, own), other) for other in others)
    names, files = tuple(name for name, _ in named), tuple(file for _, file in named)
    return ModelFiles(graph, files, names, own, _version(content, named))


def _weights(graph: Path, content: bytes) -> list[Path]:
    return [file for file in weights_beside(graph, content) if file.is_file()]


def _companions(graph: Path) -> list[Path]:
    """They speak of the folder's one model."""
    if len(list(graph.parent.glob("*.onnx"))) > 1 and graph.name != "model.onnx":
        return []
    return [graph.parent / name for name in COMPANIONS if (graph.parent / name).is_file()]


def _names_beside(sidecar: Path | None) -> list[Path]:
    names = sidecars.names_file(sidecar) if sidecar else None
    return [names] if names is not None and names.is_file() else []


def _version(content: bytes, named: list[tuple[str, Path]]) -> str:
    """By what the files are called beside the graph: from wherever they come, a copy is the same version."""
    digest = hashlib.sha256(content)
    for name, file in named:
        digest.update(name.encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()[:VERSION_CHARS]


def _name(file: Path, graph: Path, sidecar: Path | None) -> str:
    """Below the graph's folder, or the sidecar's, as it is there."""
    if file == sidecar:
        return sidecars.beside(graph).name
    folders = [graph.parent, *([sidecar.parent] if sidecar else [])]
    return next((file.relative_to(folder).as_posix() for folder in folders if file.is_relative_to(folder)), file.name)
