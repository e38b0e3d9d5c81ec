"""What a client has done so far."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Stats:
    """Frames since the client was made. Once nothing waits: published + thinned + dropped + refused are all of them."""

    published: int = 0
    thinned: int = 0
    """Left out because of `max_fps`."""
    dropped: int = 0
    """Not sent: the queue was full, or the client was closed while they waited."""
    refused: int = 0
    """Sent, and never taken: the log says why."""
    waiting: int = 0
    waiting_bytes: int = 0
    retries: int = 0
