"""Roboflow's upload API as its clients know it: duplicates by sha256, late consistency, errors in three shapes.

Promises: `POST /dataset/{project}/upload`, `POST /{workspace}/{project}/upload`, `POST /dataset/{project}/annotate/{id}`.
`troubles` are answered first, one each; `unsettled` is how often a new image is unknown to annotate.
"""

import hashlib
import json
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from threading import Lock
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from tests.hosts.server import Quiet, serving

MAX_BYTES = 20_000_000
TAG_ALPHABET = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_:/.[]<>{}@")


@dataclass(frozen=True)
class Trouble:
    """One answer instead of the usual one. `status=0`: hang up after storing, so the acknowledgement is lost."""

    status: int
    body: str = '{"error": {"message": "something is wrong", "type": "TestException", "hint": "try another day"}}'
    content_type: str = "application/json"
    retry_after: str | None = None


PLAIN_500 = Trouble(500, '{"error": "Unknown error"}')
HTML_502 = Trouble(502, "<html><body><h1>502 Bad Gateway</h1></body></html>", "text/html")
TOO_MANY = Trouble(429, retry_after="7")
LOST_ACKNOWLEDGEMENT = Trouble(0)


@dataclass
class Asset:
    """One stored image. `for_review`: of each annotation, whether it came as a prediction, which a person is to look at."""

    id: str
    sha256: str
    fields: dict[str, str]
    query: dict[str, list[str]]
    annotations: list[tuple[str, str]] = field(default_factory=list)
    for_review: list[bool] = field(default_factory=list)
    unsettled: int = 0


@dataclass
class Workspace:
    """Everything the stub knows and was asked."""

    api_key: str = "a-key-for-tests"
    unsettled: int = 0
    assets: dict[str, Asset] = field(default_factory=dict)
    troubles: deque[Trouble] = field(default_factory=deque)
    requests: list[str] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def asset_of(self, sha256: str) -> Asset | None:
        return next((asset for asset in self.assets.values() if asset.sha256 == sha256), None)


class RoboflowHandler(Quiet):
    """One request to the self.workspace."""

    workspace: ClassVar[Workspace]

    def do_POST(self) -> None:
        body, url = self.body(), urlsplit(self.path)
        query = parse_qs(url.query)
        with self.workspace.lock:
            self.workspace.requests.append(url.path)
            trouble = self.workspace.troubles.popleft() if self.workspace.troubles else None
            if trouble is not None and trouble.status:
                self._say(trouble)
                return
            status, answer = self._serve(url.path, query, body)
        if trouble is not None:
            self.hang_up()
        else:
            self.answer(status, json.dumps(answer).encode())

    def _serve(self, path: str, query: dict[str, list[str]], body: bytes) -> tuple[int, dict[str, Any]]:
        parts = path.strip("/").split("/")
        if query.get("api_key") != [self.workspace.api_key]:
            return 401, {"error": {"message": "This API key does not exist", "type": "OAuthException"}}
        if len(parts) == 3 and parts[2] == "upload":
            return self._upload(query, body)
        if len(parts) == 4 and parts[0] == "dataset" and parts[2] == "annotate":
            return self._annotate(parts[3], query, body.decode())
        return 404, {"error": "Unknown path"}

    def _upload(self, query: dict[str, list[str]], body: bytes) -> tuple[int, dict[str, Any]]:
        for tag in query.get("tag", []):
            if not 1 <= len(tag) <= 64 or not set(tag) <= TAG_ALPHABET:
                return 400, {"error": {"message": "Invalid tag", "hint": "length 1-64", "invalid": tag}}
        fields, image = self._form(body)
        if len(image) > MAX_BYTES:
            return 413, {"error": "Image too large"}
        if not image:
            return 400, {"error": {"message": "no image", "type": "InvalidImageException"}}
        sha256 = hashlib.sha256(image).hexdigest()
        known = self.workspace.asset_of(sha256)
        if known is not None:
            return 200, {"duplicate": True, "id": known.id}
        asset = Asset(sha256[:20], sha256, fields, query, unsettled=self.workspace.unsettled)
        self.workspace.assets[asset.id] = asset
        return 200, {"success": True, "id": asset.id}

    def _annotate(self, image_id: str, query: dict[str, list[str]], text: str) -> tuple[int, dict[str, Any]]:
        asset = self.workspace.assets.get(image_id)
        if asset is None or asset.unsettled > 0:
            if asset is not None:
                asset.unsettled -= 1
            return 404, {"error": {"message": "Image not found in dataset."}}
        if asset.annotations and query.get("overwrite") != ["true"]:
            return 409, {"error": {"message": "Image was already annotated.", "hint": "use overwrite=true"}}
        asset.annotations.append((query["name"][0], text))
        asset.for_review.append(query.get("prediction") == ["true"])
        return 200, {"success": True}

    def _form(self, body: bytes) -> tuple[dict[str, str], bytes]:
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        fields, image = {}, b""
        for part in message_from_bytes(head + body).walk():
            name = part.get_param("name", header="content-disposition")
            content = part.get_payload(decode=True)
            if name == "file" and isinstance(content, bytes):
                image = content
            elif isinstance(name, str) and isinstance(content, bytes):
                fields[name] = content.decode()
        return fields, image

    def _say(self, trouble: Trouble) -> None:
        headers = {"Retry_After": trouble.retry_after} if trouble.retry_after else {}
        self.answer(trouble.status, trouble.body.encode(), trouble.content_type, **headers)


@contextmanager
def roboflow_stub(workspace: Workspace | None = None, port: int = 0) -> Iterator[tuple[str, Workspace]]:
    """(base URL, workspace), until the block ends."""
    workspace = workspace or Workspace()
    handler = type("Bound", (RoboflowHandler,), {"workspace": workspace})
    with serving(handler, port) as url:
        yield url, workspace
