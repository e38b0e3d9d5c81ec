"""A leash: when this process dies, however it dies, a command is run that ends what it started.

A shell waits on a pipe whose other end only this process holds. (PR_SET_PDEATHSIG would not do: it follows the
*thread* that started the server, and a chaos test may well restart one from a thread that ends.)
"""

import subprocess
from collections.abc import Sequence

WAIT_THEN_RUN = 'read -r released && exit 0; exec "$@"'


class Leash:
    """Runs `command` once this process is gone, unless released before."""

    def __init__(self, command: Sequence[str]) -> None:
        self._shell = subprocess.Popen(
            ["sh", "-c", WAIT_THEN_RUN, "leash", *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C must not cut it
        )

    def release(self) -> None:
        """The server has ended in order: do nothing."""
        if self._shell.poll() is None:
            self._shell.communicate(b"released\n")
