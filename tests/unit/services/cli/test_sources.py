"""`gleaner sources` as a user types it, on simulated cameras."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from shared.imaging import PNG, dimensions, sniff
from shared.settings import load
from tests.cameras import Fault, Kind, Spec, World, read_number, serving
from tests.unit.services.cli.conftest import Gleaner, as_json

SIZE_PX = (160, 120)
CANARY = "s3cret-canary"


@pytest.fixture
def world() -> Iterator[World]:
    """Eight of every kind; three of them are dead."""
    kinds: tuple[Kind, ...] = ("mjpeg", "rtsp-h264", "snapshot", "hls")
    specs = [Spec(f"cam-{number}", kinds[number % 4]) for number in range(7)]
    guarded = Spec("cam-7", "mjpeg", user="viewer", password="right")
    with serving([*specs, guarded]) as world:
        world["cam-2"].fault = Fault.NOT_FOUND
        world["cam-4"].fault = Fault.PAGE
        yield world


def settings(folder: Path, world: World, **others: object) -> Path:
    """A settings file with all of them; the last one with a wrong password."""
    cameras: dict[str, object] = {camera.name: camera.url for camera in world}
    if "cam-7" in cameras:
        cameras["cam-7"] = {"url": cameras["cam-7"], "user": "viewer", "password": CANARY}
    defaults = {"open_timeout_s": 6, "read_timeout_s": 4, "fps": 4}
    file = folder / "gleaner.yaml"
    file.write_text(yaml.safe_dump({"sources": {"defaults": defaults, **cameras}, **others}, sort_keys=False))
    return file


def test_three_dead_of_eight(gleaner: Gleaner, folder: Path, world: World) -> None:
    settings(folder, world)
    result = gleaner("sources", "check", "--for", 1.5)
    assert result.exit_code == 1, result.output
    assert "8 cameras, 3 dead" in result.stdout
    rows = {line.split()[0]: line for line in result.stdout.splitlines() if line.strip().startswith("cam-")}
    assert [name for name in rows if " ok " not in rows[name]] == ["cam-2", "cam-4", "cam-7"]
    assert "160x120" in rows["cam-0"]
    assert "mjpeg" in rows["cam-0"]
    assert "h264" in rows["cam-1"]
    told = dict(line.split(": ", 1) for line in result.stderr.splitlines())
    assert list(told) == ["cam-2", "cam-4", "cam-7"]
    assert "has nothing at this path" in told["cam-2"]
    assert "expected a stream" in told["cam-4"] or "no usable picture" in told["cam-4"]
    assert "refused user and password" in told["cam-7"]
    assert "frames/s; " in result.stdout
    assert "GB an hour into frames" in result.stdout
    assert CANARY not in result.output
    assert dimensions((folder / "sources.jpg").read_bytes())[0] > 1000


def test_as_json_of_some(gleaner: Gleaner, folder: Path, world: World) -> None:
    settings(folder, world)
    told = as_json(gleaner("sources", "check", "cam-3", "cam-0", "--json", "--for", 1, "--picture", "two.png"))
    assert [camera["source_id"] for camera in told["cameras"]] == ["cam-0", "cam-3"], "in the settings' order"
    assert told["fine"] is True
    assert (told["cameras"][0]["width_px"], told["cameras"][0]["height_px"]) == SIZE_PX
    assert told["load"]["partitions"] == 1
    assert told["inference"] is None
    assert told["picture"] == "two.png"
    assert sniff((folder / "two.png").read_bytes()) == PNG


def test_a_model_is_measured_on_the_cameras_pictures(gleaner: Gleaner, folder: Path, world: World) -> None:
    model = Path(__file__).parents[4] / "deploy" / "demo" / "packages.onnx"
    settings(folder, world, model={"path": str(model)})
    told = as_json(gleaner("sources", "check", "cam-0", "--json", "--for", 1))
    assert told["inference"]["frames_per_s"] > 0
    assert told["inference"]["beside_reading"] <= told["inference"]["frames_per_s"]
    assert "4 frames/s wanted" in told["advice"][-1]


def test_a_model_that_cannot_work_is_a_sentence_and_the_cameras_are_shown(
    gleaner: Gleaner, folder: Path, world: World
) -> None:
    (folder / "bad.onnx").write_bytes(b"no model")
    settings(folder, world, model={"path": "bad.onnx"})
    result = gleaner("sources", "check", "cam-0", "--for", 1)
    assert result.exit_code == 0
    assert "1 camera, it answers" in result.stdout
    assert "bad.onnx" in result.stderr


def test_a_line_that_cannot_work_does_not_hide_the_others(gleaner: Gleaner, folder: Path, world: World) -> None:
    file = settings(folder, world)
    file.write_text(file.read_text() + "  unset: {url: 'rtsp://a.example/', user: a, password: '${NOT_SET}'}\n")
    result = gleaner("sources", "check", "cam-0", "unset", "--for", 1)
    assert result.exit_code == 1
    assert "2 cameras, 1 dead" in result.stdout
    assert "unset: " in result.stderr
    assert "NOT_SET, which is not set" in result.stderr


@pytest.mark.parametrize(
    ("text", "arguments", "said"),
    [
        ("", (), "no cameras in gleaner.yaml: `gleaner sources add URL`"),
        ("sources:\n", (), "no cameras in gleaner.yaml"),
        ("sources: {defaults: {fps: 2}}\n", (), "no cameras in gleaner.yaml"),
        ("sources: {door: a.mp4}\n", ("doro",), "no source 'doro' in gleaner.yaml; did you mean 'door'?"),
        ("sources: [a]\n", (), "sources"),
    ],
)
def test_what_cannot_be_looked_at_is_one_sentence(
    gleaner: Gleaner, folder: Path, text: str, arguments: tuple[str, ...], said: str
) -> None:
    (folder / "gleaner.yaml").write_text(text)
    result = gleaner("sources", "check", *arguments)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1), result.output
    assert said in result.stderr


def test_without_a_settings_file_it_says_that_there_is_none(gleaner: Gleaner) -> None:
    result = gleaner("sources", "check")
    assert result.exit_code == 2
    assert "no cameras, and no gleaner.yaml here: `gleaner sources add URL`" in result.stderr


def test_a_picture_that_cannot_be_written_is_a_sentence(gleaner: Gleaner, folder: Path, world: World) -> None:
    settings(folder, world)
    result = gleaner("sources", "check", "cam-0", "--for", 1, "--picture", "nowhere/a.jpg")
    assert result.exit_code == 2
    assert "cannot write the picture nowhere/a.jpg" in result.stderr


def test_add_tries_it_shows_it_and_writes_its_line(gleaner: Gleaner, folder: Path, world: World) -> None:
    (folder / "door.jpg").write_text("mine")
    (folder / "gleaner.yaml").write_text("# mine\nsources:\n  # the yard\n  yard: yard.mp4  # later\nsite: north\n")
    result = gleaner("sources", "add", world["cam-1"].url, "--name", "door", "--fps", 2)
    assert result.exit_code == 0, result.output
    assert re.search(r"it works: 160x120   h264   .*2 frames/s; its picture: door-2\.jpg", result.stdout)
    assert read_number((folder / "door-2.jpg").read_bytes()) >= 0
    assert (folder / "door.jpg").read_text() == "mine"
    line = f"  door: {{url: '{world['cam-1'].url}', fps: 2}}\n"
    assert (folder / "gleaner.yaml").read_text() == (
        f"# mine\nsources:\n  # the yard\n  yard: yard.mp4  # later\n{line}site: north\n"
    )


def test_add_makes_the_settings_file_that_is_named(gleaner: Gleaner, folder: Path, world: World) -> None:
    assert gleaner("--settings", "site.yaml", "sources", "add", world["cam-0"].url).exit_code == 0
    assert load(folder / "site.yaml").values == {"sources": {"127.0.0.1-stream": world["cam-0"].url}}


def test_a_password_never_stands_in_the_file(gleaner: Gleaner, folder: Path, world: World) -> None:
    url = world["cam-7"].url.replace("://", "://viewer:right@")
    result = gleaner("sources", "add", url, "--name", "front door")
    assert result.exit_code == 0, result.output
    text = (folder / "gleaner.yaml").read_text()
    assert "right" not in text + result.output
    assert "password: '${FRONT_DOOR_PASSWORD}'" in text
    assert "set the environment variable FRONT_DOOR_PASSWORD" in result.stdout
    assert (folder / "front-door.jpg").is_file()
    values = load(folder / "gleaner.yaml", env={"FRONT_DOOR_PASSWORD": "right"}).values
    assert values["sources"]["front door"]["password"] == "right"


def test_a_password_file_is_named_in_the_line(gleaner: Gleaner, folder: Path, world: World) -> None:
    (folder / "door.secret").write_text("right\n")
    options = ("--name", "door", "--user", "viewer", "--password-file", "door.secret")
    result = gleaner("sources", "add", world["cam-7"].url, *options)
    assert result.exit_code == 0, result.output
    assert "password_file: door.secret" in (folder / "gleaner.yaml").read_text()
    assert "right" not in (folder / "gleaner.yaml").read_text()


@pytest.mark.parametrize(
    ("name", "credentials", "said"),
    [
        ("cam-7", f"viewer:{CANARY}@", "refused user and password"),
        ("cam-4", "", "expected a stream"),
        ("cam-2", "", "has nothing at this path"),
        ("cam-0", "", "did not answer"),
    ],
)
def test_a_camera_that_does_not_work_is_not_written(
    gleaner: Gleaner, folder: Path, world: World, name: str, credentials: str, said: str
) -> None:
    world["cam-0"].fault = Fault.NO_ANSWER
    url = world[name].url.replace("://", f"://{credentials}")
    (folder / "gleaner.yaml").write_text("sources: {defaults: {open_timeout_s: 2, read_timeout_s: 2}}\n")
    before = (folder / "gleaner.yaml").read_text()
    result = gleaner("sources", "add", url)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1), result.output
    assert said in result.stderr
    assert "Nothing was written" in result.stderr
    assert CANARY not in result.output
    assert (folder / "gleaner.yaml").read_text() == before
    assert [path.name for path in folder.iterdir()] == ["gleaner.yaml"]


def test_a_host_that_does_not_answer_is_written_when_nobody_tries(gleaner: Gleaner, folder: Path) -> None:
    result = gleaner("sources", "add", "rtsp://door.example/live", "--no-try")
    assert result.exit_code == 0, result.output
    assert (folder / "gleaner.yaml").read_text() == "sources:\n  door.example-live: 'rtsp://door.example/live'\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("rtps://door.example/",), "did you mean 'rtsps'?"),
        (("nowhere.mp4",), "nowhere.mp4"),
        (("rtsp://door.example/", "--name", "yard"), "there is a source 'yard' already"),
        (("rtsp://door.example/", "--user", "a", "--password-file", "nowhere"), "nowhere, which cannot be read"),
        ((f"rtsp://a:{CANARY}@door.example/", "--user", "b"), "two user names"),
    ],
)
def test_what_cannot_be_added_is_one_sentence(
    gleaner: Gleaner, folder: Path, arguments: tuple[str, ...], said: str
) -> None:
    (folder / "gleaner.yaml").write_text("sources: {yard: a.mp4}\n")
    result = gleaner("sources", "add", *arguments, "--no-try")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1), result.output
    assert said in result.stderr
    assert CANARY not in result.output
    assert (folder / "gleaner.yaml").read_text() == "sources: {yard: a.mp4}\n"


def test_list_opens_nothing_and_shows_no_password(gleaner: Gleaner, folder: Path) -> None:
    (folder / "gleaner.yaml").write_text(
        f"sources:\n  door: rtsp://viewer:{CANARY}@door.example/live?token={CANARY}\n"
        "  yard: nowhere.mp4\n  gate: {url: 'rtsp://gate.example/', fps: 0.5}\n  far: {url: 'rtsp://${FAR_HOST}/'}\n"
    )
    result = gleaner("sources", "list")
    assert result.exit_code == 0, result.output
    assert "rtsp://door.example/live?token=********" in result.stdout
    assert "yard: the camera's url 'nowhere.mp4'" in result.stderr
    assert "far: " in result.stderr
    told = json.loads(gleaner("sources", "list", "--json").stdout)
    assert [one["name"] for one in told] == ["door", "yard", "gate", "far"]
    assert [one["fps"] for one in told] == [1, 1, 0.5, None]
    assert CANARY not in result.output + json.dumps(told)
    assert [path.name for path in folder.iterdir()] == ["gleaner.yaml"]
