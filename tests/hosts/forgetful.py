"""A host that stores images and often hangs up before it says so. It can be asked, and does not deduplicate.

Promises: every store is a file of its own, so whatever was sent twice is seen twice, also after a restart. Whether an
acknowledgement gets lost is fixed by a hash. `python -m tests.hosts.forgetful FOLDER PORT LOSS` runs it as a process.
"""

import hashlib
import json
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, Literal
from urllib.parse import quote, unquote

import httpx

from services.uploader.destinations import Delivered, Delivery, DestinationOptions, NotNow
from services.uploader.formats import coco
from tests.hosts.server import Quiet, serving


class ForgetfulOptions(DestinationOptions):
    type: Literal["forgetful"] = "forgetful"
    name: str = "forgetful"
    url: str


class Forgetful:
    """The destination, as the uploader sees it."""

    can_be_asked: ClassVar[bool] = True
    deduplicates: ClassVar[bool] = False
    can_update: ClassVar[bool] = True
    links: ClassVar[bool] = False

    def __init__(self, options: ForgetfulOptions, timezone: str = "UTC") -> None:
        self._name = options.name
        self._http = httpx.Client(base_url=options.url, timeout=10.0)

    @property
    def name(self) -> str:
        return self._name

    def ask(self, sample_id: str) -> str | None:
        return sample_id if self._call("GET", sample_id).status_code == 200 else None

    def deliver(self, delivery: Delivery) -> Delivered:
        self._call("POST", delivery.sample_id, self._about(delivery), (delivery.image or b"").hex())
        return Delivered("accepted", delivery.sample_id)

    def update(self, delivery: Delivery, host_id: str) -> Delivered:
        self._call("PUT", host_id, self._about(delivery))
        return Delivered("updated", host_id)

    def flush(self, idle: bool) -> None:
        """Nothing to tidy up."""

    def close(self) -> None:
        self._http.close()

    def _about(self, delivery: Delivery) -> coco.Fragment:
        return coco.fragment(delivery.sample, delivery.annotation, delivery.sample_id)

    def _call(self, method: str, sample_id: str, about: coco.Fragment | None = None, image: str = "") -> httpx.Response:
        try:
            return self._http.request(method, f"/{quote(sample_id, safe='')}", json={"about": about, "image": image})
        except httpx.TransportError as error:
            raise NotNow(f"the forgetful host: {error}") from error


class Storage:
    """What lies in the host's folder: `<sample>/<number>.json` for each store, `<sample>/annotation.json`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()

    def has(self, name: str) -> bool:
        return any(self._of(name).glob("[0-9]*.json"))

    def store(self, name: str, body: bytes) -> int:
        """Returns how often this sample has been stored by now."""
        with self._lock:
            self._of(name).mkdir(parents=True, exist_ok=True)
            number = len(list(self._of(name).glob("[0-9]*.json"))) + 1
            aside = self._of(name) / "aside"
            aside.write_bytes(body)
            aside.replace(self._of(name) / f"{number}.json")
            return number

    def annotate(self, name: str, body: bytes) -> int:
        """Returns how often this sample has been annotated by now."""
        with self._lock:
            path = self._of(name) / "annotations.jsonl"
            with path.open("ab") as file:
                file.write(body + b"\n")
            return len(path.read_bytes().splitlines())

    def counts(self) -> Counter[str]:
        """Stores per sample id."""
        samples = self.folder.iterdir() if self.folder.exists() else []
        return Counter({unquote(path.name): len(list(path.glob("[0-9]*.json"))) for path in samples})

    def annotation(self, sample_id: str) -> coco.Fragment:
        """What the host knows about a sample: its last update, else what came with the image."""
        folder = self._of(quote(sample_id, safe=""))
        updates = folder / "annotations.jsonl"
        last = updates.read_bytes().splitlines()[-1] if updates.exists() else (folder / "1.json").read_bytes()
        about: coco.Fragment = json.loads(last)["about"]
        return about

    def _of(self, name: str) -> Path:
        return self.folder / name


def lost(loss: float, *what: object) -> bool:
    """Does this acknowledgement get lost? Fixed by a hash of what it is about."""
    word = hashlib.blake2b("/".join(map(str, what)).encode(), digest_size=4).digest()
    return int.from_bytes(word, "big") / 2**32 < loss


def handler(storage: Storage, loss: float) -> type[Quiet]:
    class Handler(Quiet):
        def do_GET(self) -> None:
            self.body()
            self.answer(200 if storage.has(self._sample()) else 404, b"{}")

        def do_POST(self) -> None:
            times = storage.store(self._sample(), self.body())
            self._acknowledge("store", times)

        def do_PUT(self) -> None:
            times = storage.annotate(self._sample(), self.body())
            self._acknowledge("annotate", times)

        def _acknowledge(self, verb: str, times: int) -> None:
            if lost(loss, verb, self._sample(), times):
                self.hang_up()
            else:
                self.answer(200, b"{}")

        def _sample(self) -> str:
            return self.path.removeprefix("/")

    return Handler


@contextmanager
def forgetful_host(folder: Path, loss: float = 0.0, port: int = 0) -> Iterator[tuple[str, Storage]]:
    """(URL, what is stored), until the block ends. The same folder again is the same host, restarted."""
    storage = Storage(folder)
    with serving(handler(storage, loss), port) as url:
        yield url, storage


def main(folder: str, port: str, loss: str) -> None:
    with forgetful_host(Path(folder), float(loss), int(port)) as (url, _):
        print(url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:4])
