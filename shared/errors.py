"""Every error that Gleaner decides by, as a tree. The worker looks at the type, never at the message.

GleanerError
├── SettingsError          refused at start; the message says what to change
├── InvalidMessage         this message will never work   → dead letter, then go on
│   └── InvalidImage       the pixels will never work     → dead letter, then go on
├── Unavailable            try again later                → pause, commit nothing, retry
├── Fenced                 the partition is somebody else's now → drop what is in flight, go on
└── RecordGone             a reference leads nowhere
    ├── Expired            it was written and is gone (retention, re-created stream)
    └── NeverWritten       nothing was ever written there
"""


class GleanerError(Exception):
    """The root: catch it where a person reads the message, nowhere else."""


class SettingsError(GleanerError):
    """The settings cannot work. Says what was expected, what stood there, and where."""


class InvalidMessage(GleanerError):
    """This message will never work, however often it is tried."""


class InvalidImage(InvalidMessage):
    """These bytes are no image that we can or want to decode."""


class Unavailable(GleanerError):
    """A dependency does not answer now. `dependency` names it (`log`, `state store`, `image buffer`)."""

    def __init__(self, dependency: str, why: object) -> None:
        super().__init__(f"{dependency} is unavailable: {why}")
        self.dependency = dependency


class Fenced(GleanerError):
    """A commit came from a member that no longer owns the partition."""


class RecordGone(GleanerError):
    """A reference (stream, partition, offset) leads to no record."""


class Expired(RecordGone):
    """The record was written once and is gone: retention, truncation, or a stream made anew."""


class NeverWritten(RecordGone):
    """The offset lies past the end of the partition: nothing was ever written there."""
