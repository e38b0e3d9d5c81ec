"""Roboflow: upload the image, then annotate it with the model's prediction, or with what a person said in its place.

Promises: one kept-open connection pool, bounded in time; the host deduplicates by the image's bytes, so both calls may be
repeated; an image that was there already is annotated all the same. The API key is in no error and no log.
"""

import json
import logging
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal
from urllib.parse import quote
from zoneinfo import ZoneInfo

import httpx
from pydantic import Field, SecretStr

from services.uploader.annotations import Annotation
from services.uploader.destinations.answers import error_for_status, words_of
from services.uploader.destinations.destination import Delivered, Delivery, DestinationOptions, NotNow, Refused
from services.uploader.formats.roboflow_json import detections_json

# Both write whole URLs into their logs, and the API key is part of each.
for _talker in ("httpx", "httpcore"):
    logging.getLogger(_talker).setLevel(logging.WARNING)

UPLOAD_TIMEOUT_S = 60.0
SETTLING_WAITS_S = (0.2, 0.4, 0.8, 1.6, 3.2)
"""An image may be unknown to annotate for some hundred ms after its upload."""
_NOT_IN_TAGS = re.compile(r"[^A-Za-z0-9\-_:/.\[\]<>{}@]+")
_LONGEST_TAG = 64


