"""A bundle leaves the machine: canaries are planted in every place where a secret can be, and none is in any of its bytes."""

import json
import zipfile
from pathlib import Path
from urllib.parse import quote

import pytest
import yaml

from services.cli.doctoring import bundle, checks
from services.cli.doctoring.examine import Check
from services.cli.doctoring.finding import Finding
from services.cli.doctoring.redacted_settings import redacted_file
from services.cli.doctoring.redaction import Redactor
from shared.settings import Settings
from shared.streams.dead_letters import PREFIX
from shared.streams.record import NewRecord
from tests.unit.services.cli.conftest import Gleaner, Site

CANARY = "c4n4ry"
"""Part of every planted secret, and of nothing else."""
QUICK = {"versions", "settings", "disk", "clock", "backlog"}


def canary(where: str) -> str:
    return f"{CANARY}-{where}-9f"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the checks that wait for hosts: their own tests are elsewhere."""
    monkeypatch.setattr(checks, "CHECKS", tuple(check for check in checks.CHECKS if check.name in QUICK))


def unpacked(file: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def check_clean(file: Path, *more: str) -> dict[str, bytes]:
    contents = unpacked(file)
    for name, content in contents.items():
        for text in (CANARY, *more):
            assert text.encode() not in content, f"{text} in {name}: {content[:3000]!r}"
    return contents


EVERYWHERE = f"""# a comment about {canary("comment")}
site: north-gate
salt: {canary("salt")}
sources:
  door: rtsp://{canary("user")}:{canary("password")}@door.example/live
  token-only: rtsp://{canary("token")}@door.example/live
  encoded: rtsp://ana:{quote(canary("p@ss/w?rd"), safe="")}@door.example/live
  odd: "rtsp://ana:{canary("odd")} it's <{CANARY}>@door.example/live"
  query: http://door.example/jpg?u={canary("query-user")}&pwd={canary("query")}&w=640
  recorder: rtsp://door.example/user=admin_password={canary("path")}_channel=1_stream=0.sdp
  section: {{url: rtsp://door.example/1, user: {canary("section-user")}, password: {canary("section")}}}
  from-file: {{url: rtsp://door.example/1, user: ana, password_file: camera.secret}}
  from-environment: {{url: rtsp://door.example/1, user: ana, password: "${{DOOR_PASSWORD}}"}}
  whole-from-environment: "${{DOOR_ADDRESS}}"
  with-default: "rtsp://door.example/1?key=${{NOT_SET_ANYWHERE:-{canary("default")}}}"
feedback:
  api_keys:
    my-app: {canary("api-key")}
    other-app: ${{APP_KEY}}
destinations:
  - {{type: dataset}}
  - {{type: roboflow, project: packages, api_key: {canary("roboflow")}}}
"""
CLUSTER = f"""salt_file: salt.secret
backend:
  type: cluster
  kafka: kafka.example:9092
  redis: redis://{canary("redis-user")}:{canary("redis")}@cache.example:6379/0
  s3: http://{canary("s3-user")}:{canary("s3-url")}@store.example
  s3_access_key: {canary("s3-access")}
  s3_secret_key: {canary("s3-secret")}
"""


@pytest.fixture
def planted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Secrets in files, in variables that the settings name, and in one that they do not."""
    (folder / "camera.secret").write_text(f"{canary('file')}\n")
    (folder / "salt.secret").write_text(canary("salt-file"))
    monkeypatch.setenv("DOOR_PASSWORD", canary("variable"))
    monkeypatch.setenv("APP_KEY", canary("app-variable"))
    monkeypatch.setenv("DOOR_ADDRESS", f"rtsp://ana:{canary('address')}@door.example/1")
    monkeypatch.setenv("SOMEBODYS_API_TOKEN", canary("environment"))
    return folder


def test_no_secret_of_the_settings_is_in_it(gleaner: Gleaner, planted: Path) -> None:
    (planted / "gleaner.yaml").write_text(EVERYWHERE)
    result = gleaner("doctor", "--bundle", "report.zip")
    assert "report.zip" in result.stderr
    assert CANARY not in result.output
    contents = check_clean(planted / "report.zip")
    shown = yaml.safe_load(contents["settings-file.yaml"])
    assert shown["site"] == "north-gate"
    assert shown["sources"]["door"] == "rtsp://********@door.example/live"
    assert shown["sources"]["from-environment"]["password"] == "${DOOR_PASSWORD}"
    assert shown["destinations"][1]["project"] == "packages"


def test_no_secret_of_a_clusters_settings_is_in_it(
    gleaner: Gleaner, planted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle, "LIMIT_S", 0.2)
    (planted / "gleaner.yaml").write_text(CLUSTER)
    gleaner("doctor", "--bundle", "report.zip")
    contents = check_clean(planted / "report.zip")
    assert b"kafka.example:9092" in contents["settings-file.yaml"]
    assert json.loads(contents["status.json"]).keys() == {"sources", "missing"}


MISTAKES = [
    f"stratgies: {canary('unknown')}\n",
    f"pasword: {canary('misspelt')}\nsite: a\n",
    f"backend: redis://:{canary('section')}@cache.example\n",
    f"backend: {canary('section')}\n",
    f"feedback: {{api_keys: {canary('keys')}}}\n",
    f"feedback: {{api_keys: {{{canary('key-as-name')}: my-app}}}}\n",
    f"feedback: {{code: {canary('unknown')}}}\n",
    f"strategies: [{canary('list')}]\n",
    f"sources: [{canary('list')}]\n",
    f"destinations: {{type: roboflow, api_key: {canary('key')}}}\n",
    f"destinations: [{{type: robofow, api_key: [{canary('key')}], project: a}}]\n",
    f"sources: {{gate: {{url: 'rtsp://ana:{canary('p')}@door.example/', fsp: 1}}}}\n",
    f"sources: {{gate: {{adress: 'rtsp://ana:{canary('p')}@door.example/'}}}}\n",
    f'salt: "{canary("open")}\n',
    f"salt: {canary('a')}: {canary('b')}\n",
    f"site: a\n\tsalt: {canary('tab')}\n",
    f"- {canary('item')}\n",
    f"{canary('bare')}\n",
    f"site: ${{UNSET_VARIABLE:-x}}\nsalt: ${{UNSET_VARIABLE}}\nfeedback: {{api_keys: {{a: {canary('k')}}}}}\n",
]


@pytest.mark.parametrize("content", MISTAKES)
def test_a_file_with_mistakes_shows_no_secret_either(gleaner: Gleaner, planted: Path, content: str) -> None:
    (planted / "gleaner.yaml").write_text(content)
    result = gleaner("doctor", "--bundle", "report.zip")
    assert "report.zip" in result.stderr, result.output
    assert CANARY not in result.output
    check_clean(planted / "report.zip")


def test_a_file_that_is_no_text(gleaner: Gleaner, planted: Path) -> None:
    (planted / "gleaner.yaml").write_bytes(b"\xff\xfe" + canary("binary").encode())
    gleaner("doctor", "--bundle", "report.zip")
    assert b"no YAML" in check_clean(planted / "report.zip")["settings-file.yaml"]


def test_no_secret_of_an_error_is_in_it(gleaner: Gleaner, planted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(settings: Settings) -> list[Finding]:
        raise RuntimeError(f"an error about {canary('error')}")

    def quotes(settings: Settings) -> list[Finding]:
        return [
            Finding(f"at {settings.values['salt']}", "wrong", f"http://x:{canary('unknown')}@a.example/", "see it"),
            Finding("stores", "wrong", f"salt is {settings.values['salt']}", "mend it"),
        ]

    monkeypatch.setattr(checks, "CHECKS", (Check("crash", crash), Check("quotes", quotes)))
    (planted / "gleaner.yaml").write_text(f"salt: {canary('salt')}\n")
    result = gleaner("doctor", "--bundle", "report.zip")
    assert CANARY not in result.output
    contents = check_clean(planted / "report.zip")
    assert b"salt is ********" in contents["doctor.txt"]
    assert b"RuntimeError at test_bundle.py" in contents["doctor.txt"]


def test_dead_letters_bring_their_cause_and_no_bytes(gleaner: Gleaner, planted: Path, site: Site) -> None:
    (planted / "gleaner.yaml").write_text(f"salt: {canary('salt')}\n")
    headers = {
        "topic": "frames",
        "partition": "0",
        "offset": "7",
        "exception.class.name": "InvalidImage",
        "exception.message": f"from rtsp://ana:{canary('cause')}@door.example with {canary('salt')}",
    }
    encoded = tuple((PREFIX + name, value.encode()) for name, value in headers.items())
    site.send(NewRecord("frames.dlq", canary("source-id").encode(), canary("bytes").encode(), 0, encoded))
    site.frame(f"rtsp://ana:{canary('source')}@door.example")
    gleaner("doctor", "--bundle", "report.zip")
    contents = check_clean(planted / "report.zip")
    (letter,) = json.loads(contents["dead-letters.json"])
    assert (letter["original"], letter["error"]) == ("frames/0@7", "InvalidImage")
    assert "door.example" in letter["message"]
    status = json.loads(contents["status.json"])
    assert status["dead_letters"]["frames.dlq"] == 1
    assert status["ledger"]["balanced"] is True


def test_source_ids_are_redacted_in_the_counts(gleaner: Gleaner, planted: Path, site: Site) -> None:
    site.prediction(f"rtsp://ana:{canary('source')}@door.example/1")
    gleaner("doctor", "--bundle", "report.zip")
    status = json.loads(check_clean(planted / "report.zip")["status.json"])
    assert list(status["frames"]["by_source"]) == ["rtsp://********@door.example/1"]


def test_it_says_what_it_holds(gleaner: Gleaner, planted: Path) -> None:
    result = gleaner("doctor", "--bundle", "report.zip")
    contents = unpacked(planted / "report.zip")
    listed = contents[bundle.CONTENTS].decode()
    for name in contents.keys() - {bundle.CONTENTS}:
        assert name in listed
        assert name in result.stderr
    assert "no log file is known" in listed
    assert contents["doctor.txt"].decode().splitlines()[-1] == result.stdout.splitlines()[-1]
    for name in contents:
        if name.endswith(".json"):
            json.loads(contents[name])


def test_the_page_in_it_is_the_page_on_the_screen(gleaner: Gleaner, planted: Path) -> None:
    result = gleaner("doctor", "--json", "--bundle", "report.zip")
    packed = json.loads(unpacked(planted / "report.zip")["doctor.json"])
    on_screen = json.loads(result.stdout)
    assert [one["looked_at"] for one in packed["findings"]] == [one["looked_at"] for one in on_screen["findings"]]


def test_nothing_is_written_over(gleaner: Gleaner, planted: Path) -> None:
    (planted / "report.zip").write_text("mine")
    result = gleaner("doctor", "--bundle", "report.zip")
    assert (result.exit_code, "is there already" in result.stderr) == (2, True)
    assert (planted / "report.zip").read_text() == "mine"


def test_a_place_that_cannot_be_written_is_a_sentence(gleaner: Gleaner, planted: Path) -> None:
    result = gleaner("doctor", "--bundle", "nowhere/report.zip")
    assert result.exit_code == 2
    assert "cannot write nowhere/report.zip" in result.stderr


def test_a_shells_own_variables_hide_nothing(gleaner: Gleaner, planted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`PWD` sounds like a password, `USE_AUTH=true` too: masking them would spoil the report and protect nobody."""
    for name, value in (("PWD", "gleaner-data"), ("USE_AUTH", "true")):
        monkeypatch.setenv(name, value)
    gleaner("doctor", "--bundle", "report.zip")
    contents = unpacked(planted / "report.zip")
    assert b"gleaner-data" in contents["doctor.txt"]
    assert b"true" in contents["settings.json"]


def test_a_file_nested_without_end_is_not_shown(gleaner: Gleaner, planted: Path) -> None:
    for name, depth in (("open.yaml", 5_000), ("deep.yaml", 900)):
        (planted / name).write_text("salt: " + "[" * depth + canary("deep") + "]" * 900)
        assert redacted_file(planted / name, Redactor([])).startswith("# it is no YAML")
