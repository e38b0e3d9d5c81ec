"""The image buffer in a bucket of MinIO, or of any server that speaks S3 (only PUT, GET, HEAD, DELETE and LIST are used).

Promises: an object is there whole or not at all, as S3 has it; every wait is bounded; the bucket is made with the first
object where that is allowed.
"""

import io
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from urllib.parse import urlsplit

import certifi
import urllib3
from minio import Minio
from minio.error import MinioException, S3Error
from urllib3.exceptions import HTTPError

from shared.errors import SettingsError, Unavailable
from shared.ports.images import ImageInfo

STORE = "image buffer"
CONNECT_TIMEOUT_S = 2.0
READ_TIMEOUT_S = 15.0
CONNECTIONS = 32
SEGMENT = re.compile(r"[A-Za-z0-9_=+@,-][A-Za-z0-9_.=+@,-]*")
MAX_KEY_BYTES = 900
_NO_OBJECT = ("NoSuchKey", "NoSuchObject", "NoSuchBucket")
_BUCKET_IS_THERE = ("BucketAlreadyOwnedByYou", "BucketAlreadyExists")


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
        self._http = _pool()
        host, secure = _host(endpoint_url)
        self._minio = Minio(host, access_key, secret_key, secure=secure, region=region, http_client=self._http)

    def put(self, key: str, data: bytes, content_type: str) -> None:
        name = self._name(key)
        with _store_errors():
            try:
                self._put(name, data, content_type)
            except S3Error as error:
                if error.code != "NoSuchBucket":
                    raise
                self.ensure_bucket()
                self._put(name, data, content_type)

    def get(self, key: str) -> bytes | None:
        with _store_errors():
            try:
                response = self._minio.get_object(self._bucket, self._name(key))
            except S3Error as error:
                _raise_unless_absent(error)
                return None
            try:
                data: bytes = response.read()  # raises when the connection ends before the promised length
                return data
            finally:
                response.close()
                response.release_conn()

    def stat(self, key: str) -> ImageInfo | None:
        with _store_errors():
            try:
                found = self._minio.stat_object(self._bucket, self._name(key))
            except S3Error as error:
                _raise_unless_absent(error)
                return None
        return ImageInfo(key, found.size, _ms(found.last_modified))

    def delete(self, key: str) -> None:
        with _store_errors():
            try:
                self._minio.remove_object(self._bucket, self._name(key))
            except S3Error as error:
                _raise_unless_absent(error)

    def list(self, prefix: str = "") -> Iterator[ImageInfo]:
        return self._list(self._prefix + prefix)

    def check(self) -> Sequence[str]:
        with _store_errors():
            there = self._minio.bucket_exists(self._bucket)
        missing = f"the bucket {self._bucket} does not exist: it is made with the first image, where that is allowed"
        return [] if there else [missing]

    def ping(self) -> None:
        with _store_errors():
            self._minio.bucket_exists(self._bucket)

    def close(self) -> None:
        self._http.clear()

    def ensure_bucket(self) -> None:
        """Makes the bucket where it is missing. Raises Unavailable when that is not allowed."""
        with _store_errors():
            try:
                self._minio.make_bucket(self._bucket, location=self._region)
            except S3Error as error:
                if error.code not in _BUCKET_IS_THERE:
                    raise

    def _put(self, name: str, data: bytes, content_type: str) -> None:
        self._minio.put_object(self._bucket, name, io.BytesIO(data), len(data), content_type)

    def _list(self, prefix: str) -> Iterator[ImageInfo]:
        """S3 lists in the order of the keys' bytes, a page at a time."""
        with _store_errors():
            try:
                for found in self._minio.list_objects(self._bucket, prefix, recursive=True):
                    key = found.object_name.removeprefix(self._prefix)
                    yield ImageInfo(key, found.size, _ms(found.last_modified))
            except S3Error as error:
                _raise_unless_absent(error)

    def _name(self, key: str) -> str:
        """The object's name. Raises ValueError for a key that could leave its place or be read two ways."""
        name = self._prefix + key
        if len(name) > MAX_KEY_BYTES or not all(SEGMENT.fullmatch(segment) for segment in name.split("/")):
            raise ValueError(f"image key: expected segments of A-Z a-z 0-9 _.=+@,- (no leading dot), got {key[:200]!r}")
        return name


def _host(endpoint_url: str) -> tuple[str, bool]:
    parts = urlsplit(endpoint_url)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path.strip("/"):
        raise SettingsError(f"the image buffer's endpoint must be http(s)://host:port, got {endpoint_url!r}")
    return parts.netloc, parts.scheme == "https"


def _pool() -> urllib3.PoolManager:
    """One retry for a connection that the server has closed meanwhile; the SDK's own would wait five minutes, five times."""
    return urllib3.PoolManager(
        maxsize=CONNECTIONS,
        timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT_S, read=READ_TIMEOUT_S),
        retries=urllib3.Retry(
            total=1, backoff_factor=0.2, status_forcelist=(500, 502, 503, 504), raise_on_status=False
        ),
        cert_reqs="CERT_REQUIRED",
        ca_certs=os.environ.get("SSL_CERT_FILE") or certifi.where(),  # as the SDK does
    )


def _raise_unless_absent(error: S3Error) -> None:
    if error.code not in _NO_OBJECT:
        raise error


def _ms(when: object) -> int:
    if not isinstance(when, datetime):
        raise TypeError(f"expected the store to say when an object was written, got {when!r}")
    return int(when.timestamp() * 1000)


@contextmanager
def _store_errors() -> Iterator[None]:
    """No answer, refusals and a full disk (XMinioStorageFull) are all Unavailable: a person or time can mend them."""
    try:
        yield
    except (MinioException, HTTPError, OSError) as error:
        raise Unavailable(STORE, error) from error
