"""What becomes of a frame in which something cannot be hidden for certain: nothing of it may be stored."""

from shared.errors import GleanerError


class Withheld(GleanerError):
    """Store neither image nor preview: the sample is published without them. The message says why, for people."""
