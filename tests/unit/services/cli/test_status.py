from shared.streams import UPLOADS, ids
from shared.streams.predictions import new_prediction
from shared.streams.record import NewRecord
from shared.streams.samples import new_sample
from shared.streams.uploads import Outcome, Receipt, new_receipt
from shared.streams.verdicts import Shown, Verdict, new_shown, new_verdict
from tests.hosts.samples import revision
from tests.unit.services.cli.conftest import Gleaner, Site, as_json
from tests.unit.services.uploader.making import neighbour


def receipt(site: Site, sample_id: str, outcome: Outcome = "accepted") -> None:
    told = Receipt(sample_id=sample_id, destination="dataset", outcome=outcome, delivered_at="2026-11-22T08:00:00Z")
    site.send(new_receipt(told, 0))


def commit(site: Site, group: str, stream: str, offset: int) -> None:
    consumer = site.log.consumer(group, [stream])
    while (stream, 0) not in consumer.assignment():
        consumer.poll(0.2, 1)
    consumer.commit({(stream, 0): offset})
    consumer.close()


def test_flow_and_lag(gleaner: Gleaner, site: Site) -> None:
    for _ in range(10):
        site.frame()
    commit(site, "inference", "frames", 4)
    told = as_json(gleaner("status", "--json", "--no-counts"))
    frames = told["flow"][0]
    assert (frames["stream"], frames["partitions"], frames["records"]) == ("frames", 1, 10)
    (lag,) = frames["lags"]
    assert (lag["group"], lag["records"], lag["expired_unread"]) == ("inference", 6, 0)
    assert 0 <= lag["seconds"] < 60
    assert [stream["stream"] for stream in told["flow"]] == [
        "frames",
        "predictions",
        "verdicts",
        "samples",
        "uploads",
        "tallies",
    ]


def test_a_group_that_never_committed_is_behind_by_everything(gleaner: Gleaner, site: Site) -> None:
    site.frame()
    assert as_json(gleaner("status", "--json"))["flow"][0]["lags"][0]["records"] == 1


def test_frames_are_counted_once_per_frame_and_by_source(gleaner: Gleaner, site: Site) -> None:
    for number in range(600):
        site.prediction("door", 0.9 if number % 3 else None)
    _, again = site.prediction("yard", 0.2)
    site.send(new_prediction(again))
    site.send(new_prediction(again.model_copy(update={"role": "shadow", "model_id": "next"})))
    frames = as_json(gleaner("status", "--json"))["frames"]
    assert (frames["frames"], frames["frames_without"], frames["repeated"]) == (601, 201, 1)
    assert frames["by_source"]["door"] == {"frames": 600, "frames_without": 200, "detections": {"package": 400}}
    assert frames["by_source"]["yard"]["frames"] == 1


def test_samples_by_reason_and_strategy(gleaner: Gleaner, site: Site) -> None:
    first = site.design(strategy="random")
    site.send(new_sample(first))
    site.design(strategy="close_to_threshold")
    site.design(missing="limit:global")
    told = as_json(gleaner("status", "--json"))["samples"]
    assert (told["designs"], told["kept"], told["missing"]) == (3, 2, {"limit:global": 1})
    assert told["kept_by_strategy"] == {"random": 1, "close_to_threshold": 1}


def test_verdicts_are_counted_once(gleaner: Gleaner, site: Site) -> None:
    id_, prediction = site.prediction()
    verdict = Verdict(
        verdict_id=ids.verdict_id("local", "1"),
        prediction_id=id_,
        prediction=prediction,
        kind="confirmed",
        caller="local",
        judged_at="2026-11-22T08:00:00Z",
    )
    site.send(new_verdict(verdict))
    site.send(new_verdict(verdict))
    assert as_json(gleaner("status", "--json"))["verdicts"] == {"confirmed": 1}


