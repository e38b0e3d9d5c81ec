import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.feedback.config import FeedbackConfig
from services.feedback.server import listen, serve
from services.feedback.server import url as address
from shared.bootstrap import open_backend
from shared.settings import Settings
from shared.streams.verdicts import VERDICTS, Label, Verdict
from tests.unit.services.cli.conftest import Gleaner, Site, as_json

KEY = "a-key-of-the-door-app"


@pytest.fixture
def url(site: Site, folder: Path) -> Iterator[str]:
    """A real feedback service with an API key, on a free port."""
    settings = Settings({"backend": {"type": "embedded", "folder": str(folder / "gleaner-data")}})
    options = {"api_keys": {"door-app": KEY}, "port": 0, "folder": folder / "feedback"}
    config = FeedbackConfig.model_validate({"feedback": options})
    stop, listening = threading.Event(), listen(config.feedback)
    with open_backend(settings) as backend:
        thread = threading.Thread(target=serve, args=(config, backend, stop, listening))
        thread.start()
        yield address(listening)
        stop.set()
        thread.join(20)


@pytest.fixture
def key_file(folder: Path) -> Path:
    (folder / "key").write_text(f"{KEY}\n")
    return folder / "key"


def verdicts(site: Site) -> list[Verdict]:
    at = site.log.bounds(VERDICTS.name)[0]
    return [VERDICTS.decode(record) for record in site.log.reader().scan(VERDICTS.name, 0, at.start, at.end)]


def test_a_rejection_arrives_whole(gleaner: Gleaner, site: Site, url: str, key_file: Path) -> None:
    id_, _ = site.prediction()
    options = ("--reason", "false_positive", "--detection", 0, "--reviewer", "ana", "--note", "a doormat")
    result = gleaner("verdict", id_, "rejected", *options, "--url", url, "--api-key-file", key_file)
    assert result.exit_code == 0, result.output
    (verdict,) = verdicts(site)
    assert verdict.verdict_id in result.stdout
    assert (verdict.kind, verdict.reason, verdict.detection_index) == ("rejected", "false_positive", 0)
    assert (verdict.reviewer, verdict.note, verdict.caller) == ("ana", "a doormat", "door-app")


def test_two_commands_are_two_verdicts(gleaner: Gleaner, site: Site, url: str, key_file: Path) -> None:
    id_, _ = site.prediction()
    for _ in range(2):
        told = as_json(gleaner("verdict", id_, "confirmed", "--url", url, "--api-key-file", key_file, "--json"))
        assert told["prediction_id"] == id_
    assert len({verdict.verdict_id for verdict in verdicts(site)}) == 2


@pytest.mark.parametrize(
    ("options", "label"),
    [
        (("--class", "doormat"), Label(class_name="doormat")),
        (("--box", "1,2,30.5,40"), Label(box=(1, 2, 30.5, 40))),
        (("--class", "doormat", "--box", "1, 2, 30.5, 40"), Label(class_name="doormat", box=(1, 2, 30.5, 40))),
    ],
)
def test_a_correction_of_one_detection(
    gleaner: Gleaner, site: Site, url: str, key_file: Path, options: tuple[str, ...], label: Label
) -> None:
    id_, _ = site.prediction()
    result = gleaner("verdict", id_, "corrected", "--detection", 0, *options, "--url", url, "--api-key-file", key_file)
    assert result.exit_code == 0, result.output
    (verdict,) = verdicts(site)
    assert (verdict.kind, verdict.detection_index, verdict.label) == ("corrected", 0, label)


@pytest.mark.parametrize(
    ("text", "labels"),
    [("[]", ()), ('[{"class_name": "cat", "box": [1, 2, 3, 4]}]', (Label(class_name="cat", box=(1, 2, 3, 4)),))],
)
def test_a_correction_of_the_whole_frame(
    gleaner: Gleaner, site: Site, url: str, key_file: Path, folder: Path, text: str, labels: tuple[Label, ...]
) -> None:
    id_, _ = site.prediction()
    (folder / "labels.json").write_text(text)
    to = ("--url", url, "--api-key-file", key_file)
    result = gleaner("verdict", id_, "corrected", "--labels", "labels.json", *to)
    assert result.exit_code == 0, result.output
    assert [verdict.labels for verdict in verdicts(site)] == [labels]