class RoboflowOptions(DestinationOptions):
    """A Roboflow project."""

    type: Literal["roboflow"]
    name: str = Field(default="roboflow", min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")
    api_key: SecretStr = Field(description="write it as ${ROBOFLOW_API_KEY}, or use api_key_file")
    project: str = Field(min_length=1, description="the project's id, as in its URL")
    workspace: str | None = Field(default=None, description="the workspace's id; only some set-ups need it")
    base_url: str = Field(default="https://api.roboflow.com", pattern=r"^https?://")
    batch_name: str = Field(default="gleaner", min_length=1, description="beginning of the labelling batch's name")
    batch_recreated: Literal["never", "daily", "weekly", "monthly"] = Field(
        default="daily", description="how often a new labelling batch begins, by the frame's log time in `timezone`"
    )
    split: Literal["train", "valid", "test"] = "train"
    tags: tuple[str, ...] = Field(
        default=(), description="put on every image, beside the sample's own and the strategies that chose it"
    )


class Roboflow:
    can_be_asked: ClassVar[bool] = False
    deduplicates: ClassVar[bool] = True
    can_update: ClassVar[bool] = True
    links: ClassVar[bool] = False

    def __init__(
        self, options: RoboflowOptions, timezone: str = "UTC", wait: Callable[[float], None] = time.sleep
    ) -> None:
        self._options = options
        self._zone = ZoneInfo(timezone)
        self._wait = wait
        self._http = httpx.Client(base_url=options.base_url, timeout=UPLOAD_TIMEOUT_S)

    @property
    def name(self) -> str:
        return self._options.name

    def ask(self, sample_id: str) -> str | None:
        """Never called (`can_be_asked`): the host knows images by their bytes only."""
        raise Refused(f"{self.name} cannot be asked for {sample_id}")

    def deliver(self, delivery: Delivery) -> Delivered:
        answer = self._upload(delivery)
        host_id, known = str(answer["id"]), bool(answer.get("duplicate"))
        response = self._annotate(host_id, delivery, overwrite=False)
        if response.status_code == 404 and not known:
            raise NotNow("the image was stored and cannot be annotated yet")
        return Delivered("already_there" if known else "accepted", host_id, self._annotated(response))

    def update(self, delivery: Delivery, host_id: str) -> Delivered:
        return Delivered("updated", host_id, self._annotated(self._annotate(host_id, delivery, overwrite=True)))

    def flush(self, idle: bool) -> None:
        """Nothing to tidy up."""

    def close(self) -> None:
        self._http.close()

    def _upload(self, delivery: Delivery) -> dict[str, Any]:
        options, name = self._options, f"{delivery.sample_id}.{delivery.extension}"
        where = f"/{quote(options.workspace)}/" if options.workspace else "/dataset/"
        split = "train" if delivery.annotation.silence else options.split  # nobody judged it: no measure of anything
        response = self._post(
            f"{where}{quote(options.project)}/upload",
            params={"batch": self._batch_name(delivery), "tag": self._tags(delivery)},
            data={"name": name, "split": split, "metadata": json.dumps(_metadata(delivery))},
            files={"file": (name, delivery.image or b"", delivery.content_type)},
        )
        answer = _json(response) if response.is_success else {}
        if not answer.get("id") or not (answer.get("success") or answer.get("duplicate")):
            raise self._error(response)
        return answer

    def _annotate(self, host_id: str, delivery: Delivery, overwrite: bool) -> httpx.Response:
        """The host's answer; one that still says 404 after some seconds means it."""
        extension, text = _annotation_file(delivery.sample_id, delivery.annotation)
        params = {"name": f"{delivery.sample_id}.{extension}"}
        params |= {} if delivery.annotation.is_truth else {"prediction": "true"}
        params |= {"overwrite": "true"} if overwrite else {}
        path = f"/dataset/{quote(self._options.project)}/annotate/{quote(host_id, safe='')}"
        for wait_s in (*SETTLING_WAITS_S, None):
            response = self._post(path, params=params, content=text.encode(), headers={"Content-Type": "text/plain"})
            if response.status_code != 404 or wait_s is None:
                break
            self._wait(wait_s)
        return response

    def _annotated(self, response: httpx.Response) -> str | None:
        """Returns what the host said, where that is news. A person's annotation that is already there is left alone."""
        words = words_of(response.text)
        if response.status_code in (400, 409) and "already annotated" in words.lower():
            return "the image was already annotated there"
        if response.status_code == 404:
            raise Refused(
                self._clean(f"the image is not, or no longer, in project {self._options.project}: 404: {words}")
            )
        if not response.is_success:
            raise self._error(response)
        return None

    def _post(self, path: str, *, params: dict[str, Any], **body: Any) -> httpx.Response:
        try:
            return self._http.post(path, params={**params, "api_key": self._options.api_key.get_secret_value()}, **body)
        except httpx.TransportError as error:
            raise NotNow(self._clean(f"{self._options.base_url}: {type(error).__name__}: {error}")) from None
        except httpx.HTTPError as error:
            raise NotNow(self._clean(f"{self._options.base_url} gave no usable answer: {error}")) from None

    def _error(self, response: httpx.Response) -> Exception:
        return error_for_status(
            response.status_code, self._clean(words_of(response.text)), response.headers.get("Retry-After")
        )

    def _clean(self, text: str) -> str:
        return text.replace(self._options.api_key.get_secret_value(), "********")

    def _batch_name(self, delivery: Delivery) -> str:
        moment = datetime.fromtimestamp(delivery.sample.prediction.frame.time_ms / 1000, UTC).astimezone(self._zone)
        form = {"never": "", "daily": "-%Y-%m-%d", "weekly": "-%G-W%V", "monthly": "-%Y-%m"}
        return self._options.batch_name + moment.strftime(form[self._options.batch_recreated])

    def _tags(self, delivery: Delivery) -> list[str]:
        """The settings' tags, the sample's, who chose it, and what people said; in the host's alphabet, each once."""
        wanted = [*self._options.tags, *delivery.sample.tags, *delivery.chosen_by, *delivery.annotation.flags]
        return list(dict.fromkeys(tag for tag in map(sanitised_tag, wanted) if tag))


def sanitised_tag(tag: str) -> str:
    """In the alphabet that the host takes (a-z A-Z 0-9 - _ : / . [ ] < > { } @), at most 64 characters."""
    return _NOT_IN_TAGS.sub("-", tag).strip("-")[:_LONGEST_TAG]


def _annotation_file(sample_id: str, annotation: Annotation) -> tuple[str, str]:
    """(extension, text): the extension tells the host how to read the text."""
    if annotation.task == "classify" and annotation.class_name is not None:
        return "txt", annotation.class_name
    return "json", detections_json(sample_id, annotation)


def _metadata(delivery: Delivery) -> dict[str, str | float]:
    sample, prediction = delivery.sample, delivery.sample.prediction
    known = {
        "sample_id": sample.sample_id,
        "source_id": prediction.source_id,
        "collection": sample.collection,
        "captured_at": prediction.captured_at,
        "model": f"{prediction.model_id}@{prediction.model_version}",
        "reasons": "; ".join(reason.rule for reason in delivery.reasons),
        "probability": getattr(sample, "probability", None),
        "neighbour_of": getattr(sample, "of", None),
        "after_ms": getattr(sample, "after_ms", None),
    }
    return {key: value for key, value in known.items() if value is not None}


def _json(response: httpx.Response) -> dict[str, Any]:
    try:
        answer = response.json()
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
