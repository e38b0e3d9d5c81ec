"""Audit: how often do the people who are shown a wrong prediction say so? Counted where somebody else looked, too. Pure.

Who audits: whoever says `exhaustive`, that is, looked at the whole frame; their latest word counts. Who is a user: whoever
speaks through the caller that told of the exposure, did not say `exhaustive`, and audited nothing of this frame. Counted are
frames that were drawn, shown, and found wrong by an audit; a user's rejection counts when it came in time.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WRONG = ("rejected", "missed", "corrected")
"""Kinds of verdict that say that something is wrong."""


@dataclass(frozen=True, slots=True)
class Exposed:
    """The first time that a caller told that somebody had seen a prediction; an objection counts up to `until_ms`."""

    at_ms: int
    until_ms: int
    caller: str


@dataclass(frozen=True, slots=True)
class Said:
    """A person's verdict."""

    at_ms: int
    kind: str
    caller: str
    reviewer: str | None = None
    detection_index: int | None = None
    exhaustive: bool = False

    @property
    def person(self) -> tuple[str, str | None]:
        return self.caller, self.reviewer


@dataclass(frozen=True, slots=True)
class Story:
    """Of a prediction of a drawn frame: when its design was written, who was shown it, what was said, as the log has it.

    Times are the log's, and never go back within a partition.
    """

    drawn_ms: int
    exposed: tuple[Exposed, ...]
    said: tuple[Said, ...]

    @property
    def changes_ms(self) -> set[int]:
        """When it may become, or cease to be, an audited error."""
        return {self.drawn_ms, self.exposed[0].until_ms, *(one.at_ms for one in self.said)} if self.exposed else set()

    def as_of(self, now_ms: int) -> bool | None:
        """Whether a user rejected it in time; None where it is no audited error, or none yet.

        Not before everybody who was to be asked had their time, also where somebody was quick: else the quick would count
        more than the silent.
        """
        if not self.exposed or max(self.drawn_ms, self.exposed[0].until_ms) > now_ms:
            return None
        said = [one for one in self.said if one.at_ms <= now_ms]
        return self._was_rejected(said) if _is_wrong(said) else None

    def _was_rejected(self, said: Sequence[Said]) -> bool:
        auditors = {one.person for one in said if one.exhaustive}
        first = self.exposed[0]
        users = {one.caller for one in self.exposed if one.at_ms <= first.until_ms}
        return any(
            one.kind in WRONG and one.caller in users and one.person not in auditors and one.at_ms <= first.until_ms
            for one in said
        )


def _is_wrong(said: Iterable[Said]) -> bool:
    """What the audit says: its latest word on the frame, where one box that is wrong makes the frame wrong."""
    wrong = False
    for one in said:
        if one.exhaustive and one.kind in WRONG:
            wrong = True
        elif one.exhaustive and one.kind == "confirmed" and one.detection_index is None:
            wrong = False
    return wrong


class TrackRecord:
    """Audited errors as of any moment: how many, and how many of them users had rejected."""

    def __init__(self, stories: Iterable[Story]) -> None:
        changes: dict[int, list[int]] = {}
        for story in stories:
            before: bool | None = None
            for at_ms in sorted(story.changes_ms):
                now = story.as_of(at_ms)
                change = changes.setdefault(at_ms, [0, 0])
                change[0] += (now is True) - (before is True)
                change[1] += (now is not None) - (before is not None)
                before = now
        self._times = sorted(changes)
        self._counts = [(0, 0)]
        for at_ms in self._times:
            rejected, errors = self._counts[-1]
            self._counts.append((rejected + changes[at_ms][0], errors + changes[at_ms][1]))

    def as_of(self, now_ms: int) -> tuple[int, int]:
        """(rejected, errors), of what the log has up to and including this moment."""
        return self._counts[bisect_right(self._times, now_ms)]
