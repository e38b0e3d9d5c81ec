"""By reference: pictures go into a bucket, and what is published names them there.

Promises: an object is durable before its reference is published; its key is made of the source and of the bytes, so that the
same file again is the same object and the same frame.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace

from services.sources.picture import Picture, Unreadable
from shared.ports import Objects
from shared.streams.keys import EXTENSIONS, safe
from shared.streams.references import SCHEME, Reference


def by_reference(
    pictures: Iterable[Picture | Unreadable], objects: Objects, bucket: str, prefix: str = ""
) -> Iterator[Picture | Unreadable]:
    """The same pictures, each put into the bucket when its turn comes, and its bytes let go. Raises Unavailable."""
    for picture in pictures:
        yield picture if isinstance(picture, Unreadable) else _put(picture, objects, bucket, prefix)


def _put(picture: Picture, objects: Objects, bucket: str, prefix: str) -> Picture:
    sha256 = hashlib.sha256(picture.image).hexdigest()
    ending = EXTENSIONS.get(picture.content_type or "", "bin")
    key = f"{prefix}frames/{safe(picture.source_id)}/{sha256}.{ending}"
    objects.put(bucket, key, picture.image, picture.content_type or "application/octet-stream")
    reference = Reference(uri=f"{SCHEME}{bucket}/{key}", size=len(picture.image), sha256=sha256)
    return replace(picture, image=b"", reference=reference)