def test_exposures_are_counted_apart_from_verdicts(gleaner: Gleaner, site: Site) -> None:
    for name, held in (("a", True), ("b", False), ("b", False)):
        id_, prediction = site.prediction()
        site.send(
            new_shown(
                Shown(
                    exposure_id=name,
                    prediction_id=id_,
                    frame_id=prediction.frame.frame_id,
                    partition=0,
                    source_id=prediction.source_id,
                    model_id=prediction.model_id,
                    model_version=prediction.model_version,
                    visible_ms=2000,
                    caller="local",
                    objection_s=60,
                    held=held,
                    probability=0.5,
                    prediction=prediction if held else None,
                )
            )
        )
    told = as_json(gleaner("status", "--json"))
    assert (told["verdicts"], told["exposures"]) == ({}, {"held": 1, "not held": 1})
    assert "exposures" in gleaner("status").stdout


def test_the_ledger_balances_until_a_receipt_is_lost(gleaner: Gleaner, site: Site) -> None:
    delivered, lost, pending = site.design(), site.design(), site.design()
    site.design(missing="expired")
    receipt(site, delivered.sample_id)
    told = as_json(gleaner("status", "--json"))["ledger"]
    assert (told["accepted"], told["acknowledged"], told["pending"], told["missing"]) == (4, 1, 2, 1)
    assert told["balanced"] is True

    commit(site, "uploader", "samples", 2)
    told = as_json(gleaner("status", "--json"))["ledger"]
    assert told["breakers"] == [[lost.sample_id, "dataset", ""]]
    assert told["balanced"] is False
    said = gleaner("status").stdout
    assert "accepted 4 ≠ acknowledged 1 + pending 1" in said
    assert f"lost: sample {lost.sample_id}, design, to dataset" in said
    assert pending.sample_id not in said


def test_records_that_make_no_sense_are_counted(gleaner: Gleaner, site: Site) -> None:
    site.send(NewRecord(UPLOADS.name, b"x", b"{", 0))
    site.design()
    assert as_json(gleaner("status", "--json"))["invalid"] == {"uploads": 1}
    assert "records that make no sense" in gleaner("status").stdout


def test_names_from_outside_are_shown_and_not_obeyed(gleaner: Gleaner, site: Site) -> None:
    site.prediction("\x1b[2J[red]door/日本" + "x" * 10_000)
    result = gleaner("status")
    assert result.exit_code == 0
    assert "\x1b" not in result.output
    assert "[red]door/日本" in result.stdout


def test_it_works_while_a_consumer_is_a_member(gleaner: Gleaner, site: Site) -> None:
    consumer = site.log.consumer("inference", ["frames"])
    consumer.poll(0.1, 1)
    assert gleaner("status").exit_code == 0
    consumer.close()


def test_what_people_asked_for_is_counted_apart(gleaner: Gleaner, site: Site) -> None:
    """One corrected frame was drawn, one was not: the strategies' counts are those of the draw."""
    drawn = site.design(strategy="margin")
    right = revision(effect="replace", index=None, labels=())
    site.send(new_sample(right))
    site.send(new_sample(right))
    site.send(
        new_sample(
            revision(1, effect="replace", index=None, labels=()).model_copy(update={"sample_id": drawn.sample_id})
        )
    )
    told = as_json(gleaner("status", "--json"))
    assert (told["samples"]["designs"], told["samples"]["kept"]) == (1, 1)
    assert told["samples"]["kept_by_strategy"] == {"margin": 1}
    assert told["samples"]["revisions"] == {"replace": 2}
    assert (told["samples"]["neighbours"], told["samples"]["missing"]) == ({}, {})
    assert "replace 2" in gleaner("status").stdout


def test_neighbours_are_counted_apart(gleaner: Gleaner, site: Site) -> None:
    site.design(strategy="margin")
    assert "neighbours" not in gleaner("status").stdout
    site.send(new_sample(neighbour(1)))
    site.send(new_sample(neighbour(1)))
    site.send(new_sample(neighbour(2, missing="expired")))
    told = as_json(gleaner("status", "--json"))
    assert told["samples"]["neighbours"] == {"kept": 1, "expired": 1}
    assert (told["samples"]["kept"], told["samples"]["missing"]) == (1, {})
    assert told["samples"]["kept_by_strategy"] == {"margin": 1}
    assert (told["ledger"]["accepted"], told["ledger"]["missing"]) == (3, 1)
    assert "neighbours, kept beside them" in gleaner("status").stdout
