"""`gleaner verdict`: says over feedback's HTTP what a person thinks of a prediction."""

import json
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli import output
from services.cli.context import settings_of
from shared.errors import GleanerError, SettingsError, Unavailable

if TYPE_CHECKING:
    import httpx

TIMEOUT_S = 30.0
_FEEDBACK = "feedback service"


class NotTaken(GleanerError):
    """The feedback service answered, and did not take the verdict."""


def verdict(
    ctx: typer.Context,
    prediction_id: Annotated[str, typer.Argument(help="The prediction, PARTITION-OFFSET-CHECKSUM.")],
    kind: Annotated[str, typer.Argument(help="confirmed, rejected, missed, corrected or unsure.")],
    reason: Annotated[
        str | None, typer.Option(help="Why it is rejected: false_positive, wrong_class or bad_box.")
    ] = None,
    detection: Annotated[int | None, typer.Option(help="The one detection that is meant, counted from 0.")] = None,
    class_name: Annotated[str | None, typer.Option("--class", metavar="NAME", help="corrected: what it is.")] = None,
    box: Annotated[str | None, typer.Option(metavar="L,T,R,B", help="corrected: where it is, in pixels.")] = None,
    labels: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help='corrected: all that is right, [{"class_name": …, "box": [L, T, R, B]}, …].'),
    ] = None,
    exhaustive: Annotated[
        bool, typer.Option("--exhaustive", help="You looked at the whole frame for what was missed, too.")
    ] = False,
    reviewer: Annotated[str | None, typer.Option(help="Who looked.")] = None,
    note: Annotated[str | None, typer.Option(help="Anything worth knowing.")] = None,
    url: Annotated[str | None, typer.Option(help="Where feedback listens; by default as the settings say.")] = None,
    api_key_file: Annotated[Path | None, typer.Option(help="File that holds the API key.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
) -> None:
    """Say what a person thinks of a prediction."""
    body = {
        "prediction_id": prediction_id,
        "kind": kind,
        "reason": reason,
        "detection_index": detection,
        "exhaustive": exhaustive or None,
        "reviewer": reviewer,
        "note": note,
        **_right(detection, class_name, box, labels),
    }
    told = {name: value for name, value in body.items() if value is not None}
    answer = _posted(url or _own_url(ctx), told, _key(api_key_file))
    if as_json:
        output.show_json(answer)
    else:
        output.say(f"taken: {kind} for prediction {prediction_id}; verdict {answer.get('verdict_id')}")


def _right(detection: int | None, class_name: str | None, box: str | None, labels: Path | None) -> dict[str, Any]:
    """What a correction says is right: of one detection, or all of the frame. Raises SettingsError."""
    said = {"class_name": class_name, "box": None if box is None else _box(box)}
    label = {name: value for name, value in said.items() if value is not None}
    if labels is not None and label:
        raise SettingsError("--labels: expected the whole frame's labels alone, got --class or --box beside it")
    if labels is not None:
        return {"labels": _labels(labels)}
    if box is not None and detection is None:
        raise SettingsError(
            "--box: expected --detection N, the one that it corrects; or --labels FILE for the whole frame"
        )
    if label and detection is None:
        return {"labels": [label]}  # a classifier's frame has a class and no detections
    return {"label": label} if label else {}


def _box(text: str) -> list[float]:
    try:
        left, top, right, bottom = map(float, text.split(","))
    except ValueError as error:
        raise SettingsError(f"--box: expected LEFT,TOP,RIGHT,BOTTOM in pixels, got {text!r}") from error
    return [left, top, right, bottom]


def _labels(file: Path) -> Any:
    try:
        return json.loads(file.read_bytes())
    except OSError as error:
        raise SettingsError(f"--labels: {file} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise SettingsError(f"--labels: expected JSON in {file}, a list of labels, got {error}") from error


def _posted(url: str, body: dict[str, Any], key: bytes | None) -> dict[str, Any]:
    """The service's answer. Raises NotTaken with its sentence, Unavailable, SettingsError (the URL)."""
    import httpx

    headers = {b"Content-Type": b"application/json", b"Idempotency-Key": uuid.uuid4().hex.encode()}
    if key is not None:
        headers[b"Authorization"] = b"Bearer " + key
    try:
        with httpx.Client(transport=httpx.HTTPTransport(retries=2), timeout=TIMEOUT_S) as client:
            content = json.dumps(body).encode()
            response = client.post(f"{url.rstrip('/')}/v1/verdicts", content=content, headers=headers)
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise SettingsError(f"--url: expected http://HOST:PORT, got {url!r}") from error
    except httpx.TransportError as error:
        raise Unavailable(_FEEDBACK, f"nothing answers at {url} ({error or type(error).__name__})") from error
    return _answer(response, url)


def _answer(response: "httpx.Response", url: str) -> dict[str, Any]:
    try:
        told = response.json()
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise NotTaken(f"{url} answered {response.status_code} and no JSON: is that a feedback service?")
    if response.is_success:
        return told
    problem = told.get("error")
    said = problem.get("message") if isinstance(problem, dict) else None
    hint = "; --api-key-file names the file that holds the key" if response.status_code == 401 else ""
    raise NotTaken(f"not taken ({response.status_code}): {said or 'without a reason'}{hint}")


def _own_url(ctx: typer.Context) -> str:
    from services.feedback.config import FeedbackConfig

    at = settings_of(ctx).read(FeedbackConfig).feedback
    host = "127.0.0.1" if at.host in ("0.0.0.0", "::") else at.host
    return f"http://[{host}]:{at.port}" if ":" in host else f"http://{host}:{at.port}"


def _key(file: Path | None) -> bytes | None:
    if file is None:
        return None
    try:
        key = file.read_bytes().strip()
    except OSError as error:
        raise SettingsError(f"--api-key-file: {file} cannot be read: {error.strerror}") from error
    if not key or any(byte <= 32 or byte == 127 for byte in key):
        raise SettingsError(f"--api-key-file: expected one key without spaces in {file}, got none or more")
    return key
