"""An image as an application has it → the bytes that travel: JPEG, PNG or WebP.

Promises: encoded images travel as they are; pixels become a JPEG of the same size, so that boxes stay where they are.
"""

import io
import os
from collections.abc import Callable
from typing import Any

from gleaner.errors import Unsupported

MAX_IMAGE_BYTES = 2_000_000
"""What the service takes."""
LOWER_QUALITIES = (75, 50)
"""For pixels that would be too large."""


def encoded(image: object, quality: int = 90) -> bytes:
    """Bytes of a path, bytes, a numpy array (HxWx3 BGR as OpenCV has it, HxWx4 BGRA, HxW) or a PIL image.

    Raises Unsupported.
    """
    if isinstance(image, (bytes, bytearray, memoryview)):
        return bytes(image)
    if isinstance(image, (str, os.PathLike)):
        return _read(image)
    kind = type(image)
    if kind.__module__ == "numpy":
        return _small_enough(_array_encoder(image), quality)
    if any(base.__module__ == "PIL.Image" for base in kind.__mro__):
        return _small_enough(lambda at: _pillow_jpeg(image, at), quality)
    raise Unsupported(
        "unsupported_image",
        "expected a path, bytes of a JPEG, PNG or WebP, a numpy array (BGR) or a PIL image, "
        f"got {kind.__module__}.{kind.__qualname__}",
        "image",
    )


def _read(path: "str | os.PathLike[str]") -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(MAX_IMAGE_BYTES + 1)
    except OSError as error:
        raise Unsupported("unreadable_image", f"{os.fspath(path)}: {error.strerror}", "image") from error
    except ValueError as error:
        raise Unsupported("unreadable_image", f"{path!r} is no path: {error}", "image") from error


def _small_enough(encode: Callable[[int], bytes], quality: int) -> bytes:
    data = encode(quality)
    for lower in LOWER_QUALITIES:
        if len(data) <= MAX_IMAGE_BYTES or lower >= quality:
            break
        data = encode(lower)
    return data


def _array_encoder(array: Any) -> Callable[[int], bytes]:
    if str(array.dtype) != "uint8" or array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        raise Unsupported(
            "unsupported_image",
            f"expected an array of uint8, HxWx3 in BGR, got {array.dtype} of the shape {tuple(array.shape)}",
            "image",
        )
    if 0 in array.shape:
        raise Unsupported("unsupported_image", f"the array is empty: its shape is {tuple(array.shape)}", "image")
    try:
        import cv2  # noqa: F401  the application's, where it has it
    except ImportError:
        return lambda quality: _pillow_array_jpeg(array, quality)
    return lambda quality: _opencv_jpeg(array, quality)


def _opencv_jpeg(array: Any, quality: int) -> bytes:
    import cv2

    try:
        ok, data = cv2.imencode(".jpg", array, [cv2.IMWRITE_JPEG_QUALITY, quality])
    except cv2.error as error:
        raise Unsupported("unsupported_image", f"OpenCV cannot write it as JPEG: {error}", "image") from error
    if not ok:
        raise Unsupported("unsupported_image", f"OpenCV cannot write {array.shape} as JPEG", "image")
    return bytes(data)


def _pillow_array_jpeg(array: Any, quality: int) -> bytes:
    try:
        from PIL import Image
    except ImportError as error:
        message = "an array needs OpenCV or Pillow to become a JPEG: install one, or publish encoded bytes"
        raise Unsupported("no_encoder", message, "image") from error
    if array.ndim == 3:
        array = array[:, :, 0] if array.shape[2] == 1 else array[:, :, 2::-1]
    return _pillow_jpeg(Image.fromarray(array), quality)


def _pillow_jpeg(image: Any, quality: int) -> bytes:
    buffer = io.BytesIO()
    try:
        image.convert("RGB").save(buffer, "JPEG", quality=quality)
    except (OSError, ValueError) as error:
        raise Unsupported("unsupported_image", f"Pillow cannot write it as JPEG: {error}", "image") from error
    return buffer.getvalue()
