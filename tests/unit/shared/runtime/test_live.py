"""Live settings: taken up whole or refused whole, visibly; whatever happens to the file, the service goes on."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from shared.errors import SettingsError
from shared.runtime.live import Live
from shared.settings import Common, Config, Settings, load
from shared.telemetry import logs, metrics

FIRST = "limits: [{most: 10, per: day}]\n"
SECOND = "limits: [{most: 20, per: day}]\n"
Write = Callable[[str], None]


class Limiting(Config):
    """What a service reads of the settings."""

    limits: tuple[dict[str, Any], ...] = ()


class Delivering(Config):
    """What another service of the same process reads."""

    destinations: tuple[dict[str, str], ...] = ()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "gleaner.yaml"
    path.write_text(FIRST)
    return path


@pytest.fixture
def write(file: Path) -> Write:
    """Writes at a time of change of its own, however coarse the clock of the file system is."""
    now_ns = file.stat().st_mtime_ns

    def write(text: str) -> None:
        nonlocal now_ns
        now_ns += 1_000_000_000
        file.write_text(text)
        os.utime(file, ns=(now_ns, now_ns))

    return write


@pytest.fixture
def told() -> Iterator[list[Any]]:
    """What was logged."""
    logs.configure("tests", "INFO")
    with capture_logs() as events:
        yield events
    logs.configure("tests", "WARNING")


def live(file: Path, **overrides: Any) -> Live:
    settings = load(file, overrides)
    for model in (Common, Limiting, Delivering):
        settings.read(model)
    return Live(settings, "tester", look_every_s=0.0)


def most(settings: Settings | None) -> Any:
    return settings and settings.read(Limiting).limits[0]["most"]


def looked(live: Live) -> Settings | None:
    """What came of looks enough to see that a file stands still."""
    found = [live.changed() for _ in range(3)]
    return next((one for one in found if one is not None), None)


def test_a_change_is_taken_up_once_when_the_file_stands_still(file: Path, write: Write, told: list[Any]) -> None:
    one = live(file)
    before = one.settings.version
    assert looked(one) is None
    write(SECOND)
    assert one.changed() is None, "it may be half written"
    new = one.changed()
    assert most(new) == 20
    assert looked(one) is None
    assert new is not None
    assert [(event["event"], event["version"], event["before"]) for event in told] == [
        ("settings.taken", new.version, before)
    ]
    assert one.told() == {"version": new.version, "origin": str(file), "refused": None, "at_next_start": ()}


def test_it_looks_at_most_once_a_second(file: Path, write: Write) -> None:
    settings = load(file)
    one = Live(settings, "tester", look_every_s=3600.0)
    write(SECOND)
    assert [one.changed() for _ in range(3)] == [None, None, None]


def test_what_changed_between_the_start_and_the_first_look_is_seen(file: Path, write: Write) -> None:
    settings = load(file)
    settings.read(Limiting)
    write(SECOND)
    assert most(looked(Live(settings, "tester", look_every_s=0.0))) == 20


def test_comments_change_nothing(file: Path, write: Write, told: list[Any]) -> None:
    one = live(file)
    write(f"# more words\n{FIRST}")
    assert looked(one) is None
    assert told == []


def test_what_the_command_line_says_still_lies_over_it(file: Path, write: Write) -> None:
    one = live(file, limits=[{"most": 1, "per": "hour"}])
    write(SECOND)
    assert looked(one) is None
    assert most(one.settings) == 1
    with_model = Live(load(file, {"site": "here"}), "tester", look_every_s=0.0)
    with_model.settings.read(Limiting)
    write(FIRST)
    new = looked(with_model)
    assert (most(new), new and new.common.site) == (10, "here")


BROKEN = [
    ("limits: [", "no YAML"),
    ("limts: []", "did you mean 'limits'"),
    ("limits: 7", "limits: expected a list, got 7"),
    (SECOND + "destinations: none", "destinations: expected a list"),
    (SECOND + "health: {port: 99999}", "health.port"),
    (SECOND + "prefix: other-", "prefix cannot change while it runs"),
    (SECOND + "timezone: Europe/Madrid", "timezone cannot change while it runs"),
    (SECOND + "backend: {type: embedded, folder: elsewhere}", "backend cannot change while it runs"),
    (SECOND + "salt: a-secret-of-sixteen-letters", "salt cannot change while it runs"),
    (SECOND + "collection: mine", "collection cannot change while it runs"),
    (SECOND + "destinations: [{type: dataset}]", "the names of destinations cannot change while it runs"),
    ("", "it is empty"),
    ("# nothing left\n", "it is empty"),
    ("\x00", "no YAML"),
]


@pytest.mark.parametrize(("text", "why"), BROKEN)
def test_a_bad_file_is_refused_whole_and_said_once(
    file: Path, write: Write, told: list[Any], text: str, why: str
) -> None:
    one = live(file)
    before = one.settings
    write(text)
    assert looked(one) is None
    assert looked(one) is None
    assert one.settings is before
    assert [event["event"] for event in told] == ["settings.refused"]
    assert why in told[0]["why"]
    assert "a-secret" not in told[0]["why"]
    assert one.told()["refused"] == told[0]["why"]
    assert gauge("gleaner_settings_refused", service="tester") == 1


def gauge(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


def test_a_refused_file_that_is_mended_is_taken_up(file: Path, write: Write, told: list[Any]) -> None:
    one = live(file)
    write("limits: [")
    assert looked(one) is None
    write(SECOND)
    assert most(looked(one)) == 20
    assert one.told()["refused"] is None
    assert gauge("gleaner_settings_refused", service="tester") == 0
    assert gauge("gleaner_settings_info", service="tester", version=one.settings.version) == 1
    assert [event["event"] for event in told] == ["settings.refused", "settings.taken"]


def test_a_refused_file_that_is_as_before_again_is_no_change(file: Path, write: Write) -> None:
    one = live(file)
    write("limits: [")
    assert looked(one) is None
    write(FIRST)
    assert looked(one) is None
    assert one.told()["refused"] is None


def test_sections_of_services_that_read_them_at_their_start_wait(file: Path, write: Write, told: list[Any]) -> None:
    one = live(file)
    before = one.settings.version
    write(f"{SECOND}site: lab\nsources: {{door: /dev/video0}}\nmodel: {{path: new.onnx}}\n")
    new = looked(one)
    assert (most(new), new and new.common.site) == (20, "default")
    assert one.told()["at_next_start"] == ("site", "sources", "model")
    assert [event["event"] for event in told] == ["settings.at_next_start", "settings.taken"]
    write(f"{FIRST}sources: {{door: /dev/video0}}\n")
    found = looked(one)
    assert found is not None
    assert found.version == before, "what waits decides nothing yet, so it is no part of the version"


def test_what_means_the_same_in_other_words_has_the_files_version(file: Path, write: Write) -> None:
    one = live(file)
    write(f"{SECOND}timezone: UTC\n")
    new = looked(one)
    assert new is not None
    assert new.version == load(file).version
    assert one.told()["at_next_start"] == ()


def test_a_file_that_is_gone_for_a_moment_changes_nothing(file: Path, write: Write, told: list[Any]) -> None:
    one = live(file)
    looked(one)
    file.unlink()
    assert one.changed() is None
    write(SECOND)
    assert most(looked(one)) == 20
    assert [event["event"] for event in told] == ["settings.taken"]


def test_a_file_that_stays_away_is_said_and_the_old_go_on(file: Path, told: list[Any]) -> None:
    one = live(file)
    looked(one)
    file.unlink()
    assert looked(one) is None
    assert most(one.settings) == 10
    assert [event["event"] for event in told] == ["settings.refused"]
    assert "cannot read the settings file" in told[0]["why"]
    file.write_text(SECOND)
    assert most(looked(one)) == 20


def test_a_file_that_is_still_being_written_waits(file: Path, write: Write) -> None:
    one = live(file)
    for length in range(len(SECOND)):
        write(SECOND[:length])
        assert one.changed() is None, "each look finds it changed again"
    write(SECOND)
    assert most(looked(one)) == 20


def test_a_file_that_is_renamed_over_the_old_one(file: Path) -> None:
    one = live(file)
    looked(one)
    beside = file.with_name("gleaner.yaml.new")
    beside.write_text(SECOND)
    beside.replace(file)
    assert most(looked(one)) == 20


def test_a_link_that_points_elsewhere_as_kubernetes_swaps_them(tmp_path: Path) -> None:
    for name, text in (("..1", FIRST), ("..2", SECOND)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "gleaner.yaml").write_text(text)
        os.utime(tmp_path / name / "gleaner.yaml", ns=(1, 1))
    (tmp_path / "..data").symlink_to("..1")
    (tmp_path / "gleaner.yaml").symlink_to("..data/gleaner.yaml")
    one = live(tmp_path / "gleaner.yaml")
    assert looked(one) is None
    (tmp_path / "..tmp").symlink_to("..2")
    (tmp_path / "..tmp").replace(tmp_path / "..data")
    assert most(looked(one)) == 20


def test_what_the_service_cannot_prepare_is_refused(file: Path, write: Write, told: list[Any]) -> None:
    def prepare(new: Settings) -> None:
        prepared.append(most(new))
        if most(new) > 15:
            raise SettingsError("privacy.model: there is no faces.onnx")

    prepared: list[Any] = []
    one = Live(load(file), "tester", prepare, look_every_s=0.0)
    one.settings.read(Limiting)
    write(SECOND)
    assert looked(one) is None
    assert (most(one.settings), one.told()["refused"]) == (10, "privacy.model: there is no faces.onnx")
    write("limits: [{most: 11, per: day}]\n")
    assert most(looked(one)) == 11
    assert prepared == [20, 11]


def test_without_a_file_there_is_nothing_to_look_at() -> None:
    assert looked(Live(Settings({}), "tester", look_every_s=0.0)) is None


def test_a_folder_in_its_place_is_refused(file: Path, told: list[Any]) -> None:
    one = live(file)
    file.unlink()
    file.mkdir()
    assert looked(one) is None
    assert [event["event"] for event in told] == ["settings.refused"]


def test_versions_that_came_and_went_are_no_metrics_for_ever(file: Path, write: Write) -> None:
    metrics.SETTINGS_INFO.clear()
    one = live(file)
    for number in range(5):
        write(f"limits: [{{most: {number + 100}, per: day}}]\n")
        assert looked(one) is not None
    (metric,) = metrics.SETTINGS_INFO.collect()
    assert [sample.labels["version"] for sample in metric.samples] == [one.settings.version]
