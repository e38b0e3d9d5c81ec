"""Referenced objects on one box: a folder per bucket, a file per object. Whoever may write there publishes by reference.

Promises: `shared.ports.objects`; nothing but regular files below a bucket's own folder is ever read, whatever a key says and
wherever a link in it leads. The bucket's folder itself may be a link, to another disk for instance.
"""

import os
from pathlib import Path

from shared.adapters.embedded.database import said_as_unavailable
from shared.adapters.embedded.file_images import write_durably
from shared.adapters.embedded.segments import fsync_folder
from shared.errors import InvalidMessage, Unavailable
from shared.streams.references import check_place

STORE = "object store"
_ASIDE = ".aside"
"""No bucket's name begins with a dot."""


class FileObjects:
    """Safe to share among threads and processes. The folder is made with the first object."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, bucket: str, key: str, max_bytes: int) -> bytes | None:
        data = self._read(bucket, key, max_bytes + 1)
        if data is None and not (self._folder / bucket).is_dir():
            raise Unavailable(STORE, f"there is no bucket {bucket}: expected the folder {self._folder / bucket}")
        if data is not None and len(data) > max_bytes:
            raise InvalidMessage(f"object s3://{bucket}/{key} has more than {max_bytes:,} bytes")
        return data

    def size(self, bucket: str, key: str) -> int | None:
        with said_as_unavailable(STORE):
            found = self._found(bucket, key)
            return None if found is None else found.stat().st_size

    def put(self, bucket: str, key: str, data: bytes, content_type: str) -> None:
        """The content type goes by the key's ending and is not stored."""
        file, aside = self._file(bucket, key), self._folder / _ASIDE
        with said_as_unavailable(STORE):
            aside.mkdir(parents=True, exist_ok=True)
            write_durably(file, data, aside)
            fsync_folder(file.parent)

    def close(self) -> None:
        """Nothing is kept open between calls."""

    def _read(self, bucket: str, key: str, most_bytes: int) -> bytes | None:
        with said_as_unavailable(STORE):
            found = self._found(bucket, key)
            if found is None:
                return None
            with found.open("rb") as file:
                return file.read(most_bytes)

    def _found(self, bucket: str, key: str) -> Path | None:
        """The object's file; None when there is none, or something that is no file of this bucket (a pipe would hang us)."""
        file = self._file(bucket, key)
        inside = os.path.realpath(file).startswith(os.path.realpath(self._folder / bucket) + os.sep)
        return file if inside and file.is_file() else None

    def _file(self, bucket: str, key: str) -> Path:
        check_place(bucket, key)
        return self._folder / bucket / key
