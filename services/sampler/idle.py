"""Idle: for how long nothing has come of a partition, as far as the loop has looked.

The one use of a processing clock beside a frame: it decides when to stop waiting for what may never come, at the end of a
partition, where no log time passes. A pause (a store that is down) counts for no more than one step.
"""

MOST_STEP_S = 1.0
"""Between two looks: the loop looks at least twice a second, unless it was busy or paused."""


class Idle:
    def __init__(self) -> None:
        self._quiet_s: dict[int, float] = {}
        self._looked_s: float | None = None
        self._again = False

    def heard(self, partition: int) -> None:
        """Something came, or came again."""
        self._quiet_s[partition] = 0.0

    def look(self, now_s: float) -> None:
        """The loop came by, at this time of a clock that never goes back."""
        before, self._looked_s = self._looked_s, now_s
        # A batch that is handed in again says nothing of the partitions that it does not hold: they are paused.
        passed_s = 0.0 if before is None or self._again else min(now_s - before, MOST_STEP_S)
        self._again = True
        for partition in self._quiet_s:
            self._quiet_s[partition] += passed_s

    def settle(self) -> None:
        """The batch is through: the next look is another step."""
        self._again = False

    def quiet(self, seconds: float) -> list[int]:
        """The partitions of which nothing came for so long."""
        return [partition for partition, quiet_s in self._quiet_s.items() if quiet_s >= seconds]

    def forget(self, partitions: set[int]) -> None:
        for partition in partitions:
            self._quiet_s.pop(partition, None)
