"""The image buffer in a bucket of MinIO, or of any server that speaks S3 (only PUT, GET, HEAD, DELETE and LIST are used).

Promises: an object is there whole or not at all, as S3 has it; every wait is bounded; the bucket is made with the first
object where that is allowed.
"""

import io
import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from minio.error import S3Error

from shared.adapters.cluster.minio_client import connected, is_absent, made, store_errors
from shared.ports.images import ImageInfo

STORE = "image buffer"
SEGMENT = re.compile(r"[A-Za-z0-9_=+@,-][A-Za-z0-9_.=+@,-]*")
MAX_KEY_BYTES = 900


class MinioImages:
    """May be shared by threads."""

    def __init__(
        self,
        endpoint_url: str,
        access_key: str,
        secret_key: str,
        bucket: str,
        prefix: str = "",
        region: str = "us-east-1",
    ) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._region = region
        self._minio, self._http = connected(endpoint_url, access_key, secret_key, region, STORE)

    def put(self, key: str, data: bytes, content_type: str) -> None:
        name = self._name(key)
        with store_errors(STORE):
            try:
                self._put(name, data, content_type)
            except S3Error as error:
                if error.code != "NoSuchBucket":
                    raise
                self.ensure_bucket()
                self._put(name, data, content_type)

    def get(self, key: str) -> bytes | None:
        with store_errors(STORE):
            try:
                response = self._minio.get_object(self._bucket, self._name(key))
            except S3Error as error:
                if not is_absent(error):
                    raise
                return None
            try:
                data: bytes = response.read()  # raises when the connection ends before the promised length
                return data
            finally:
                response.close()
                response.release_conn()

    def stat(self, key: str) -> ImageInfo | None:
        with store_errors(STORE):
            try:
                found = self._minio.stat_object(self._bucket, self._name(key))
            except S3Error as error:
                if not is_absent(error):
                    raise
                return None
        return ImageInfo(key, found.size, _ms(found.last_modified))

    def delete(self, key: str) -> None:
        with store_errors(STORE):
            try:
                self._minio.remove_object(self._bucket, self._name(key))
            except S3Error as error:
                if not is_absent(error):
                    raise

    def list(self, prefix: str = "") -> Iterator[ImageInfo]:
        return self._list(self._prefix + prefix)

    def check(self) -> Sequence[str]:
        with store_errors(STORE):
            there = self._minio.bucket_exists(self._bucket)
        missing = f"the bucket {self._bucket} does not exist: it is made with the first image, where that is allowed"
        return [] if there else [missing]

    def ping(self) -> None:
        with store_errors(STORE):
            self._minio.bucket_exists(self._bucket)

    def close(self) -> None:
        self._http.clear()

    def ensure_bucket(self) -> None:
        """Makes the bucket where it is missing. Raises Unavailable when that is not allowed."""
        with store_errors(STORE):
            made(self._minio, self._bucket, self._region)

    def _put(self, name: str, data: bytes, content_type: str) -> None:
        self._minio.put_object(self._bucket, name, io.BytesIO(data), len(data), content_type)

    def _list(self, prefix: str) -> Iterator[ImageInfo]:
        """S3 lists in the order of the keys' bytes, a page at a time."""
        with store_errors(STORE):
            try:
                for found in self._minio.list_objects(self._bucket, prefix, recursive=True):
                    key = found.object_name.removeprefix(self._prefix)
                    yield ImageInfo(key, found.size, _ms(found.last_modified))
            except S3Error as error:
                if not is_absent(error):
                    raise

    def _name(self, key: str) -> str:
        """The object's name. Raises ValueError for a key that could leave its place or be read two ways."""
        name = self._prefix + key
        if len(name) > MAX_KEY_BYTES or not all(SEGMENT.fullmatch(segment) for segment in name.split("/")):
            raise ValueError(f"image key: expected segments of A-Z a-z 0-9 _.=+@,- (no leading dot), got {key[:200]!r}")
        return name


def _ms(when: object) -> int:
    if not isinstance(when, datetime):
        raise TypeError(f"expected the store to say when an object was written, got {when!r}")
    return int(when.timestamp() * 1000)
