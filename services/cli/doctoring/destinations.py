"""Destinations: would they take what is sent, as far as that can be known without sending anything?

Promises: nothing is uploaded, annotated or made; a key is in no finding. Who cannot be asked is said not to have been asked.
"""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

from services.cli.doctoring.finding import Finding, ok, wrong
from services.uploader.config import UploaderConfig
from services.uploader.destinations import Blocked, NotNow, Refused, open_destination
from services.uploader.destinations.answers import error_for_status, words_of
from services.uploader.destinations.dataset import DatasetOptions
from services.uploader.destinations.destination import DestinationOptions
from services.uploader.destinations.roboflow import RoboflowOptions
from shared.errors import SettingsError
from shared.settings import MASK, Settings

TIMEOUT_S = 10.0
Asker = Callable[[Any], str]
"""Options → what the host said when it is fine. Raises Refused, Blocked, NotNow, SettingsError."""


def destinations(settings: Settings) -> Iterator[Finding]:
    for options in settings.read(UploaderConfig).destinations:
        yield _look(options)


def _look(options: DestinationOptions) -> Finding:
    asker, name = _ASKERS.get(type(options)), f"destination {options.name}"
    if asker is None:
        return ok(name, "cannot be asked without sending something: not looked at")
    try:
        return ok(name, asker(options))
    except SettingsError as error:
        return wrong(name, str(error), "name another folder, or give the right to write there")
    except (Refused, Blocked) as error:
        return wrong(name, str(error), "correct key, workspace and project of this destination")
    except NotNow as error:
        todo = "look at the network and the host; what is kept meanwhile waits, and is sent when it answers"
        return wrong(name, str(error), todo)


def _dataset(options: DatasetOptions) -> str:
    open_destination(options).close()
    samples = sum(1 for _ in (options.folder / "samples").glob("*.json"))
    return f"{options.folder}: {samples:,} samples"


def _roboflow(options: RoboflowOptions) -> str:
    """Whose key it is, then whether it reaches the project. Both only read."""
    workspace = options.workspace or str(_told(options, "/").get("workspace") or "")
    _told(options, f"/{quote(workspace, safe='')}/{quote(options.project, safe='')}")
    return f"{options.base_url} takes the key for project {options.project} of workspace {workspace}; nothing was sent"


def _told(options: RoboflowOptions, path: str) -> dict[str, Any]:
    import httpx

    key = options.api_key.get_secret_value()
    try:
        answer = httpx.get(f"{options.base_url}{path}", params={"api_key": key}, timeout=TIMEOUT_S)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NotNow(f"{options.base_url}: {type(error).__name__}: {error}".replace(key, MASK)) from None
    if not answer.is_success:
        words = words_of(answer.text).replace(key, MASK)
        raise error_for_status(answer.status_code, words, answer.headers.get("Retry-After"))
    try:
        said = answer.json()
    except ValueError:
        raise NotNow(f"{options.base_url} answers, but not with JSON: is `base_url` right?") from None
    return said if isinstance(said, dict) else {}


_ASKERS: dict[type[DestinationOptions], Asker] = {DatasetOptions: _dataset, RoboflowOptions: _roboflow}
