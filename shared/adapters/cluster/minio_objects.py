"""Referenced objects in the buckets of MinIO, or of any server that speaks S3, with the image buffer's endpoint and keys.

Promises: `shared.ports.objects`; only GET and HEAD, and for who publishes PUT. To tell an object that is not there from one
that it may not see, S3 wants the permission to list the bucket.
"""

import io
from contextlib import closing

from minio.error import S3Error

from shared.adapters.cluster.minio_client import NO_BUCKET, connected, is_absent, made, store_errors
from shared.errors import InvalidMessage
from shared.streams.references import check_place

STORE = "object store"


class MinioObjects:
    """May be shared by threads."""

    def __init__(self, endpoint_url: str, access_key: str, secret_key: str, region: str = "us-east-1") -> None:
        self._region = region
        self._minio, self._http = connected(endpoint_url, access_key, secret_key, region, STORE)

    def get(self, bucket: str, key: str, max_bytes: int) -> bytes | None:
        check_place(bucket, key)
        with store_errors(STORE):
            try:
                response = self._minio.get_object(bucket, key)
            except S3Error as error:
                _raise_unless_absent(error)
                return None
            # Closed, not drained: of an object that is too large the rest is never fetched.
            with closing(response):
                data: bytes = response.read(max_bytes + 1)  # raises when the connection ends before the promised length
        if len(data) > max_bytes:
            raise InvalidMessage(f"object s3://{bucket}/{key} has more than {max_bytes:,} bytes")
        return data

    def size(self, bucket: str, key: str) -> int | None:
        check_place(bucket, key)
        with store_errors(STORE):
            try:
                found: int = self._minio.stat_object(bucket, key).size
            except S3Error as error:
                _raise_unless_absent(error)
                return None
        return found

    def put(self, bucket: str, key: str, data: bytes, content_type: str) -> None:
        check_place(bucket, key)
        with store_errors(STORE):
            try:
                self._put(bucket, key, data, content_type)
            except S3Error as error:
                if error.code != NO_BUCKET:
                    raise
                made(self._minio, bucket, self._region)
                self._put(bucket, key, data, content_type)

    def close(self) -> None:
        self._http.clear()

    def _put(self, bucket: str, key: str, data: bytes, content_type: str) -> None:
        self._minio.put_object(bucket, key, io.BytesIO(data), len(data), content_type)


def _raise_unless_absent(error: S3Error) -> None:
    """A bucket that is not there is no answer either: a person makes it, or takes it off the list."""
    if error.code == NO_BUCKET or not is_absent(error):
        raise error
