import json
import threading
from pathlib import Path

import pytest

from services.cli.doctoring import checks, model
from services.cli.doctoring.examine import Check
from services.cli.doctoring.finding import Finding, ok, warning, wrong
from services.cli.doctoring.page import folded, lines, summary, text
from shared.settings import Settings
from tests.unit.services.cli.conftest import Gleaner, Site
from tests.unit.shared.models.built_models import detector

ALL = checks.CHECKS
CANARY = "canary-3f9a1c-never-shown"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """And without the usual ports, which somebody on this machine may have."""
    monkeypatch.setattr(model, "MEASURED_S", 0.02)
    monkeypatch.setattr(checks, "CHECKS", tuple(check for check in ALL if check.name != "ports"))


def told(gleaner: Gleaner, *words: object) -> tuple[int, dict[str, dict[str, str]]]:
    """Exit code, and the findings by what was looked at."""
    result = gleaner("doctor", "--json", *words)
    return result.exit_code, {one["looked_at"]: one for one in json.loads(result.stdout)["findings"]}


def test_a_fresh_folder_is_fine_and_stays_empty(gleaner: Gleaner, folder: Path) -> None:
    result = gleaner("doctor")
    assert result.exit_code == 0, result.output
    assert "0 wrong" in result.stdout.splitlines()[-1]
    assert list(folder.iterdir()) == []


def test_every_part_has_its_line(gleaner: Gleaner, folder: Path, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "CHECKS", ALL)
    detector(folder / "best.onnx")
    (folder / "gleaner.yaml").write_text("model: {path: best.onnx}\nfeedback: {port: 0}\n")
    code, found = told(gleaner)
    assert code == 0, found
    parts = {"gleaner", "machine", "packages", "settings", "model", "model speed", "cameras", "data folder", "clock"}
    assert parts | {"dataset dataset", "log", "streams", "dead letters", "delivery", "feedback's port"} <= found.keys()


def test_it_works_beside_a_reader_of_the_log(gleaner: Gleaner, folder: Path, site: Site) -> None:
    consumer = site.log.consumer("inference", ["frames"])
    consumer.poll(0.1, 1)
    assert told(gleaner)[0] == 0
    site.frame()
    consumer.close()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("site: a\n\tsources:\n", "indent with spaces"),
        ("stratgies: []\n", "did you mean 'strategies'?"),
        ("salt: ${NOT_THERE_AT_ALL}\n", "NOT_THERE_AT_ALL"),
        ("feedback: {prot: 1}\n", "did you mean 'port'?"),
        ("- a\n", "keys and values"),
        ("", None),
    ],
)
def test_settings_that_cannot_be_read_are_a_line(
    gleaner: Gleaner, folder: Path, content: str, said: str | None
) -> None:
    (folder / "gleaner.yaml").write_text(content)
    code, found = told(gleaner)
    assert "gleaner" in found, "what needs no settings is looked at"
    assert found["settings"]["state"] == ("ok" if said is None else "wrong")
    assert code == (0 if said is None else 1)
    assert said is None or said in found["settings"]["found"]


def test_a_settings_file_that_is_not_there_or_is_a_folder(gleaner: Gleaner, folder: Path) -> None:
    for name in ("nowhere.yaml", "."):
        result = gleaner("--settings", name, "doctor")
        assert result.exit_code == 1
        assert "cannot read the settings file" in result.stdout


def test_what_is_wrong_says_what_to_do_below_it(gleaner: Gleaner, folder: Path) -> None:
    (folder / "gleaner.yaml").write_text("model: {path: missing.onnx}\n")
    result = gleaner("doctor")
    assert result.exit_code == 1
    rows = result.stdout.splitlines()
    (number,) = [number for number, row in enumerate(rows) if row.startswith("wrong   settings")]
    assert "missing.onnx" in rows[number]
    assert "→" in rows[number + 1]
    assert any(row.startswith("warning model ") and "for the same reason" in row for row in rows), "once is enough"


