"""Examine: runs checks beside each other, each bounded in time.

Promises: always a page. A check that takes too long, raises or cannot be made is a line of it; what it had found until then
stays. The text of an error that nobody expected is not shown: it may hold anything.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass, field
from pathlib import Path
from traceback import extract_tb
from typing import TypeVar

from services.cli.doctoring.finding import Finding, warning, wrong
from shared.errors import GleanerError, SettingsError, Unavailable
from shared.settings import Settings

PACKAGES = "pip install 'gleaner-vision[cli]'"
Result = TypeVar("Result")
Look = Callable[[Settings], Iterable[Finding]]


@dataclass(frozen=True, slots=True)
class Check:
    """One look. `alone`: it measures, so nothing else runs beside it. `bare`: it needs no settings."""

    name: str
    look: Look
    limit_s: float = 15.0
    alone: bool = False
    bare: bool = False


@dataclass
class _Running:
    """A check on its way, on a daemon thread: one that hangs is left behind."""

    check: Check
    settings: Settings
    found: list[Finding] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._began_s = time.monotonic()
        self._thread = threading.Thread(target=self._run, name=f"doctor-{self.check.name}", daemon=True)
        self._thread.start()

    def findings(self) -> list[Finding]:
        """Waits for the rest of its time."""
        self._thread.join(max(0.0, self._began_s + self.check.limit_s - time.monotonic()))
        found = list(self.found)
        if self._thread.is_alive():
            found.append(_too_long(self.check))
        return found

    def _run(self) -> None:
        try:
            for one in self.check.look(self.settings):
                self.found.append(one)
        except SettingsError as error:
            self.found.append(wrong(self.check.name, str(error), "change that setting, or what it names"))
        except Unavailable as error:
            todo = f"first mend the {error.dependency}: it has a line of its own"
            self.found.append(warning(self.check.name, f"not looked at: the {error.dependency} does not answer", todo))
        except GleanerError as error:
            self.found.append(wrong(self.check.name, str(error), "see what is said there, then ask the doctor again"))
        except ImportError as error:
            self.found.append(wrong(self.check.name, f"the package {error.name} is missing", PACKAGES))
        except Exception as error:  # noqa: BLE001  whatever a check meets, the page is shown
            self.found.append(_broken(self.check, error))


def examine(checks: Sequence[Check], settings: Settings) -> list[Finding]:
    """The findings of all of them, in their order."""
    alone = {check.name: _Running(check, settings).findings() for check in checks if check.alone}
    beside = [_Running(check, settings) for check in checks if not check.alone]
    by_check = {**alone, **{running.check.name: running.findings() for running in beside}}
    found = [finding for check in checks for finding in by_check[check.name]]
    return list(_each_once(found))


def _each_once(findings: Iterable[Finding]) -> Iterator[Finding]:
    """What an earlier line has said is not said again by all that could not do without it."""
    said: set[str] = set()
    for finding in findings:
        if finding.state != "ok" and finding.found in said:
            yield warning(finding.looked_at, "not looked at, for the same reason", "see above")
        else:
            yield finding
        said.add(finding.found)


def within(limit_s: float, do: Callable[[], Result]) -> Result:
    """What it returns or raises. Raises TimeoutError when it takes longer; its thread is left behind."""
    done: Future[Result] = Future()

    def run() -> None:
        try:
            done.set_result(do())
        except BaseException as error:  # noqa: BLE001  raised again where it is waited for
            done.set_exception(error)

    threading.Thread(target=run, name="doctor-within", daemon=True).start()
    try:
        return done.result(limit_s)
    except FutureTimeoutError as error:
        raise TimeoutError(f"not within {limit_s:g} s") from error


def _too_long(check: Check) -> Finding:
    todo = "whatever it waits for hangs: look at the disk or the server that its other lines name"
    return wrong(check.name, f"no result within {check.limit_s:g} s", todo)


def _broken(check: Check, error: Exception) -> Finding:
    """With its place in the code."""
    if isinstance(error, OSError) and error.strerror:
        return wrong(check.name, f"could not be looked at: {error.strerror}", "look at the permissions and the disk")
    frames = extract_tb(error.__traceback__)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "an unknown place"
    return wrong(
        check.name,
        f"this check itself failed: {type(error).__name__} at {place}",
        "a bug of the doctor's: please report it, with the file that `gleaner doctor --bundle` makes",
    )
