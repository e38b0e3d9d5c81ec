"""Why a verdict is not taken. Each says what was expected, what came, and `where` to look; api.py gives each its status.

Promises: no message holds a source id, a frame id, an API key or another caller's data.
"""

from shared.errors import GleanerError


class Refusal(GleanerError):
    """`where` names the field or header that is meant."""

    def __init__(self, message: str, where: str) -> None:
        super().__init__(message)
        self.where = where


class NotAuthenticated(Refusal):
    """No API key, or one that is not in the settings."""


class LinkExpired(NotAuthenticated):
    """A signed link, after its time."""


class NotAllowed(Refusal):
    """The caller is known, and may not do this."""


class TooMany(Refusal):
    """The caller asks faster than the settings allow. `retry_after_s`: when it may ask again."""

    def __init__(self, message: str, where: str, retry_after_s: float) -> None:
        super().__init__(message, where)
        self.retry_after_s = retry_after_s


class NotFound(Refusal):
    """Nothing of that name is known."""


class InvalidRequest(Refusal):
    """The request can never work as it is."""


class TooLarge(Refusal):
    """The body is larger than the settings allow."""


class TooSlow(Refusal):
    """The body did not arrive in time."""


class WrongMediaType(Refusal):
    """The body is not declared to be JSON."""


class UnknownPrediction(Refusal):
    """Nothing was ever written where the prediction id points."""


class PredictionGone(Refusal):
    """The prediction, or the image that it is about, was there once and is not any more."""


class KeyReused(Refusal):
    """The same idempotency key came with another body before."""