def test_a_class_alone_is_a_classifiers_and_a_detector_wants_to_know_where(
    gleaner: Gleaner, site: Site, url: str, key_file: Path
) -> None:
    id_, _ = site.prediction()
    result = gleaner("verdict", id_, "corrected", "--class", "cat", "--url", url, "--api-key-file", key_file)
    assert (result.exit_code, verdicts(site)) == (2, [])
    assert "labels: expected a box and a class_name in each label" in result.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--box", "1,2,3,4"), "--box: expected --detection N"),
        (("--detection", "0", "--box", "1,2,3"), "--box: expected LEFT,TOP,RIGHT,BOTTOM in pixels, got '1,2,3'"),
        (("--detection", "0", "--box", "1,2,3,x"), "--box: expected LEFT,TOP,RIGHT,BOTTOM"),
        (("--labels", "nowhere"), "--labels: nowhere cannot be read"),
        (("--labels", "broken"), "--labels: expected JSON in broken"),
        (("--labels", "broken", "--class", "cat"), "--labels: expected the whole frame's labels alone"),
    ],
)
def test_corrections_that_cannot_be_meant(gleaner: Gleaner, folder: Path, options: tuple[str, ...], said: str) -> None:
    (folder / "broken").write_text("[")
    result = gleaner("verdict", "0-0-00000000", "corrected", *options, "--url", "http://127.0.0.1:1")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1), result.output
    assert said in result.stderr


def test_the_servers_sentence_is_shown(gleaner: Gleaner, site: Site, url: str, key_file: Path) -> None:
    id_, _ = site.prediction()
    to = ("--url", url, "--api-key-file", key_file)
    for arguments, said in (
        (("0-99-00000000", "confirmed", *to), "not taken (404)"),
        (("nonsense", "confirmed", *to), "not taken (422)"),
        ((id_, "rejected", *to), "a rejected verdict needs a reason"),
        ((id_, "liked", *to), "not taken (422)"),
        ((id_, "confirmed", "--url", url), "expected an API key"),
        ((id_, "confirmed", "--url", url), "--api-key-file names the file"),
    ):
        result = gleaner("verdict", *arguments)
        assert (result.exit_code, result.stderr.count("\n")) == (2, 1), result.output
        assert said in result.stderr
        assert KEY not in result.output
    assert verdicts(site) == []


def test_nobody_answers(gleaner: Gleaner) -> None:
    result = gleaner("verdict", "0-0-00000000", "confirmed", "--url", "http://127.0.0.1:1")
    assert result.exit_code == 2
    assert "feedback service is unavailable: nothing answers at http://127.0.0.1:1" in result.stderr


@pytest.mark.parametrize("url", ["door", "ftp://127.0.0.1", "http://[", "http://a b"])
def test_urls_that_are_none(gleaner: Gleaner, url: str) -> None:
    result = gleaner("verdict", "0-0-00000000", "confirmed", "--url", url)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1), result.output


@pytest.mark.parametrize("content", [b"", b"two keys", b"a\nb"])
def test_key_files_without_one_key(gleaner: Gleaner, folder: Path, content: bytes) -> None:
    (folder / "key").write_bytes(content)
    result = gleaner("verdict", "0-0-00000000", "confirmed", "--api-key-file", "key")
    assert result.exit_code == 2
    assert "expected one key" in result.stderr
    assert "cannot be read" in gleaner("verdict", "0-0-0", "confirmed", "--api-key-file", "nowhere").stderr


def test_nobody_can_tell_and_everything_was_looked_at(gleaner: Gleaner, site: Site, url: str, key_file: Path) -> None:
    id_, _ = site.prediction()
    to = ("--url", url, "--api-key-file", key_file)
    for said in (("unsure",), ("confirmed", "--exhaustive")):
        result = gleaner("verdict", id_, *said, *to)
        assert result.exit_code == 0, result.output
    assert [(verdict.kind, verdict.exhaustive) for verdict in verdicts(site)] == [
        ("unsure", False),
        ("confirmed", True),
    ]
