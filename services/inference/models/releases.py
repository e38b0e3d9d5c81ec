"""Releases: versions of a model in the bucket, and which of them is live.

  models/<id>/<version>/<file>                    the files, and `manifest.json` with their sizes and hashes, written last
  models/<id>/releases/<number>-<version>.json    one more for each push and rollback; the highest name is live

Promises: nothing is overwritten. Two pushes at once may take one number, never one name: every reader takes the same of
them, and whoever pushed the other is told (the bucket lists what was put, as S3 does since 2020).
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from shared.errors import SettingsError
from shared.models.files import VERSION_CHARS, ModelFiles
from shared.ports import Images

if TYPE_CHECKING:
    from shared.models.model import Model

ROOT = "models/"
MANIFEST = "manifest.json"
_RELEASE = re.compile(rf"(?P<number>\d{{8}})-(?P<version>[0-9a-f]{{{VERSION_CHARS}}})\.json")
_SAFE = re.compile(r"[A-Za-z0-9_=+@,-][A-Za-z0-9_.=+@,-]{0,199}")
"""What a segment of a key may be in every image buffer."""
MOST_PART_BYTES = 255
"""A file's name, in every file system."""


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _File(_Said):
    """`name` is what the graph calls it, `key` what it is called in the bucket."""

    name: str
    key: str
    size: int
    sha256: str


class Manifest(_Said):
    """What a version consists of; `names` are its classes, so that nobody has to load it to know them."""

    graph: str
    files: tuple[_File, ...]
    names: tuple[str, ...] = ()
    task: str = ""


class Note(_Said):
    """What a release says of itself beside its key, for people."""

    released_at: str = ""
    by: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Release:
    """That a version went live. Everything that decides stands in the key."""

    key: str
    number: int
    version: str


@dataclass(frozen=True, slots=True)
class Released:
    """What came of a release. `live` is what readers take now; `new` is false where it was that already."""

    version: str
    live: str
    new: bool


