"""Golden messages: what stands in `messages/` is on somebody's disk already, so every version of the code must read it.

Promises under test: a golden decodes and encodes to the same JSON; unknown fields are ignored; anything else that is wrong
is InvalidMessage with the field's name; a message that was read can be written and read again.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidMessage
from shared.streams import DLQ_SUFFIX, STREAMS, Stream
from shared.streams.record import Record
from shared.streams.samples import BufferedImage, Design, Neighbour, Revision
from shared.streams.verdicts import Label, RejectReason, Shown, Silence, Verdict, VerdictKind

MESSAGES = Path(__file__).parent / "messages"
GOLDENS = sorted(MESSAGES.glob("*/v1/*.json"))
JSON_STREAMS = {name: s for name, s in STREAMS.items() if name != "frames" and not name.endswith(DLQ_SUFFIX)}

_FRAME = [f"frame.{name}" for name in ("stream", "partition", "offset", "time_ms", "frame_id", "sha256", "size")]
_PREDICTION = ["frame", *_FRAME, "source_id", "width_px", "height_px", "model_id", "model_version", "threshold"]
_BOX = ["box", "class_id", "class_name", "confidence"]
_VERDICT = ["verdict_id", "prediction_id", "prediction", "kind", "caller", "judged_at"]
_SILENCE = ["exposure_id", "deadline_ms", "weight", "p_correct", "p", "reject_rate", "audited_errors", "probability"]
_SHOWN = [
    "exposure_id",
    "prediction_id",
    "frame_id",
    "partition",
    "source_id",
    "model_id",
    "model_version",
    "visible_ms",
]
_SHOWN += ["caller", "objection_s", "probability", "kind"]
_SAMPLE = ["sample_id", "collection", "prediction_id", "prediction", "destinations", "settings_version", "kind"]
_IMAGE = [f"image.{name}" for name in ("key", "preview_key", "sidecar_key", "content_type", "sha256", "size")]
_REASON = [f"reasons.0.{name}" for name in ("strategy", "rule", "probability")]
REQUIRED = {
    "predictions/detections": [*_PREDICTION, *(f"detections.0.{name}" for name in _BOX)],
    "predictions/classifier": [
        *_PREDICTION,
        *(f"classes.0.{name}" for name in ("class_id", "class_name", "confidence")),
    ],
    "verdicts/rejected": [*_VERDICT, *(f"prediction.{name}" for name in _PREDICTION)],
    "verdicts/corrected-frame": [*_VERDICT, *(f"prediction.{name}" for name in _PREDICTION)],
    "verdicts/affirmed": [
        *_VERDICT,
        *(f"prediction.{name}" for name in _PREDICTION),
        *(f"silence.{name}" for name in _SILENCE),
    ],
    "verdicts/shown-held": [*_SHOWN, *(f"prediction.{name}" for name in _PREDICTION)],
    "verdicts/shown": _SHOWN,
    "samples/design-kept": [
        *_SAMPLE,
        *_IMAGE,
        *_REASON,
        *("reasons", "probabilities", "probability", "salt_fingerprint"),
    ],
    "samples/design-gated": [
        *_SAMPLE,
        *_IMAGE,
        *_REASON,
        *("reasons", "probabilities", "probability", "salt_fingerprint", "near_duplicate.distance"),
    ],
    "samples/neighbour": [*_SAMPLE, *_IMAGE, "of", "after_ms"],
    "samples/revision": [*_SAMPLE, *_IMAGE, "verdict", "effect", *(f"verdict.{name}" for name in _VERDICT)],
    "uploads/accepted": ["sample_id", "destination", "outcome", "delivered_at"],
    "tallies/open-block": [
        *("partition", "block", "up_to"),
        *(f"counts.0.{name}" for name in ("source_id", "model_id", "model_version", "minute_ms")),
    ],
}
"""What a message cannot do without, in words of its golden; the rest has a default that no reader may lose."""

PROBABILITIES = [
    ("predictions/detections", "threshold"),
    ("predictions/detections", "detections.0.confidence"),
    ("predictions/detections", "class_thresholds.person"),
    ("predictions/detections", "detections.0.box.2"),
    ("predictions/keypoints", "detections.0.keypoints.0.2"),
    ("predictions/classifier", "classes.0.confidence"),
    ("samples/design-kept", "probability"),
    ("samples/design-kept", "probabilities.random"),
    ("samples/design-kept", "reasons.0.probability"),
    ("samples/design-by-budget", "probabilities.uncertain"),
    ("samples/revision", "verdict.prediction.detections.0.confidence"),
    ("verdicts/corrected-detection", "label.box.0"),
    ("verdicts/affirmed", "silence.weight"),
    ("verdicts/shown", "probability"),
]


def story(path: Path) -> str:
    return f"{path.parents[1].name}/{path.stem}"


def golden(name: str) -> Any:
    stream, _, stem = name.partition("/")
    return json.loads((MESSAGES / stream / "v1" / f"{stem}.json").read_text(encoding="utf-8"))


def decode(stream: str | Stream, value: bytes | None) -> Any:
    of = STREAMS[stream] if isinstance(stream, str) else stream
    return of.decode(Record(of.name, 3, 88, 1_700_000_000_456, b"key", value))


def decode_story(name: str, body: Any) -> Any:
    return decode(name.partition("/")[0], json.dumps(body).encode())


def inside(body: Any, path: str) -> tuple[Any, Any]:
    """(the container, the key in it) at a dotted path."""
    *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    for part in way:
        body = body[part]
    return body, last


def paths(body: Any, before: str = "") -> Iterator[str]:
    """Every key of every object in it, as a dotted path."""
    entries = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for key, inner in entries:
        if isinstance(body, dict):
            yield f"{before}{key}"
        yield from paths(inner, f"{before}{key}.")


def test_every_json_stream_has_a_golden_and_every_golden_a_stream() -> None:
    assert {path.parents[1].name for path in GOLDENS} == set(JSON_STREAMS)


@pytest.mark.parametrize("path", GOLDENS, ids=story)
def test_a_golden_decodes_and_encodes_to_the_same_json(path: Path) -> None:
    """Other programs leave out what has a default; what they did say comes back as they said it."""
    body = json.loads(path.read_text(encoding="utf-8"))
    message = decode_story(story(path), body)
    again = json.loads(message.to_bytes())
    foreign = path.stem.startswith("from-")
    assert {name: again[name] for name in body} == body
    assert foreign or again.keys() == body.keys()
    assert decode_story(story(path), again) == message


def test_what_is_weak_says_so_and_what_is_not_says_nothing() -> None:
    body = golden("predictions/detections")
    assert [one.get("weak") for one in body["detections"]] == [None, None, True]
    body["detections"][0]["weak"] = False
    message = decode_story("predictions/detections", body)
    assert [one.weak for one in message.detections] == [False, False, True]
    assert json.loads(message.to_bytes()) == golden("predictions/detections")


def test_what_a_sample_has_nothing_to_say_of_is_not_said() -> None:
    """Samples of yesterday and of today are the same bytes where nothing new was asked for."""
    new = {"epoch_ms", "scores", "weights", "gate", "near_duplicate", "phash", "signature", "tags", "floor"}
    of_image = {"width_px", "height_px", "altered"}
    design = decode_story("samples/design-kept", golden("samples/design-kept"))
    told = json.loads(design.to_bytes())
    assert not told.keys() & new
    assert not told["image"].keys() & of_image
    assert (design.scores, design.weights, design.tags, design.image.altered) == ({}, {}, (), ())


def test_a_neighbour_is_no_design() -> None:
    """Nobody drew it: it has no reasons and no probability that an estimator could take for one."""
    neighbour = decode_story("samples/neighbour", golden("samples/neighbour"))
    assert (neighbour.kind, neighbour.of, neighbour.after_ms) == (
        "neighbour",
        golden("samples/design-kept")["sample_id"],
        -500,
    )
    assert not {"reasons", "probabilities", "probability"} & json.loads(neighbour.to_bytes()).keys()
    assert neighbour.revision == ""


def test_the_streams_page_names_every_field_of_a_sample() -> None:
    _, _, rest = (Path(__file__).parents[2] / "docs" / "streams.md").read_text(encoding="utf-8").partition("## Samples")
    section, _, _ = rest.partition("\n## ")
    fields = {name for kind in (Design, Revision, Neighbour) for name in kind.model_fields} - {"version"}
    assert [name for name in sorted(fields) if f"`{name}`" not in section.replace(": true`", "`")] == []
    of_image = set(BufferedImage.model_fields) - {"key", "preview_key", "sidecar_key", "content_type", "sha256", "size"}
    assert [name for name in sorted(of_image) if f"`image.{name}`" not in section] == []


def test_the_streams_page_names_every_field_of_a_verdict() -> None:
    page = (Path(__file__).parents[2] / "docs" / "streams.md").read_text(encoding="utf-8")
    section, _, _ = page.partition("## Verdicts")[2].partition("\n## ")
    models = (Verdict, Label, Shown, Silence)
    names = {name for model in models for name in model.model_fields}
    fields = {*names, *get_args(VerdictKind), *get_args(RejectReason)} - {"version"}
    assert [name for name in sorted(fields) if f"`{name}`" not in section] == []


def test_a_verdict_of_before_there_were_corrections_says_nothing_of_them() -> None:
    for name in ("confirmed", "missed", "rejected"):
        message = decode_story(f"verdicts/{name}", golden(f"verdicts/{name}"))
        assert (message.label, message.labels) == (None, None)
        assert not {"label", "labels"} & json.loads(message.to_bytes()).keys()


def test_whether_the_product_shows_a_box_is_read_from_the_thresholds_alone() -> None:
    """Whoever predicts may forget the mark, or mean something else by it."""
    body = golden("predictions/detections")
    for one in body["detections"]:
        one["weak"] = not one.get("weak", False)
    message = decode_story("predictions/detections", body)
    assert [one.confidence for one in message.above_threshold()] == [0.55, 0.42]


@pytest.mark.parametrize("path", GOLDENS, ids=story)
def test_fields_of_tomorrow_are_ignored_at_every_depth(path: Path) -> None:
    body = json.loads(path.read_text(encoding="utf-8"))
    today = decode_story(story(path), body)
    objects = [body] + [
        value for container, key in (inside(body, at) for at in paths(body)) if (value := container[key])
    ]
    for one in objects:
        # A mapping of names to numbers has no fields: a new key in it is a new name, not a new field.
        if isinstance(one, dict) and any(not isinstance(value, int | float) for value in one.values()):
            one["of_tomorrow"] = {"anything": [1, None]}
    assert "of_tomorrow" in body
    if story(path).startswith("tallies"):
        del body["seen"]["of_tomorrow"]  # `seen` maps model ids, so that would be a model
    assert decode_story(story(path), body) == today


@pytest.mark.parametrize("path", GOLDENS, ids=story)
@pytest.mark.parametrize("version", [0, 2, 99, "two", None])
def test_an_unknown_version_is_refused(path: Path, version: object) -> None:
    body = {**json.loads(path.read_text(encoding="utf-8")), "version": version}
    with pytest.raises(InvalidMessage, match="version"):
        decode_story(story(path), body)


@pytest.mark.parametrize(("name", "path"), [(name, path) for name, required in REQUIRED.items() for path in required])
def test_a_missing_field_is_named(name: str, path: str) -> None:
    body = golden(name)
    container, key = inside(body, path)
    del container[key]
    with pytest.raises(InvalidMessage, match=rf"[. ']{key}(:|')") as refused:
        decode_story(name, body)
    assert f"{name.partition('/')[0]}/3@88" in str(refused.value), "expected the message to say where the record lies"


@pytest.mark.parametrize("name", REQUIRED)
def test_what_is_not_required_may_be_left_out(name: str) -> None:
    required = {*REQUIRED[name], *(f"verdict.prediction.{path}" for path in _PREDICTION)}
    required |= {f"prediction.{path}" for path in (*_PREDICTION, *(f"detections.0.{one}" for one in _BOX))}
    for path in paths(golden(name)):
        body = golden(name)
        container, key = inside(body, path)
        # A list's other members and a verdict's inner reasons have rules of their own, tested by name above and below.
        if (
            path in required
            or any(part.isdigit() for part in path.split("."))
            or path.endswith(("reason", "detections", "labels"))
            or path in ("silence", "held", "prediction")
        ):
            continue
        del container[key]
        assert decode_story(name, body) is not None, path


@pytest.mark.parametrize(("name", "path"), PROBABILITIES)
@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_what_is_no_number_is_no_probability_and_no_place(name: str, path: str, number: str) -> None:
    body = golden(name)
    container, key = inside(body, path)
    container[key] = "@"
    text = json.dumps(body).replace('"@"', number)
    with pytest.raises(InvalidMessage, match=str(key)):
        decode(name.partition("/")[0], text.encode())


@pytest.mark.parametrize(("name", "path"), [pair for pair in PROBABILITIES if "box" not in pair[1]])
@pytest.mark.parametrize("number", [-0.01, 1.01, "high", None])
def test_a_probability_lies_between_0_and_1(name: str, path: str, number: object) -> None:
    body = golden(name)
    container, key = inside(body, path)
    container[key] = number
    with pytest.raises(InvalidMessage):
        decode_story(name, body)


@pytest.mark.parametrize(
    ("name", "path", "value", "says"),
    [
        ("predictions/detections", "detections.0.box", [5, 0, 4, 9], "left <= right"),
        ("predictions/detections", "detections.0.box", [0, 0, 4], "box"),
        ("predictions/keypoints", "detections.0.keypoints.0", [118.25, 64.5], "keypoints"),
        ("predictions/keypoints", "detections.0.keypoints.1.0", None, "keypoints"),
        ("predictions/detections", "width_px", 0, "width_px"),
        ("predictions/detections", "frame.sha256", "no hash", "sha256"),
        ("predictions/detections", "frame.offset", -1, "offset"),
        ("predictions/detections", "role", "understudy", "role"),
        ("verdicts/rejected", "reason", None, "needs a reason"),
        ("verdicts/confirmed", "reason", "bad_box", "needs a reason"),
        ("verdicts/rejected", "detection_index", 2, "detection_index 2 of 2"),
        ("verdicts/rejected", "kind", "loved", "kind"),
        ("verdicts/rejected", "note", "x" * 2001, "note"),
        ("verdicts/rejected", "label", {"class_name": "cat"}, "of a corrected verdict and no other.*got label"),
        ("verdicts/missed", "labels", [], "of a corrected verdict and no other.*got labels"),
        ("verdicts/corrected-detection", "label", None, "a label with detection_index.*got neither"),
        ("verdicts/corrected-detection", "labels", [], "got label and labels"),
        ("verdicts/corrected-detection", "detection_index", None, "the labels of the whole frame; got label"),
        ("verdicts/corrected-frame", "detection_index", 0, "got labels"),
        ("verdicts/corrected-detection", "label", {}, "a class_name, a box, or both; got neither"),
        ("verdicts/corrected-detection", "label.class_name", "", "at least 1 character"),
        ("verdicts/corrected-detection", "label.class_name", " cat", "without spaces"),
        ("verdicts/corrected-detection", "label.class_name", "c" * 201, "at most 200"),
        ("verdicts/corrected-detection", "label.box", [5, 0, 5, 9], "left < right"),
        ("verdicts/corrected-detection", "label.box.2", 1e7, "less than or equal to 1000000"),
        ("verdicts/corrected-frame", "labels.0.box", None, "a box and a class_name in each label"),
        ("verdicts/corrected-frame", "labels.1.class_name", None, "a box and a class_name in each label"),
        ("verdicts/corrected-frame", "prediction.task", "classify", "at most one label of a classifier's frame"),
        ("samples/design-kept", "kind", "wish", "kind"),
        ("samples/design-by-budget", "scores.uncertain", "high", "scores"),
        ("samples/design-by-budget", "weights", [0.5], "weights"),
        ("samples/design-by-budget", "image.width_px", "wide", "width_px"),
        ("samples/design-gated", "near_duplicate.distance", 65, "distance"),
        ("samples/design-gated", "near_duplicate.distance", -1, "distance"),
        ("samples/neighbour", "after_ms", 0.5, "after_ms"),
        ("samples/revision", "outcome_dependent", False, "outcome_dependent"),
        ("uploads/accepted", "outcome", "perhaps", "outcome"),
        ("tallies/open-block", "seen.packages.below", -1, "below"),
    ],
)
def test_what_cannot_be_meant_is_refused(name: str, path: str, value: object, says: str) -> None:
    body = golden(name)
    container, key = inside(body, path)
    container[key] = value
    with pytest.raises(InvalidMessage, match=says):
        decode_story(name, body)


def test_the_reason_for_a_refusal_is_short_whatever_was_sent() -> None:
    with pytest.raises(InvalidMessage) as refused:
        decode("uploads", json.dumps({"sample_id": ["x" * 100_000]}).encode())
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    "value", [None, b"", b"null", b"[]", b"7", b"\xff\xfe", b"{" * 5000, b'{"version": ' + b"9" * 6000 + b"}"]
)
@pytest.mark.parametrize("stream", JSON_STREAMS)
def test_garbage_is_refused_by_every_stream(stream: str, value: bytes | None) -> None:
    with pytest.raises(InvalidMessage):
        decode(stream, value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(
    stream=st.sampled_from(sorted(STREAMS)), value=st.none() | st.binary() | JSON.map(lambda x: json.dumps(x).encode())
)
def test_decode_raises_nothing_but_invalid_message(stream: str, value: bytes | None) -> None:
    try:
        decode(stream, value)
    except InvalidMessage:
        return


@given(data=st.data(), path=st.sampled_from(GOLDENS), value=JSON)
def test_what_was_read_can_be_written_and_read_again(data: st.DataObject, path: Path, value: object) -> None:
    """One field of a golden is replaced by anything; whoever accepts that must be able to pass it on."""
    body = json.loads(path.read_text(encoding="utf-8"))
    container, key = inside(body, data.draw(st.sampled_from(list(paths(body)))))
    container[key] = value
    try:
        message = decode_story(story(path), body)
    except InvalidMessage:
        return
    again = decode(path.parents[1].name, message.to_bytes())
    assert again.to_bytes() == message.to_bytes()


POISON = [
    ("timings_ms.decode", float("nan")),
    ("frame.partition", 4),
    ("frame.partition", 10**30),
    ("frame.offset", 2**63),
    ("frame.time_ms", 10**30),
    ("frame.stream", "verdicts"),
]
"""Anyone may write predictions. These were seen to stop or block a sampler: it can neither read such a place nor pass it on."""


@pytest.mark.parametrize(("path", "value"), POISON)
def test_a_prediction_that_no_reader_could_serve_is_invalid_and_no_crash(path: str, value: object) -> None:
    body = golden("predictions/detections")
    container, key = inside(body, path)
    container[key] = value
    with pytest.raises(InvalidMessage):
        decode_story("predictions/detections", body)
