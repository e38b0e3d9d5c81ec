"""A local dataset in COCO form: `images/`, one fragment per sample in `samples/`, and `_annotations.coco.json`.

Promises: the fragments are the truth and are written after their image, each whole or not at all; the COCO file is made of
them now and then, when idle, and at the end, so a crash in between costs nothing. Samples in any order, same content.
"""

import errno
import json
import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from services.uploader.destinations.destination import Delivered, Delivery, DestinationOptions, NotNow, Refused
from services.uploader.formats import coco
from shared.errors import SettingsError
from shared.streams import ids
from shared.telemetry import logs

ANNOTATIONS = "_annotations.coco.json"
REBUILD_EVERY_S = 5.0
REBUILD_SHARE = 0.05
"""At most this share of the time goes into rebuilding, however large the dataset is."""
_log = logs.get()
_SAFE_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}")
_ELSEWHERE = "let the user that runs Gleaner write there, or name another folder (`gleaner run --dataset FOLDER`)"
_GOES_ON = "nothing is lost meanwhile, and it goes on by itself"
_CAUSES = {
    errno.ENOSPC: f"the disk is full: free some space; {_GOES_ON}",
    errno.EDQUOT: f"the disk quota is used up: free some space; {_GOES_ON}",
    errno.EACCES: f"no permission: let the user that runs Gleaner write there; {_GOES_ON}",
    errno.EROFS: f"the disk is read-only: mount it writable; {_GOES_ON}",
}


class DatasetOptions(DestinationOptions):
    """A folder on this machine that training code reads."""

    type: Literal["dataset"] = "dataset"
    name: str = Field(default="dataset", min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")
    folder: Path = Field(default=Path("dataset"), description="where images and annotations are written")


class DatasetFolder:
    can_be_asked: ClassVar[bool] = True
    deduplicates: ClassVar[bool] = True
    can_update: ClassVar[bool] = True
    links: ClassVar[bool] = False

    def __init__(self, options: DatasetOptions) -> None:
        _refuse_unusable(options.folder)
        self._name = options.name
        self._folder = options.folder
        self._stale = True  # the last process may have stopped between a fragment and the COCO file
        self._rebuilding = threading.Lock()
        self._rebuilt_s = -REBUILD_EVERY_S
        self._rebuild_took_s = 0.0

    @property
    def name(self) -> str:
        return self._name

    def ask(self, sample_id: str) -> str | None:
        with self._explained("look for a sample"):
            return sample_id if self._fragment_path(sample_id).is_file() else None

    def deliver(self, delivery: Delivery) -> Delivered:
        if delivery.image is None:
            raise Refused("there is no image to write")
        file_name = f"{safe_name(delivery.sample_id)}.{delivery.extension}"
        with self._explained(f"write {file_name}"):
            there = self._fragment_path(delivery.sample_id).is_file()
            write_whole(self._folder / "images" / file_name, delivery.image)
            self._write_fragment(delivery.sample_id, coco.fragment(delivery.sample, delivery.annotation, file_name))
        return Delivered("already_there" if there else "accepted", delivery.sample_id)

    def update(self, delivery: Delivery, host_id: str) -> Delivered:
        """Annotation and, where its design is known, why it was chosen; the rest stays as it was delivered."""
        with self._explained(f"update {host_id}"):
            fragment = read_fragment(self._fragment_path(host_id))
            if fragment is None:
                raise Refused(f"{host_id} is no longer in the dataset folder {self._folder}: somebody took it out")
            self._write_fragment(host_id, _updated(fragment, delivery))
        return Delivered("updated", host_id)

    def flush(self, idle: bool) -> None:
        """Rebuilds the COCO file when something changed and the last rebuild is long enough ago."""
        rest_s = self._rebuild_took_s / REBUILD_SHARE
        pause_s = rest_s if idle else max(REBUILD_EVERY_S, rest_s)
        if self._is_stale() and time.monotonic() - self._rebuilt_s >= pause_s:
            self._rebuild()

    def close(self) -> None:
        if self._is_stale():
            self._rebuild()

    def _is_stale(self) -> bool:
        """Where nothing was ever delivered, nothing is written."""
        return self._stale and (self._folder / "samples").is_dir()

    def _rebuild(self) -> None:
        with self._rebuilding, self._explained(f"write {ANNOTATIONS}"):
            started_s = time.monotonic()
            self._stale = False  # before reading: what is delivered meanwhile makes it stale again
            try:
                document = coco.document(self._fragments())
                write_whole(self._folder / ANNOTATIONS, json.dumps(document, ensure_ascii=False, indent=1).encode())
            except OSError:
                self._stale = True
                raise
            self._rebuilt_s = time.monotonic()
            self._rebuild_took_s = self._rebuilt_s - started_s

    def _fragments(self) -> Iterator[coco.Fragment]:
        for path in (self._folder / "samples").glob("*.json"):
            fragment = read_fragment(path)
            if fragment is not None:
                yield fragment

    def _write_fragment(self, sample_id: str, fragment: coco.Fragment) -> None:
        write_whole(self._fragment_path(sample_id), json.dumps(fragment, ensure_ascii=False, indent=1).encode())
        self._stale = True

    def _fragment_path(self, sample_id: str) -> Path:
        return self._folder / "samples" / f"{safe_name(sample_id)}.json"

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            cause = _CAUSES.get(error.errno or 0, error.strerror or str(error))
            raise NotNow(f"cannot {what} in the dataset folder {self._folder}: {cause}") from error


def _refuse_unusable(folder: Path) -> None:
    """Raises SettingsError for a place that will never be a folder of ours, however often it is tried."""
    there = next(one for one in (folder, *folder.absolute().parents) if one.exists())
    if not there.is_dir():
        raise SettingsError(f"destinations: the dataset folder {folder} cannot be made: {there} is a file")
    if not os.access(there, os.W_OK | os.X_OK):
        raise SettingsError(
            f"destinations: the dataset folder {folder} cannot be written: no permission in {there}; {_ELSEWHERE}"
        )


def _updated(fragment: coco.Fragment, delivery: Delivery) -> coco.Fragment:
    updated = {**fragment, **coco.content(delivery.annotation)}
    if delivery.sample.kind != "design":
        return updated
    as_drawn = {**updated, **coco.choice(delivery.sample, delivery.annotation)}
    return {key: value for key, value in as_drawn.items() if key not in coco.OF_NEIGHBOURS}


def read_fragment(path: Path) -> coco.Fragment | None:
    """None for what people took out of the folder, or put into it and is none of ours. Raises OSError."""
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError:
        found = None
    is_ours = isinstance(found, dict) and found.keys() >= coco.NEEDED
    if not is_ours:
        _log.warning("dataset.not_a_fragment", file=str(path))
    return found if is_ours else None


def safe_name(sample_id: str) -> str:
    """The sample's id where it is a plain file name (ours always are), else a hash of it."""
    return sample_id if _SAFE_NAME.fullmatch(sample_id) else ids.make_id("file", sample_id)


def write_whole(path: Path, data: bytes) -> None:
    """The file is there with all of its bytes, on the disk, or not at all. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    try:
        with beside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