class Releases:
    """One model's. Every call raises Unavailable when the bucket does not answer."""

    def __init__(self, images: Images, model_id: str) -> None:
        self._images, self.model_id = images, model_id
        self._at = folder_of(model_id)

    # What was released

    def history(self) -> list[Release]:
        """Every release, the live one last. What else lies there is no release."""
        prefix = f"{self._at}releases/"
        named = ((found.key, _RELEASE.fullmatch(found.key.removeprefix(prefix))) for found in self._images.list(prefix))
        return [Release(key, int(name["number"]), name["version"]) for key, name in named if name]

    def live(self) -> Release | None:
        return next(reversed(self.history()), None)

    def note(self, release: Release) -> Note:
        """A note that cannot be read takes nothing from the release."""
        try:
            return Note.model_validate_json(self._images.get(release.key) or b"")
        except ValidationError:
            return Note()

    # Pushing

    def push(self, model: "Model", note: str = "") -> Released:
        """Uploads a version that was loaded, and releases it. The live version again is nothing new."""
        self.upload(model)
        return self.release(model.version, "push", note)

    def upload(self, model: "Model") -> None:
        """The manifest last: a version without one is not there. Again, it mends what was damaged."""
        files, listed = model.files, []
        for number, (name, path) in enumerate(files.named()):
            data = path.read_bytes()
            key = name if name != MANIFEST and all(map(_SAFE.fullmatch, name.split("/"))) else f"file-{number}"
            self._images.put(f"{self._at}{files.version}/{key}", data, "application/octet-stream")
            listed.append(_File(name=name, key=key, size=len(data), sha256=hashlib.sha256(data).hexdigest()))
        manifest = Manifest(graph=files.graph.name, files=tuple(listed), names=model.names, task=model.task)
        self._put(f"{files.version}/{MANIFEST}", manifest)

    def release(self, version: str, by: Literal["push", "rollback"], note: str = "") -> Released:
        """Puts, then lists: of two that took one number the listing says to both which is live."""
        before = self.live()
        if before is not None and before.version == version:
            return Released(version, version, new=False)
        number = before.number + 1 if before else 1
        said = Note(released_at=datetime.now(UTC).isoformat(timespec="seconds"), by=by, note=note)
        self._put(f"releases/{number:08d}-{version}.json", said)
        live = self.live()
        return Released(version, live.version if live else version, new=True)

    def rollback(self, to: str | None = None, note: str = "") -> Released:
        """Releases the version that was live before this one, or the named one. Raises SettingsError."""
        version = self.back_to(to)
        self.manifest(version)  # what is not there cannot go live
        return self.release(version, "rollback", note)

    def back_to(self, to: str | None = None) -> str:
        """The version that a rollback would release. Raises SettingsError where there is none."""
        history = self.history()
        if not history:
            raise SettingsError(
                f"nothing was ever pushed as {self.model_id}; `gleaner models list` shows what there is"
            )
        return self._named(history, to) if to else self._before_live(history)

    # Fetching

    def fetch(self, version: str, folder: Path) -> Path:
        """The version's files in an empty folder; gives the graph. Raises SettingsError unless every byte is right."""
        manifest = self.manifest(version)
        for file in manifest.files:
            place(folder, file.name).write_bytes(self._checked(version, file))
        graph = place(folder, manifest.graph)
        found = ModelFiles.of(graph).version
        if found != version:
            raise SettingsError(f"{self._at}{version}: expected the files of version {version}, got those of {found}")
        return graph

    def manifest(self, version: str) -> Manifest:
        """Raises SettingsError where there is none."""
        key = f"{self._at}{version}/{MANIFEST}"
        content = self._images.get(key)
        if content is None:
            raise SettingsError(f"{key} is not there: version {version} was never pushed whole; push it again")
        try:
            return Manifest.model_validate_json(content)
        except ValidationError as error:
            raise SettingsError(
                f"{key} is no list of files: {error.errors()[0]['msg']}; push the model again"
            ) from error

    def _checked(self, version: str, file: _File) -> bytes:
        if not all(map(_SAFE.fullmatch, file.key.split("/"))):
            raise SettingsError(
                f"{self._at}{version}: {file.key[:80]!r} is no key of a pushed file; push the model again"
            )
        key = f"{self._at}{version}/{file.key}"
        content = self._images.get(key)
        if content is None:
            raise SettingsError(f"{key} is not there, and the version's manifest names it; push the model again")
        if (len(content), hashlib.sha256(content).hexdigest()) != (file.size, file.sha256):
            raise SettingsError(
                f"{key}: its {len(content):,} bytes are not the {file.size:,} that were pushed; push the model again"
            )
        return content

    def _before_live(self, history: Sequence[Release]) -> str:
        """The one before the live version's own push: two rollbacks go back two versions, not back and forth."""
        live = history[-1].version
        pushed = [at for at, one in enumerate(history) if one.version == live and self.note(one).by != "rollback"]
        earlier = [one.version for one in history[: max(pushed, default=0)] if one.version != live]
        if not earlier:
            raise SettingsError(f"{live} is the first version of {self.model_id}: there is none to go back to")
        return earlier[-1]

    def _named(self, history: Sequence[Release], beginning: str) -> str:
        known = dict.fromkeys(release.version for release in reversed(history))
        matching = [version for version in known if version.startswith(beginning)]
        if len(matching) != 1:
            raise SettingsError(f"--to {beginning}: expected one of {self.model_id}'s versions: {', '.join(known)}")
        return matching[0]

    def _put(self, name: str, said: _Said) -> None:
        self._images.put(f"{self._at}{name}", said.model_dump_json(indent=1).encode(), "application/json")


def folder_of(model_id: str) -> str:
    """Where everything about a model lies. No segment of a key begins with a dot."""
    return f"{ROOT}{re.sub(r'^[.]', '_', model_id)}/"


def model_ids(images: Images) -> Sequence[str]:
    """Every model that was pushed, or that says that it runs."""
    return sorted({found.key.removeprefix(ROOT).split("/")[0] for found in images.list(ROOT)})


def place(folder: Path, name: str) -> Path:
    """Where a file of that name lies in the folder, which then holds what is above it. Raises SettingsError outside of it."""
    target = folder / name
    if not name or ".." in target.parts or not target.is_relative_to(folder):
        raise SettingsError(f"the model names a file outside of its folder, {name!r}: put it beside the .onnx file")
    if target == folder or "\0" in name or any(len(part.encode()) > MOST_PART_BYTES for part in target.parts):
        raise SettingsError(f"the model names a file that no folder can hold, {name[:80]!r}: call it otherwise")
    target.parent.mkdir(parents=True, exist_ok=True)
    return target
