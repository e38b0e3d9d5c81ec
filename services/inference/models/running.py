"""What each running service says of its model, in `models/<id>/running/<instance>.json`: for people, nothing decides by it.

Promises: written when it changes and once a minute; taken away at the end; what a killed process left is stale after three
minutes, and deleted after a day by whoever runs the model then.
"""

import os
import re
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict, ValidationError

from services.inference.models.releases import folder_of
from shared.ports import Images

EVERY_S = 60.0
STALE_S = 180.0
_FORGOTTEN_S = 86_400.0


class RunningModel(BaseModel):
    """What one process runs. `version` None: it waits for one. `refused`: a version that it would not take, and why."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    instance: str
    role: str = "live"
    version: str | None = None
    since: str | None = None
    provider: str | None = None
    refused: str | None = None
    why: str | None = None
    written_at: str = ""

    @property
    def stale(self) -> bool:
        """Nothing was heard of it lately: it ended without a word, or cannot reach the bucket."""
        return _age_s(self.written_at) > STALE_S


class Report:
    """One process's, for one model. Calls raise Unavailable."""

    def __init__(self, images: Images, model_id: str, role: str) -> None:
        self._images, self._folder = images, f"{folder_of(model_id)}running/"
        host = re.sub(r"[^A-Za-z0-9-]", "-", socket.gethostname())
        self.instance = f"{host}-{os.getpid()}" + ("-shadow" if role == "shadow" else "")
        self._written: RunningModel | None = None
        self._written_s = 0.0

    def write(self, running: RunningModel) -> None:
        """Does nothing when it says what was written less than a minute ago."""
        if running == self._written and time.monotonic() - self._written_s < EVERY_S:
            return
        if self._written is None:
            self._forget_the_dead()
        self._images.put(self._key, _now(running).model_dump_json(indent=1).encode(), "application/json")
        self._written, self._written_s = running, time.monotonic()

    def end(self) -> None:
        if self._written is not None:
            self._images.delete(self._key)

    @property
    def _key(self) -> str:
        return f"{self._folder}{self.instance}.json"

    def _forget_the_dead(self) -> None:
        for found in list(self._images.list(self._folder)):
            if time.time() - found.modified_ms / 1000 > _FORGOTTEN_S:
                self._images.delete(found.key)


def running(images: Images, model_id: str) -> Iterator[RunningModel]:
    """What the processes that run a model say, by instance; what cannot be read is left out. Raises Unavailable."""
    for found in images.list(f"{folder_of(model_id)}running/"):
        try:
            yield RunningModel.model_validate_json(images.get(found.key) or b"")
        except ValidationError:
            continue


def _now(running: RunningModel) -> RunningModel:
    return running.model_copy(update={"written_at": datetime.now(UTC).isoformat(timespec="seconds")})


def _age_s(written_at: str) -> float:
    try:
        return (datetime.now(UTC) - datetime.fromisoformat(written_at)).total_seconds()
    except (ValueError, TypeError):
        return float("inf")