def test_no_check_can_crash_the_page(gleaner: Gleaner, monkeypatch: pytest.MonkeyPatch) -> None:
    never = threading.Event()

    def crash(settings: Settings) -> list[Finding]:
        raise RuntimeError(f"an address with {CANARY}")

    def hang(settings: Settings) -> list[Finding]:
        never.wait(60)
        return []

    broken = tuple(Check(f"{check.name}!", crash) for check in checks.CHECKS)
    monkeypatch.setattr(checks, "CHECKS", (*broken, Check("hangs", hang, limit_s=0.2), checks.CHECKS[0]))
    result = gleaner("doctor")
    never.set()
    assert result.exit_code == 1
    assert all(check.name in result.stdout for check in broken)
    assert f"2 wrong, {len(broken) - 1} to look at" in result.stdout
    assert "gleaner   " in result.stdout
    assert CANARY not in result.output


NOBODY = "type: cluster, kafka: '127.0.0.1:9', s3: 'http://127.0.0.1:9'"
SECRETS = [
    f"salt: {CANARY}\n",
    f"backend: {{type: cluster, salt: {CANARY}}}\n",
    f"backend: {{{NOBODY}, redis: 'redis://:{CANARY}@127.0.0.1:9/0'}}\nsalt: 0123456789abcdef\n",
    f"backend: {{{NOBODY}, redis: '{CANARY}'}}\nsalt: 0123456789abcdef\n",
    f"sources: {{gate: 'rtsp://ana:{CANARY}@127.0.0.1:9/1'}}\n",
    f"sources: {{gate: 'http://127.0.0.1:9/jpg?pwd={CANARY}'}}\n",
    f"sources: {{gate: {{url: 'rtsp://127.0.0.1:9/1', user: ana, password: {CANARY}}}}}\n",
    f"destinations: [{{type: roboflow, project: a, base_url: 'http://127.0.0.1:9', api_key: {CANARY}}}]\n",
    f"feedback: {{api_keys: {{app: {CANARY}}}, prot: 1}}\n",
]


@pytest.mark.parametrize("content", SECRETS)
def test_no_secret_is_shown(gleaner: Gleaner, folder: Path, monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    monkeypatch.setattr("services.cli.doctoring.cameras.LONGEST_WAIT_S", 1.0)
    if "kafka" in content:  # a broker that does not answer is waited for: its checks are tested where they are
        monkeypatch.setattr(checks, "CHECKS", tuple(one for one in checks.CHECKS if one.name == "settings"))
    (folder / "gleaner.yaml").write_text(content)
    for options in ((), ("--json",)):
        assert CANARY not in gleaner("doctor", *options).output


def test_the_page_as_text() -> None:
    found = [
        ok("disk", "12 GB free"),
        warning("clock", "is\x1b[2J off", "keep it"),
        wrong("model", "is none", "name one"),
    ]
    assert text(found).splitlines() == [
        "ok      disk                   12 GB free",
        "warning clock                  is\\x1b[2J off",
        "                               → keep it",
        "wrong   model                  is none",
        "                               → name one",
        "1 wrong, 1 to look at, 1 fine",
    ]
    assert summary([]) == "0 wrong, 0 to look at, 0 fine"
    assert len(list(lines(found[0]))) == 1


def test_a_long_line_goes_on_below_what_was_found_and_keeps_commands_whole() -> None:
    command = "gleaner-with-a-very-long-command-that-no-line-holds-and-nobody-may-break"
    found = wrong("camera gate", f"it does not answer, and {command} says what else there is to say of it", "")
    first, *rest = folded(next(lines(found)), 60)
    assert first == "camera gate            it does not answer, and"
    assert all(line.startswith(" " * 23) and line[23] != " " for line in rest)
    assert command in [line.strip() for line in rest]
    assert all(len(line) <= 60 for line in rest if command not in line)


def test_checks_have_names_of_their_own_and_some_need_no_settings() -> None:
    names = [check.name for check in ALL]
    assert len(set(names)) == len(names)
    assert {check.name for check in ALL if check.bare} == {"versions", "clock"}
