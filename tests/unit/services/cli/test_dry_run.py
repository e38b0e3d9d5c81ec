"""What a dry run concludes from what it saw, without a stream: expectations, limits, warnings, the frames it shows."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from services.cli.rehearsal import table as dry_run_table
from services.cli.rehearsal.looks import looks_at, rules_of, scenes_of
from services.cli.rehearsal.outlook import DAY_S, HOUR_S, Outlook, Seen
from services.cli.rehearsal.picture import FEW, MOST, chosen_of, fragment_of, likeliest, odds, told
from services.cli.rehearsal.settings import Stored, described, rehearsal, stand_in, stored
from services.cli.rehearsal.sources import Beginning, Looked
from services.cli.rehearsal.warnings import warnings
from services.sampler.config import SamplerConfig
from services.sampler.strategies.scene import Scene
from services.sources.images import ImageFiles
from services.sources.videos import VideoFile
from services.uploader.config import UploaderConfig
from services.uploader.destinations import AnyDestination
from shared.settings import Settings
from shared.streams.predictions import Detection, Prediction
from shared.streams.record import Record
from shared.streams.samples import Design, Reason
from tests.unit.services.cli.conftest import Gleaner
from tests.unit.services.sampler.making import classified, prediction

MINUTE_S = 60.0
RULES: dict[str, Any] = {
    "strategies": [
        {"type": "random", "fraction": 0.1},
        {"type": "close_to_threshold", "epsilon": 0.1, "probability": 0.5},
    ],
    "limits": [],
}


def seen(number: int, *confidences: float, drawn: bool = False, rules: dict[str, Any] = RULES, **more: Any) -> Seen:
    """One of sixty frames of a minute."""
    config = SamplerConfig.model_validate(rules)
    one = prediction(*confidences, frame_id=f"{number:032d}", offset=number, frame_index=number, **more)
    (looks,) = looks_at([Scene(one)], config, lambda _: 1.0)
    designs = (design(one, config.strategies[-1].label),) if drawn else ()
    return Seen(f"0-{number}-x", one, looks, designs)


def a_minute(rules: dict[str, Any], *predictions: Prediction) -> Outlook:
    """All of them in a minute of one source."""
    config = SamplerConfig.model_validate(rules)
    looks = looks_at([Scene(one) for one in predictions], config, lambda _: 1 / MINUTE_S)
    return outlook(*(Seen(str(n), *pair) for n, pair in enumerate(zip(predictions, looks, strict=True))), rules=rules)


def design(one: Any, strategy: str) -> Design:
    return Design(
        sample_id=f"s{one.frame.offset}",
        collection="default",
        prediction_id="x",
        prediction=one,
        destinations=("dataset",),
        settings_version="1",
        reasons=(Reason(strategy=strategy, rule="parcel 0.47, near 0.50", score=0.47, probability=0.5),),
        probabilities={strategy: 0.5},
        probability=0.5,
        salt_fingerprint="0",
    )


def outlook(*frames: Seen, rules: dict[str, Any] = RULES, **looked: Any) -> Outlook:
    known = {"seconds": {one.prediction.source_id: MINUTE_S for one in frames}, **looked}
    return Outlook(tuple(frames), SamplerConfig.model_validate(rules), Looked(**known))


def test_a_minute_in_which_nothing_was_drawn_says_what_an_hour_brings() -> None:
    random, close, together = outlook(*(seen(n, 0.45 if n < 6 else 0.9) for n in range(60))).strategies
    assert (random.matched, random.drawn, close.matched, close.drawn) == (60, 0, 6, 0)
    assert random.rate * HOUR_S == pytest.approx(60 * 60 * 0.1)
    assert close.rate * HOUR_S == pytest.approx(60 * 6 * 0.5)
    assert together.rate * MINUTE_S == pytest.approx(54 * 0.1 + 6 * (1 - 0.9 * 0.5))


def test_two_sources_add_up_each_over_its_own_time() -> None:
    both = outlook(seen(0), seen(1, source_id="yard"), seconds={"door": 60.0, "yard": 30.0})
    assert both.rate(lambda _: 1.0) == pytest.approx(1 / 60 + 1 / 30)


def test_a_camera_counts_from_its_first_frame() -> None:
    looked = Looked({"late": 60.0, "street": 60.0}, until_ms=100_000)
    looked.saw("late", 70_000)
    assert looked.seconds == {"late": 30.0, "street": 60.0}
    files = Looked({"street": 60.0})
    files.saw("street", 0)
    assert files.seconds == {"street": 60.0}, "a video's time is its own"


def test_of_pictures_without_a_time_it_says_how_many_of_a_thousand(capsys: pytest.CaptureFixture[str]) -> None:
    found = outlook(*(seen(n) for n in range(20)), seconds={"door": None})
    assert not found.timed
    assert found.strategies[0].rate * 1000 == pytest.approx(100)
    dry_run_table.show(found, UploaderConfig().destinations, {"dataset": Stored()})
    said = capsys.readouterr().out
    assert "of 1,000 frames" in said
    assert "a day" not in said


def limited(*limits: dict[str, Any], own: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    close = {"type": "close_to_threshold", "epsilon": 0.1, "probability": 1.0, "limits": own or []}
    return {"strategies": [{"type": "random", "fraction": 0.1}, close], "limits": list(limits)}


def test_a_limit_says_when_it_is_reached_and_what_it_costs() -> None:
    rules = limited({"most": 144, "per": "day"}, {"most": 1000, "per": "minute"})
    found = outlook(*(seen(n, 0.9, rules=rules) for n in range(60)), rules=rules)
    day, minute = found.bites
    assert found.drawn_per_s == pytest.approx(0.1)
    assert day.reached_after_s == pytest.approx(1440)
    assert day.refused_per_day == pytest.approx(0.1 * DAY_S - 144)
    assert (minute.reached_after_s, minute.refused_per_day) == (None, 0.0)
    assert found.kept_per_s * DAY_S == pytest.approx(144)


def test_a_strategys_own_limit_spares_what_the_floor_drew_too() -> None:
    rules = limited(own=[{"most": 1, "per": "hour"}])
    found = outlook(*(seen(n, 0.45, rules=rules) for n in range(60)), rules=rules)
    (own,) = found.bites
    assert own.of == "close_to_threshold"
    assert own.refused_per_day == pytest.approx(24 * (HOUR_S * 0.9 - 1))
    assert found.kept_per_s * DAY_S == pytest.approx(DAY_S * 0.1 + 24)


def test_a_budget_is_what_is_expected_whatever_comes() -> None:
    rules = {
        "review": "1440/day",
        "strategies": [{"type": "random", "share": 0.5}, {"type": "uncertain", "share": 0.5}],
        "limits": [],
    }
    close, far = ([prediction(confidence, offset=n) for n in range(30)] for confidence in (0.49, 0.95))
    random, uncertain, _ = a_minute(rules, *close, *far).strategies
    assert random.rate * DAY_S == pytest.approx(720)
    assert uncertain.rate * DAY_S == pytest.approx(720)
    assert (random.matched, uncertain.matched) == (60, 60)


def test_of_a_budget_the_best_are_the_likeliest() -> None:
    rules = {"review": "1440/day", "strategies": [{"type": "uncertain", "share": 0.5}]}
    found = a_minute(rules, *(prediction(confidence) for confidence in (0.95, 0.51, 0.7)))
    chances = [one.probability for one in found.seen]
    assert chances[1] > chances[2] > chances[0] > 0
    assert [one.prediction.detections[0].confidence for one in chosen_of(found)] == [0.51, 0.7, 0.95]


def test_a_budget_keeps_no_more_than_there_is() -> None:
    rules = {"strategies": [{"type": "close_to_threshold", "budget": "10000/minute"}], "limits": []}
    found = a_minute(rules, prediction(0.49), prediction(0.9))
    assert found.drawn_per_s * MINUTE_S == pytest.approx(1)
    assert warnings(found) == []


def test_a_budget_is_planned_within_the_limits() -> None:
    rules = {"strategies": [{"type": "random", "budget": "500/day"}], "limits": [{"most": 100, "per": "day"}]}
    found = a_minute(rules, *(prediction() for _ in range(60)))
    assert found.drawn_per_s * DAY_S == pytest.approx(100)
    assert [bite.reached_after_s for bite in found.bites] == [None]


def test_a_limit_for_each_source_bites_where_there_is_much() -> None:
    rules = limited({"most": 60, "per": "hour", "each": "source"})
    ones = [seen(n, 0.45, rules=rules) for n in range(60)] + [seen(99, 0.45, rules=rules, source_id="yard")]
    (bite,) = outlook(*ones, rules=rules).bites
    # A match is drawn for certain; the floor takes a tenth of them out of this limit's reach.
    assert bite.refused_per_day == pytest.approx(24 * (0.9 * HOUR_S - 60))
    assert bite.reached_after_s == pytest.approx(60 / 0.9)


def test_a_limit_of_bytes_is_told_in_samples(capsys: pytest.CaptureFixture[str]) -> None:
    rules = {"strategies": [{"type": "random", "fraction": 1.0}], "limits": [{"most": "1440 B", "per": "day"}]}
    (bite,) = a_minute(rules, *(prediction() for _ in range(60))).bites
    assert bite.refused_per_day == pytest.approx(DAY_S - 1440)
    dry_run_table.show(a_minute(rules, prediction()), UploaderConfig().destinations, {"dataset": Stored()})
    assert "all: 0.00144 MB per day" in capsys.readouterr().out


def test_other_collections_stand_beside_the_first(capsys: pytest.CaptureFixture[str]) -> None:
    rules = {
        "strategies": [{"type": "random", "fraction": 0.1}],
        "collections": {"gate": {"sources": ["gate-*"], "strategies": [{"type": "random", "fraction": 0.5}]}},
    }
    found = a_minute(rules, prediction(), prediction(source_id="gate-1"))
    assert [one.rule and one.rule.label for one in found.strategies] == ["random", "gate: random", None]
    assert [one.matched for one in found.strategies] == [2, 1, 2]
    assert found.strategies[-1].rate * MINUTE_S == pytest.approx(0.1 + 1 - 0.9 * 0.5)
    dry_run_table.show(found, UploaderConfig().destinations, {"dataset": Stored()})
    assert "gate: all: 1,000 per day" in capsys.readouterr().out


def test_the_past_is_known_and_those_that_wait_see_what_came_after() -> None:
    """A package that is there for ten frames, gone for two and there again: lost, and a gap."""
    config = SamplerConfig.model_validate({"strategies": [{"type": "lost_track"}, {"type": "gap"}]})
    shown = [*range(10), *range(12, 20)]
    box = Detection(box=(200, 100, 300, 200), class_id=0, class_name="package", confidence=0.9)
    given = [prediction(detections=(box,) * (n in shown), frame_id=f"{n:032d}", offset=n) for n in range(20)]
    records = [Record("predictions", 0, n, 1_700_000_000_000 + n, b"door", b"") for n in range(20)]
    scenes = scenes_of(zip(records, given, strict=True), config)
    assert [record.offset for record, _ in scenes] == list(range(20))
    looks = looks_at([scene for _, scene in scenes], config, lambda _: 1.0)
    assert [n for n, (lost, _) in enumerate(looks) if lost.score] == [10, 11]
    assert [n for n, (_, gap) in enumerate(looks) if gap.score] == [10, 11]
    assert looks[10][0].words


def test_pictures_without_a_time_count_as_the_declared_rate(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(rules_of(SamplerConfig())[0][1]) == 3
    config = SamplerConfig()
    ones = [prediction(0.5, offset=n) for n in range(20)]
    looks = looks_at([Scene(one) for one in ones], config, lambda _: config.sampler.declared_fps / 20)
    found = Outlook(
        tuple(Seen(str(n), *pair) for n, pair in enumerate(zip(ones, looks, strict=True))),
        config,
        Looked({"door": None}),
    )
    assert found.strategies[0].rate * 30 * DAY_S == pytest.approx(18)
    dry_run_table.show(found, (), {})
    assert "as if all sources together gave 30 frames a second" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("frames", "changes", "said"),
    [
        ([], {}, "no frame was seen"),
        ([seen(n) for n in range(3)], {}, "the model found nothing at all in 3 frames"),
        ([seen(0, 0.31)], {}, "nothing reaches the product threshold of 0.5; the surest is 0.31"),
        ([seen(n, 0.48) for n in range(10)], {}, "close_to_threshold matches 10 of 10 frames"),
        ([seen(0, 0.9)], {"too_much": True}, "--fps 1"),
    ],
)
def test_what_looks_wrong_is_said_with_what_to_change(frames: list[Seen], changes: dict[str, Any], said: str) -> None:
    assert any(said in one for one in warnings(outlook(*frames, **changes)))


def test_where_the_settings_want_no_model_its_silence_is_no_warning() -> None:
    ones = [seen(n) for n in range(3)]
    nobody = {"model_id": "none", "model_version": "none", "detections": ()}
    silent = [replace(one, prediction=one.prediction.model_copy(update=nobody)) for one in ones]
    assert warnings(outlook(*silent)) == []


def test_rules_that_never_keep_anything_are_said() -> None:
    rules = {"strategies": [{"type": "below_threshold", "at_least": 0.2}], "limits": []}
    told_so = warnings(outlook(*(seen(n, 0.9, rules=rules) for n in range(10)), rules=rules))
    assert any("no strategy would ever keep" in one for one in told_so)


def test_where_all_is_well_nothing_is_said() -> None:
    assert warnings(outlook(*(seen(n, 0.9 if n else 0.45) for n in range(20)))) == []


def test_classifiers_are_counted_by_their_top_class(capsys: pytest.CaptureFixture[str]) -> None:
    config = SamplerConfig.model_validate(RULES)
    ones = [classified(0.7, 0.2, 0.1), classified(0.4, 0.3, 0.2)]
    looks = looks_at([Scene(one) for one in ones], config, lambda _: 1.0)
    found = outlook(*(Seen(str(n), *pair) for n, pair in enumerate(zip(ones, looks, strict=True))))
    dry_run_table.show(found, (), {})
    assert [line.split() for line in capsys.readouterr().out.splitlines() if line.startswith(" cat")] == [
        ["cat", "2", "1", "0.40", "-", "0.55", "-", "0.70"]
    ]


def test_the_picture_shows_what_was_drawn_then_the_likeliest_spread_over_the_time() -> None:
    frames = [seen(n, 0.45 if n % 10 == 0 else 0.9, drawn=n in (7, 8)) for n in range(60)]
    chosen = [one.prediction.frame.offset for one in chosen_of(outlook(*frames))]
    assert len(chosen) == FEW
    assert sorted(chosen[:2]) == [7, 8]
    assert chosen[2:8] == [0, 10, 20, 30, 40, 50]
    assert max(b - a for a, b in pairwise(chosen[8:])) <= 20


def test_of_many_that_were_drawn_not_all_are_shown() -> None:
    chosen = chosen_of(outlook(*(seen(n, 0.45, drawn=True) for n in range(40))))
    assert len(chosen) == MOST
    assert len(set(map(id, chosen))) == MOST


def test_no_frame_is_as_likely_as_none() -> None:
    assert likeliest([], 5) == []


def test_reasons_are_told_with_their_odds_in_words() -> None:
    assert (odds(0.2), odds(0.85), odds(1.0), odds(0.001)) == (
        "1 in 5 is kept",
        "85% are kept",
        "each is kept",
        "1 in 1,000 is kept",
    )
    near = Reason(strategy="close_to_threshold", rule="parcel 0.47, near 0.50", score=0.47, probability=0.2)
    assert told(near) == "close to threshold: parcel 0.47, near 0.50 (1 in 5 is kept)"
    floor = Reason(strategy="random", rule="a random check (1 in 100)", probability=0.01)
    assert told(floor, has_rule=False) == "random (1 in 100 is kept)"


def test_a_frame_that_was_not_drawn_says_what_speaks_for_it() -> None:
    fragment = fragment_of(seen(3, 0.45, captured_at="2026-11-20T15:00:00.000Z"))
    assert [one["strategy"] for one in fragment["reasons"]] == ["close_to_threshold"]
    assert (fragment["source_id"], fragment["log_time_ms"], fragment["badge"]) == ("door  frame 3", 1795186800000, "")
    assert fragment["doubts"][0]["confidence"] == 0.45
    assert [one["strategy"] for one in fragment_of(seen(4, 0.9))["reasons"]] == ["random"]


def test_a_design_over_a_limit_says_so() -> None:
    over = seen(1, 0.45, drawn=True)
    assert fragment_of(over)["badge"] == "would be kept"
    refused = Seen(
        over.prediction_id,
        over.prediction,
        over.looks,
        tuple(one.model_copy(update={"missing": "limit:all/day"}) for one in over.designs),
    )
    assert fragment_of(refused)["badge"] == "drawn, over a limit"


CANARY = "canary-1f0c-never-shown"
REAL: dict[str, Any] = {
    "backend": {"type": "cluster", "kafka": "kafka.example:9092", "s3_secret_key": CANARY},
    "prefix": "site7.",
    "salt": "a salt of a cluster, long enough",
    "strategies": RULES["strategies"],
    "destinations": [
        {"type": "dataset", "folder": "/data/set"},
        {"type": "roboflow", "project": "parcels", "api_key": CANARY},
        {"type": "dataset", "name": "..", "folder": "elsewhere"},
    ],
    "feedback": {"port": 8080, "host": "0.0.0.0", "api_keys": {"app": CANARY}},
    "uploader": {"folder": "/var/outbox"},
    "health": {"port": 9100},
}


def test_a_rehearsal_has_nothing_of_the_real_backend_and_hosts(tmp_path: Path) -> None:
    real = Settings(REAL)
    shadow = rehearsal(real, tmp_path)
    assert "example" not in str(shadow.values)
    assert CANARY not in str(shadow.values)
    assert shadow.version == real.version
    assert shadow.common.salt == real.common.salt
    assert (shadow.common.prefix, shadow.common.health.port) == ("", 0)
    destinations = shadow.read(UploaderConfig).destinations
    assert [one.name for one in destinations] == ["dataset", "roboflow", ".."]
    for one in destinations:
        assert tmp_path in stand_in(tmp_path, one.name).resolve().parents
    assert shadow.read(UploaderConfig).outbox_path.is_relative_to(tmp_path)


def test_the_salt_of_the_data_folder_is_read_and_no_other_is_made(tmp_path: Path) -> None:
    real = Settings({"backend": {"type": "embedded", "folder": str(tmp_path / "data")}})
    assert "salt" not in rehearsal(real, tmp_path / "x").values
    assert not (tmp_path / "data").exists()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "salt").write_text("0123456789abcdef0123\n")
    assert rehearsal(real, tmp_path / "x").values["salt"] == "0123456789abcdef0123"


def test_destinations_are_described_without_their_secrets() -> None:
    read = TypeAdapter(AnyDestination).validate_python
    dataset, roboflow = read(REAL["destinations"][0]), read(REAL["destinations"][1])
    assert described(dataset) == "would be written to the dataset folder /data/set (not touched)"
    assert described(roboflow) == "would be sent to roboflow project parcels (not contacted)"


def test_what_a_stand_in_holds_is_measured(tmp_path: Path) -> None:
    assert stored(tmp_path, "dataset") == Stored(0, 0)
    images = stand_in(tmp_path, "dataset") / "images"
    images.mkdir(parents=True)
    (images / "a.jpg").write_bytes(b"12345")
    assert stored(tmp_path, "dataset") == Stored(1, 5)


def video(frames: int | None, native_fps: float | None, fps: float | None = None) -> VideoFile:
    return VideoFile("street", Path("street.mp4"), fps, native_fps, frames)


def test_of_a_video_a_minute_of_the_video_is_looked_at() -> None:
    assert Beginning(video(10_000, 30), 60).expected == 1_800
    assert Beginning(video(900, 30), 60).expected == 900
    assert Beginning(video(6_000, 10, fps=1), 60).expected == 60
    assert Beginning(video(None, 30), 60).expected is None
    assert Beginning(ImageFiles("pictures", [Path("a.jpg")] * 5_000), 60).expected == 600


def test_the_time_of_what_was_seen_ends_where_the_next_frame_would_come() -> None:
    assert Beginning(video(10_000, 30), 60, last=1_799).seconds == pytest.approx(60)
    assert Beginning(video(6_000, 10, fps=1), 60, last=590).seconds == pytest.approx(60)
    assert Beginning(ImageFiles("pictures", []), 60, last=5).seconds is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--dry-run",), "nothing to look at"),
        (("--dry-run", "--picture", "nowhere/a.png", "a.jpg"), "there is no folder nowhere"),
        (("--dry-run", "--picture", ".", "a.jpg"), "is a folder"),
        (("--dry-run", "missing.mp4"), "no such file"),
    ],
)
def test_what_cannot_be_looked_at_is_a_sentence_before_anything_begins(
    gleaner: Gleaner, folder: Path, words: tuple[str, ...], said: str
) -> None:
    result = gleaner("run", "--model", "best.onnx", *words)
    assert result.exit_code == 2, result.output
    assert said in result.stderr
    assert list(folder.iterdir()) == []
