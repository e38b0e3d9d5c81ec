"""A connection to MinIO, or to any server that speaks S3: what the image buffer and the referenced objects share.

Promises: every wait is bounded; whatever a store says that is no answer is Unavailable, by the name of what is kept there.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import certifi
import urllib3
from minio import Minio
from minio.error import MinioException, S3Error
from urllib3.exceptions import HTTPError

from shared.errors import SettingsError, Unavailable

CONNECT_TIMEOUT_S = 2.0
READ_TIMEOUT_S = 15.0
CONNECTIONS = 32
NO_BUCKET = "NoSuchBucket"
_NO_OBJECT = ("NoSuchKey", "NoSuchObject", NO_BUCKET)
_BUCKET_IS_THERE = ("BucketAlreadyOwnedByYou", "BucketAlreadyExists")


def connected(
    endpoint_url: str, access_key: str, secret_key: str, region: str, store: str
) -> tuple[Minio, urllib3.PoolManager]:
    """A client that threads may share, and its connections, which `clear()` closes. Raises SettingsError."""
    http = _pool()
    host, secure = _host(endpoint_url, store)
    return Minio(host, access_key, secret_key, secure=secure, region=region, http_client=http), http


def made(minio: Minio, bucket: str, region: str) -> None:
    """Makes the bucket where it is missing. Raises S3Error when that is not allowed."""
    try:
        minio.make_bucket(bucket, location=region)
    except S3Error as error:
        if error.code not in _BUCKET_IS_THERE:
            raise


def is_absent(error: S3Error) -> bool:
    """Whether it says that there is no such object, or no bucket that could hold it."""
    return error.code in _NO_OBJECT


@contextmanager
def store_errors(store: str) -> Iterator[None]:
    """No answer, refusals and a full disk (XMinioStorageFull) are all Unavailable: a person or time can mend them."""
    try:
        yield
    except (MinioException, HTTPError, OSError) as error:
        raise Unavailable(store, error) from error


def _host(endpoint_url: str, store: str) -> tuple[str, bool]:
    parts = urlsplit(endpoint_url)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path.strip("/"):
        raise SettingsError(f"the {store}'s endpoint must be http(s)://host:port, got {endpoint_url!r}")
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
