"""What becomes of one published frame."""

import threading
from dataclasses import dataclass

from gleaner.errors import GleanerError


@dataclass(frozen=True)
class Ids:
    """A frame in Gleaner's log. `prediction_id`: what a verdict names; None where no predictions came along."""

    frame_id: str
    prediction_id: str | None


class Published:
    """A frame on its way. `thinned`: it was left out because of `max_fps`, and nothing more will become of it."""

    def __init__(self, thinned: bool = False) -> None:
        self.thinned = thinned
        self._settled = threading.Event()
        self._settling = threading.Lock()
        self._ids: Ids | None = None
        self._error: GleanerError | None = None
        if thinned:
            self._settled.set()

    @property
    def done(self) -> bool:
        """Whether nothing more will become of it."""
        return self._settled.is_set()

    @property
    def ids(self) -> Ids | None:
        """None until the service has it."""
        return self._ids

    @property
    def frame_id(self) -> str | None:
        return self._ids.frame_id if self._ids else None

    @property
    def prediction_id(self) -> str | None:
        """None until the service has it, and for a frame without predictions."""
        return self._ids.prediction_id if self._ids else None

    @property
    def error(self) -> GleanerError | None:
        """Why it was dropped or refused."""
        return self._error

    def wait(self, timeout_s: float | None = None) -> Ids | None:
        """Its ids, once the service's log has it; None for a frame that was thinned out.

        Raises Refused, Dropped, or TimeoutError when nothing is settled in time (it may still be, later).
        """
        if not self._settled.wait(timeout_s):
            raise TimeoutError(f"the frame is still waiting after {timeout_s:g} s")
        if self._error is not None:
            raise self._error
        return self._ids

    def _after_fork(self, error: GleanerError) -> None:
        """In the child, where the thread that holds a lock may not be."""
        was_settled = self._settled.is_set()
        self._settled, self._settling = threading.Event(), threading.Lock()
        if was_settled:
            self._settled.set()
        else:
            self._settle(error=error)

    def _settle(self, ids: Ids | None = None, error: GleanerError | None = None) -> bool:
        """Whether this is what became of it: the first word counts."""
        with self._settling:
            if self._settled.is_set():
                return False
            self._ids, self._error = ids, error
            self._settled.set()
            return True
