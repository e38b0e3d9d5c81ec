"""What can go wrong, as a tree; each says `code` (for programs), `message` (for people) and `where` to look.

GleanerError
├── Unsupported    this image, or these predictions, are of a kind that is not known; raised at once
├── Refused        the service will never take it as it is
├── Unavailable    the service, or something it needs, does not answer now
└── Dropped        a frame that was not sent: no room, or the client was closed
"""


class GleanerError(Exception):
    """The root."""

    def __init__(self, code: str, message: str, where: str = "") -> None:
        super().__init__(f"{message} ({code})")
        self.code = code
        self.message = message
        self.where = where


class Unsupported(GleanerError):
    """An image or predictions of a kind that is not known, or that cannot be read."""


class Refused(GleanerError):
    """The service will never take this request as it is. `status`: of its answer."""

    def __init__(self, code: str, message: str, where: str = "", status: int = 0) -> None:
        super().__init__(code, message, where)
        self.status = status


class Unavailable(GleanerError):
    """No answer now. `retry_after_s`: when the service wants to be asked again, if it said so."""

    def __init__(self, code: str, message: str, where: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(code, message, where)
        self.retry_after_s = retry_after_s


class Dropped(GleanerError):
    """A frame that was given up before it was sent."""
