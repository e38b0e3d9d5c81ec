"""Live settings: a changed file is taken up while the services run; one that cannot be is refused, and the old goes on.

Promises: all or nothing. What any service of this process would refuse at its start is refused here, with one line in the log
for each change, and `/settings` on the health page says so for as long as it holds. What a running process cannot change (its
backend, its names) refuses the file too. A file that is being written, swapped or gone for a moment changes nothing.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

from shared.errors import SettingsError
from shared.settings import KNOWN_KEYS, LIVE_KEYS, Config, Settings
from shared.telemetry import logs, metrics

LOOK_EVERY_S = 1.0
_AS_WRITTEN = (*LIVE_KEYS, "timezone", "collection")
"""What is in force is what stands in the file: taken up, or the same already in other words. Versions go by the words."""
Stamp = tuple[int, int, int]
"""(inode, time of change, size): through links, so that a link which points elsewhere is another file."""


@dataclass(frozen=True, slots=True)
class InForce:
    """What a process says of its settings. `refused`: why the file as it is now was not taken up; None: it was.

    `at_next_start`: sections that other services read at their start, and that have changed since.
    """

    version: str
    origin: str
    refused: str | None = None
    at_next_start: tuple[str, ...] = ()


class Live:
    """Looks at the settings' file between batches. `service`: who, in metrics and log.

    `prepare` makes what the service needs of new settings, and may raise SettingsError: then they are refused as well.
    """

    def __init__(
        self,
        settings: Settings,
        service: str = "sampler",
        prepare: Callable[[Settings], object] = lambda _: None,
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        self._settings = settings
        self._prepare = prepare
        self._service = service
        self._look_every_s = look_every_s
        self._looked_s = time.monotonic()
        # Nothing is known of the file yet: it may have changed since it was read.
        self._seen: Stamp | None = None
        self._settled: Stamp | None = None
        self._known: bytes | None = b""
        self._log = logs.get(service=service)
        self.in_force = InForce(settings.version, settings.origin)
        self._show()

    @property
    def settings(self) -> Settings:
        """Those in force."""
        return self._settings

    def told(self) -> dict[str, Any]:
        """What the health page shows."""
        return asdict(self.in_force)

    def changed(self) -> Settings | None:
        """New settings in force, once; None while nothing has changed. Looks at most once a second. Raises nothing."""
        now_s = time.monotonic()
        if self._settings.path is None or now_s - self._looked_s < self._look_every_s:
            return None
        self._looked_s = now_s
        return self._taken() if self._stands_still() else None

    def _stands_still(self) -> bool:
        """Has it changed, and is it now as it was at the last look? Editors write in steps, and so do copies."""
        before, self._seen = self._seen, _stamp(self._settings.path)
        if self._seen != before or self._seen == self._settled:
            return False
        self._settled = self._seen
        digest = _digest(self._settings.path)
        if digest == self._known:
            return False
        self._known = digest
        return True

    def _taken(self) -> Settings | None:
        try:
            new, waiting = taken_up(self._settings, self._settings.reread())
            if new.version != self._settings.version:
                self._prepare(new)
        except SettingsError as error:
            self._refuse(str(error))
            return None
        return self._take(new, waiting)

    def _refuse(self, why: str) -> None:
        self.in_force = replace(self.in_force, refused=why)
        metrics.SETTINGS_CHANGES.labels(self._service, "refused").inc()
        self._log.warning("settings.refused", why=why, goes_on=self.in_force.version)
        self._show()

    def _take(self, new: Settings, waiting: tuple[str, ...]) -> Settings | None:
        before, self._settings = self._settings, new
        if waiting != self.in_force.at_next_start:
            self._log.info("settings.at_next_start", sections=waiting)
        with suppress(KeyError):
            metrics.SETTINGS_INFO.remove(self._service, before.version)
        self.in_force = InForce(new.version, new.origin, at_next_start=waiting)
        self._show()
        if new.version == before.version:
            return None
        metrics.SETTINGS_CHANGES.labels(self._service, "taken").inc()
        self._log.info("settings.taken", version=new.version, before=before.version)
        return new

    def _show(self) -> None:
        metrics.SETTINGS_REFUSED.labels(self._service).set(self.in_force.refused is not None)
        metrics.SETTINGS_INFO.labels(self._service, self.in_force.version).set(1)


def taken_up(old: Settings, new: Settings) -> tuple[Settings, tuple[str, ...]]:
    """(what is in force from now on; the sections that wait for the next start). Raises SettingsError: nothing is taken."""
    _validate(new, old.models_read)
    _refuse_other_names(old, new)
    kept = {key: value for key, value in old.values.items() if key not in _AS_WRITTEN}
    merged = replace(old, values={**kept, **{key: value for key, value in new.values.items() if key in _AS_WRITTEN}})
    _validate(merged, old.models_read)
    waiting = tuple(key for key in KNOWN_KEYS if merged.values.get(key) != new.values.get(key))
    if new.is_empty and (waiting or merged.version != old.version):
        raise SettingsError(f"{new.origin}: it is empty; that means the defaults at a start alone")
    return merged, waiting


def _validate(settings: Settings, models: Iterable[type[Config]]) -> None:
    for model in tuple(models):  # other threads may read more meanwhile
        settings.read(model)


def _refuse_other_names(old: Settings, new: Settings) -> None:
    before, now = _names(old), _names(new)
    changed = [name for name in before if before[name] != now[name]]
    if changed:
        raise SettingsError(
            f"{new.origin}: {', '.join(changed)} cannot change while it runs: restart the services for this file. Until then "
            "nothing of it is taken up"
        )


def _names(settings: Settings) -> Mapping[str, object]:
    """What holds for the life of a process: where everything lies and what it is called; windows too, which others share."""
    common = settings.common
    return {
        "backend": common.backend,
        "prefix": common.prefix,
        "salt": common.salt,
        "timezone": common.timezone,
        "collection": settings.values.get("collection"),
        # The uploader that runs would call a destination that it does not know withdrawn.
        "the names of destinations": settings.destination_names,
    }


def _stamp(path: Path | None) -> Stamp | None:
    """None where there is no file."""
    try:
        found = path.stat() if path else None
    except OSError:
        return None
    return (found.st_ino, found.st_mtime_ns, found.st_size) if found else None


def _digest(path: Path | None) -> bytes | None:
    """Of what stands in it; None where it cannot be read."""
    try:
        return blake2b(path.read_bytes()).digest() if path else None
    except OSError:
        return None
