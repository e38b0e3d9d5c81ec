"""Clock: what time is it for a process? It decides nothing about a frame (the log's time does), only retries and pauses."""

from typing import Protocol


class Clock(Protocol):
    def now_ms(self) -> int:
        """UTC milliseconds since 1970."""

    def monotonic_s(self) -> float:
        """Seconds that never go back, for deadlines and backoff."""

    def wait_s(self, seconds: float) -> None:
        """Returns after that time."""
