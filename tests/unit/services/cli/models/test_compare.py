"""`gleaner models compare`: what another version gains and loses on judged frames, on images, and beside a shadow."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from services.cli.models.compare import compare
from services.cli.models.compare_picture import draw, summary
from services.cli.models.comparing import NOBODY, on_pictures
from services.cli.models.comparison import MOST_DRAWN, ComparedFrame, Comparison
from services.cli.models.judged import GONE, judged, newest_first
from services.cli.models.judgements import Judgement
from services.cli.models.seeing import seeing
from services.cli.models.thresholds import at_threshold
from shared import imaging
from shared.adapters.embedded.file_images import FileImages
from shared.errors import SettingsError
from shared.imaging import encode_jpeg
from shared.models.config import ModelConfig
from shared.settings import Settings
from shared.streams import VERDICTS, ids, keys
from shared.streams.frames import FrameRef
from shared.streams.predictions import Detection, Prediction, new_prediction, prediction_id
from shared.streams.verdicts import Verdict, new_verdict
from tests.unit.services.cli.conftest import Gleaner, Site, as_json
from tests.unit.services.sampler.making import classified, detection, prediction
from tests.unit.shared.models.built_models import classifier, detector, picture

CONFIDENCE = 0.3
HERE, THERE = (10.0, 10.0, 50.0, 40.0), (100.0, 100.0, 140.0, 130.0)


def image(seed: int) -> bytes:
    return encode_jpeg(picture(320, 240, seed))


@pytest.fixture
def old(folder: Path) -> ModelConfig:
    return ModelConfig(path=detector(folder / "old.onnx"), threshold=CONFIDENCE)


@pytest.fixture
def new(folder: Path) -> ModelConfig:
    """Another network: it sees other things."""
    return ModelConfig(path=detector(folder / "new.onnx", width=12), threshold=CONFIDENCE)


@pytest.fixture
def sees(old: ModelConfig) -> Iterator[Callable[[bytes], Prediction]]:
    with seeing(old) as eyes:

        def see(image: bytes) -> Prediction:
            said = eyes.see([image])[0]
            assert isinstance(said, Prediction)
            return said

        yield see


def judge(site: Site, said: Prediction, ref: FrameRef, kind: str = "confirmed", **more: Any) -> Verdict:
    """A verdict on a prediction of that frame."""
    own = said.model_copy(update={"frame": ref, "source_id": "door"})
    verdict = Verdict.model_validate(
        {
            "verdict_id": ids.make_id("verdict", ref.frame_id, kind, str(more)),
            "prediction_id": prediction_id(site.send(new_prediction(own)), own),
            "prediction": own,
            "kind": kind,
            "caller": "app",
            "judged_at": "2026-11-01T10:00:00Z",
            **more,
        }
    )
    site.send(new_verdict(verdict))
    return verdict


def gone(said: Prediction) -> FrameRef:
    """A frame that the log no longer has."""
    return said.frame.model_copy(update={"offset": 10_000 + said.frame.size})


def kept_at(said: Prediction, ref: FrameRef, content_type: str = imaging.JPEG) -> Any:
    sample_id = ids.sample_id("default", ref.frame_id, said.model_id)
    return keys.buffered_image(
        "default", sample_id, time_ms=ref.time_ms, content_type=content_type, sha256=ref.sha256, size=ref.size
    )


# Judged frames


def test_without_a_verdict_it_says_so_and_loads_nothing(gleaner: Gleaner, folder: Path) -> None:
    missing = ModelConfig(path=detector(folder / "old.onnx"))
    assert compare(Settings({}), missing, missing).notes == (NOBODY,)
    assert not (folder / "gleaner-data").exists(), "whoever only looks makes no data folder"
    result = gleaner("models", "compare", "old.onnx", "old.onnx")
    assert result.exit_code == 0, result.output
    assert NOBODY in result.stdout


def test_the_same_model_is_right_wherever_it_was(
    site: Site, old: ModelConfig, sees: Callable[[bytes], Prediction]
) -> None:
    for seed in range(3):
        said = sees(image(seed))
        ref = site.frame(image=image(seed))
        judge(site, said, ref, "confirmed", detection_index=0)
        judge(site, said, ref, "rejected", reason="false_positive", detection_index=1)
    compared = compare(Settings({}), old, old)
    assert (compared.asked, len(compared.frames), compared.places) == (3, 3, {"log": 3}), "two verdicts, one frame"
    assert compared.differing == []
    assert all(set(counts) == {"both"} for counts in compared.by_class.values())
    assert [(one.what, one.judged, one.old_right, one.new_right) for one in compared.by_verdict] == [
        ("confirmed detections", 3, 3, 3),
        ("false positives", 3, 0, 0),
    ]


def test_another_model_is_held_against_the_verdicts(
    site: Site, old: ModelConfig, new: ModelConfig, sees: Callable[[bytes], Prediction]
) -> None:
    for seed in range(4):
        said, ref = sees(image(seed)), site.frame(image=image(seed))
        for index in range(len(said.above_threshold())):
            judge(site, said, ref, "confirmed", detection_index=index)
    compared = compare(Settings({}), old, new)
    (confirmed,) = compared.by_verdict
    found = sum(counts["both"] for counts in compared.by_class.values())
    lost = sum(counts["lost"] + counts["changed"] for counts in compared.by_class.values())
    assert confirmed.old_right == confirmed.judged == found + lost
    assert confirmed.worse == confirmed.judged - confirmed.new_right > 0
    assert compared.differing[0].worse == max(frame.worse for frame in compared.frames)


def test_the_frames_that_were_judged_last(site: Site, old: ModelConfig, sees: Callable[[bytes], Prediction]) -> None:
    refs = [site.frame(image=image(seed)) for seed in range(4)]
    for seed, ref in enumerate(refs):
        judge(site, sees(image(seed)), ref)
    judge(site, sees(image(0)), refs[0], "missed", boxes=[HERE])
    found = judged(Settings({}), 2)
    assert [one.prediction.frame for one in found.frames] == [refs[0], refs[3]]
    assert [verdict.kind for verdict in found.frames[0].verdicts] == ["missed", "confirmed"]
    assert [one.prediction.frame for one in judged(Settings({}), 10).frames] == [refs[0], refs[3], refs[2], refs[1]]


def test_pixels_are_found_wherever_they_still_are(
    site: Site, folder: Path, sees: Callable[[bytes], Prediction]
) -> None:
    images = FileImages(folder / "gleaner-data" / "images")
    said = [sees(image(seed)) for seed in range(5)]
    judge(site, said[0], site.frame(image=image(0)))
    refs = [gone(one) for one in said]
    images.put(kept_at(said[1], refs[1]).key, image(1), imaging.JPEG)
    images.put(kept_at(said[2], refs[2]).preview_key, imaging.preview(picture(320, 240, 2), 160), imaging.JPEG)
    dataset = folder / "dataset" / "images"
    dataset.mkdir(parents=True)
    name = Path(kept_at(said[3], refs[3]).key).name
    (dataset / name).write_bytes(image(3))
    for number in range(1, 5):
        judge(site, said[number], refs[number])
    found = judged(Settings({}), 10)
    assert found.places == {"log": 1, "image buffer": 1, "preview": 1, "dataset folder": 1}
    assert found.unread == {GONE: 1}
    by_id = {one.prediction.frame.frame_id: one.image for one in found.frames}
    assert by_id[refs[3].frame_id] == image(3)
    (dataset / name).write_bytes(image(4))
    assert judged(Settings({}), 10).unread == {GONE: 2}, "other bytes under the same name are another picture"


def test_a_preview_is_judged_at_its_own_size(site: Site, folder: Path, sees: Callable[[bytes], Prediction]) -> None:
    said = sees(image(1))
    ref = gone(said)
    half = imaging.preview(picture(320, 240, 1), 160)
    FileImages(folder / "gleaner-data" / "images").put(kept_at(said, ref).preview_key, half, imaging.JPEG)
    verdict = judge(site, said, ref, "confirmed", detection_index=0)
    model = ModelConfig(path=folder / "old.onnx", threshold=CONFIDENCE)
    compared = compare(Settings({}), model, model)
    (frame,) = compared.frames
    assert (frame.old.width_px, frame.old.height_px) == (160, 120)
    assert frame.judgements[0].box == pytest.approx([side / 2 for side in verdict.prediction.detections[0].box])
    assert any("1 were read as previews" in note for note in compared.notes)


def test_from_the_end_to_the_beginning_in_blocks(site: Site, sees: Callable[[bytes], Prediction]) -> None:
    ref = site.frame(image=image(0))
    said = sees(image(0))
    for number in range(600):
        judge(site, said, ref, "confirmed", note=str(number))
    reader = site.log.reader()
    records = list(newest_first(site.log, reader, VERDICTS.name))
    assert [VERDICTS.decode(record).note for record in records] == [str(number) for number in reversed(range(600))]
    reader.close()


def test_two_that_do_different_things_are_refused(
    site: Site, folder: Path, old: ModelConfig, sees: Callable[[bytes], Prediction]
) -> None:
    judge(site, sees(image(0)), site.frame(image=image(0)))
    with pytest.raises(SettingsError, match="one task"):
        compare(Settings({}), old, ModelConfig(path=classifier(folder / "kind.onnx")))


# What is told


def compared_frame(old: list[Detection], new: list[Detection], *judgements: Judgement) -> ComparedFrame:
    before, after = (prediction(detections=tuple(some)) for some in (old, new))
    return ComparedFrame("door 10:00", before, after, image(0), judgements)


def at(box: Any, name: str = "package", confidence: float = 0.9) -> Detection:
    return detection(confidence, name).model_copy(update={"box": box})


def test_verdicts_say_whether_a_difference_is_better_or_worse() -> None:
    lost_confirmed = compared_frame([at(HERE)], [], Judgement("confirmed", "package", HERE))
    lost_rejected = compared_frame([at(HERE)], [], Judgement("false_positive", "package", HERE))
    gained_missed = compared_frame([], [at(HERE)], Judgement("missed", box=HERE))
    changed = compared_frame([at(HERE)], [at(HERE, "person")], Judgement("wrong_class", "package", HERE))
    elsewhere = compared_frame([at(HERE)], [], Judgement("confirmed", "package", THERE))
    effects = [frame.effect_of(frame.differing[0]) for frame in (lost_confirmed, lost_rejected, gained_missed, changed)]
    assert effects == ["worse", "better", "better", "better"]
    assert elsewhere.effect_of(elsewhere.differing[0]) == ""
    ordered = Comparison("a", "b", [elsewhere, gained_missed, lost_confirmed]).differing
    assert ordered == [lost_confirmed, gained_missed, elsewhere]


def test_the_table_counts_each_class() -> None:
    frames = [
        compared_frame([at(HERE), at(THERE, "person")], [at(HERE)]),
        compared_frame([at(HERE)], [at(HERE, "person"), at(THERE, "person")]),
    ]
    told = Comparison("a", "b", frames, asked=2).told()
    assert told["classes"] == {
        "package": {"both": 1, "lost": 0, "gained": 0, "changed": 1},
        "person": {"both": 0, "lost": 1, "gained": 1, "changed": 0},
    }
    assert told["changes"] == [{"from": "package", "to": "person", "count": 1}]


def test_a_classifiers_class_stays_or_changes() -> None:
    frames = [
        ComparedFrame("1", classified(0.9), classified(0.7)),
        ComparedFrame(
            "2", classified(0.9), classified(0.2, 0.8).model_copy(update={"classes": classified(0.1, 0.8).classes[1:]})
        ),
    ]
    compared = Comparison("a", "b", frames)
    assert {name: dict(counts) for name, counts in compared.by_class.items()} == {"cat": {"both": 1, "changed": 1}}


def test_the_picture_shows_frames_that_differ(tmp_path: Path) -> None:
    same = compared_frame([at(HERE)], [at(HERE)])
    assert draw(Comparison("a", "b", [same]), tmp_path / "none.jpg") is None
    assert not (tmp_path / "none.jpg").exists()
    different = compared_frame([at(HERE)], [at(THERE, "person")], Judgement("confirmed", "package", HERE))
    one = draw(Comparison("a", "b", [same, different]), tmp_path / "one.png")
    many = draw(Comparison("a", "b", [different] * 30), tmp_path / "many.png")
    assert one is not None
    assert many is not None
    one_px, many_px = (imaging.decode(path.read_bytes()).shape for path in (one, many))
    assert many_px[1] > 1.9 * one_px[1], "two columns"
    assert many_px[0] > 4 * one_px[0], "six rows of them"
    with pytest.raises(SettingsError, match="--out"):
        draw(Comparison("a", "b", [different]), tmp_path / "one.txt")


def test_of_each_difference_it_is_said_whether_people_judged_it() -> None:
    old = [at(HERE), at(THERE, "person")]
    false_positive, confirmed = (
        compared_frame(old, [], Judgement(kind, "package", HERE)) for kind in ("false_positive", "confirmed")
    )
    assert summary(false_positive) == "lost package 0.90 (people: better); lost person 0.90 (not judged)"
    assert summary(confirmed) == "lost package 0.90 (people: worse); lost person 0.90 (not judged)"
    assert summary(compared_frame(old, [])) == "lost package 0.90; lost person 0.90"
    renamed = compared_frame([at(HERE)], [at(HERE, "person")], Judgement("false_positive", "package", HERE))
    assert summary(renamed) == "package is now person 0.90 (people: better)"
    bare = compared_frame([at(HERE)], [at(HERE, "person")], Judgement("wrong_class", "box", HERE))
    assert summary(bare) == "package is now person 0.90 (people: no better, no worse)"


# The command


def test_on_images(gleaner: Gleaner, old: ModelConfig, new: ModelConfig, folder: Path) -> None:
    for seed in range(3):
        (folder / f"{seed}.jpg").write_bytes(image(seed))
    (folder / "bad.jpg").write_bytes(b"none")
    names = ["0.jpg", "1.jpg", "2.jpg", "bad.jpg", "nowhere.jpg"]
    told = as_json(gleaner("models", "compare", old.path, new.path, *names, "--confidence", CONFIDENCE, "--json"))
    assert (told["asked"], told["frames"], len(told["unread"])) == (5, 3, 2)
    assert told["picture"] == "compare.jpg"
    assert imaging.decode((folder / "compare.jpg").read_bytes()).shape[2] == 3
    result = gleaner("models", "compare", old.path, new.path, *names, "--confidence", CONFIDENCE, "--out", "c.png")
    assert result.exit_code == 0, result.output
    assert "compared on 3 of 5 images" in result.stdout
    assert "lost: only old" in result.stdout
    assert "do not count as evidence" in result.stdout


def test_on_judged_frames(
    gleaner: Gleaner, site: Site, old: ModelConfig, new: ModelConfig, sees: Callable[[bytes], Prediction]
) -> None:
    judge(site, sees(image(1)), site.frame(image=image(1)), "confirmed", detection_index=0)
    result = gleaner("models", "compare", old.path, new.path, "--confidence", CONFIDENCE)
    assert result.exit_code == 0, result.output
    assert "compared on 1 judged frame (1 from the log)" in result.stdout
    assert "Against the verdicts" in result.stdout
    assert "picture: compare.jpg" in result.stdout


def test_what_is_missing_is_said(gleaner: Gleaner, old: ModelConfig) -> None:
    result = gleaner("models", "compare", old.path)
    assert result.exit_code == 2
    assert "OLD and NEW" in result.stderr
    assert gleaner("models", "compare", old.path, "--shadow").exit_code == 2


def pair(site: Site, seed: int, shadow: list[Detection], versions: tuple[str, str] = ("1", "2")) -> None:
    """A frame's live prediction, then the shadow's."""
    live = prediction(0.9).model_copy(update={"frame": site.frame(image=image(seed))})
    site.send(new_prediction(live.model_copy(update={"model_version": versions[0]})))
    changes = {"role": "shadow", "model_id": "next", "model_version": versions[1], "detections": tuple(shadow)}
    site.send(new_prediction(live.model_copy(update=changes)))


def test_beside_a_shadow(gleaner: Gleaner, site: Site) -> None:
    site.prediction()  # nobody shadowed this one
    pair(site, 0, [], versions=("1", "before"))
    pair(site, 1, [detection(0.8)])
    pair(site, 2, [at(THERE, "person", 0.7)])
    told = as_json(gleaner("models", "compare", "--shadow", "--json"))
    assert (told["old"], told["new"], told["frames"]) == ("packages 1", "next 2", 2), "the versions that met last"
    assert told["classes"]["package"] == {"both": 1, "lost": 1, "gained": 0, "changed": 0}
    assert told["classes"]["person"]["gained"] == 1
    assert told["picture"] == "compare.jpg"
    stricter = as_json(gleaner("models", "compare", "--shadow", "--confidence", 0.85, "--json"))
    assert stricter["classes"] == {"package": {"both": 0, "lost": 2, "gained": 0, "changed": 0}}


def test_without_a_shadow_it_says_so(gleaner: Gleaner, site: Site) -> None:
    site.prediction()
    result = gleaner("models", "compare", "--shadow")
    assert result.exit_code == 0, result.output
    assert "`shadow: {path: next.onnx}`" in result.stdout


def test_of_many_pictures_only_those_of_the_sheet_stay_in_memory(
    old: ModelConfig, new: ModelConfig, folder: Path
) -> None:
    for seed in range(40):
        (folder / f"{seed:02d}.jpg").write_bytes(image(seed % 5))
    compared = on_pictures(old, new, sorted(folder.glob("*.jpg")))
    assert (len(compared.frames), len(compared.differing)) == (40, 40)
    assert [one.image is not None for one in compared.differing] == [True] * MOST_DRAWN + [False] * 28


def test_a_box_counts_from_the_products_threshold_on(old: ModelConfig) -> None:
    assert old.path is not None
    live = {"path": "live.onnx", "threshold": 0.7, "class_thresholds": {"cart": 0.1}, "lowest_confidence": 0.02}
    settings = Settings({"model": live})
    as_the_product = at_threshold(settings, old.path, None)
    assert (as_the_product.threshold, as_the_product.class_thresholds) == (0.7, {"cart": 0.1})
    assert at_threshold(settings, old.path, 0.01).class_thresholds == {}
    assert at_threshold(settings, old.path, 0.01).lowest_confidence == 0.01
    assert at_threshold(Settings({}), old.path, None).threshold == 0.5
    assert at_threshold(Settings({"model": "none"}), old.path, None).threshold == 0.5
