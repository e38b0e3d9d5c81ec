"""Whatever goes wrong with a file is Unavailable, with what to do about it where somebody can do something."""

import errno
import sqlite3

import pytest

from shared.adapters.embedded.database import said_as_unavailable
from shared.errors import Unavailable


def sqlite(code: int, words: str) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError(words)
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "no space left on the device .*: free some space"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "no space left on the device"),
        (sqlite(sqlite3.SQLITE_FULL, "database or disk is full"), "free some space, it goes on by itself$"),
        (sqlite(sqlite3.SQLITE_READONLY, "attempt to write"), "let the user that runs Gleaner own the data folder$"),
        (sqlite(sqlite3.SQLITE_READONLY | (4 << 8), "attempt to write"), "no permission to write its files"),
        (sqlite(sqlite3.SQLITE_CANTOPEN, "unable to open"), "no permission to write its files"),
        (PermissionError(errno.EACCES, "Permission denied", "log/7"), r"no permission \(log/7\): let the user"),
        (sqlite(sqlite3.SQLITE_CORRUPT, "malformed"), "OperationalError: malformed$"),
    ],
)
def test_each_trouble_says_what_to_do(error: Exception, said: str) -> None:
    with pytest.raises(Unavailable, match=said), said_as_unavailable("log"):
        raise error
