from shared.errors import InvalidImage
from shared.streams import VERDICTS
from shared.streams.dead_letters import new_dead_letter
from shared.streams.frames import new_frame
from shared.streams.record import NewRecord, Record
from tests.unit.services.cli.conftest import Gleaner, Site, as_json


def die(site: Site, record: Record, why: str = "truncated image/jpeg") -> Record:
    letter = new_dead_letter(record, InvalidImage(why), service="inference", instance="1", stage="TASK_PUT")
    return site.send(letter)


def dead_frame(site: Site, image: bytes = b"\xff\xd8 half") -> tuple[Record, Record]:
    """A frame and its dead letter."""
    record = site.send(new_frame("door", image, producer_frame_id="7", frame_index=7))
    return record, die(site, record)


def test_none(gleaner: Gleaner, site: Site) -> None:
    assert gleaner("dead-letters").stdout == "No dead letters.\n"
    assert as_json(gleaner("dead-letters", "list", "--json")) == []


def test_list_says_where_from_and_why(gleaner: Gleaner, site: Site) -> None:
    dead_frame(site)
    die(site, site.send(NewRecord(VERDICTS.name, b"k", b"{", 0)), "no Verdict at verdicts/0@0")
    said = gleaner("dead-letters").stdout
    for text in ("frames.dlq/0@0", "frames/0@0", "InvalidImage", "truncated image/jpeg", "verdicts.dlq/0@0"):
        assert text in said
    (only,) = as_json(gleaner("dead-letters", "list", "--stream", "verdicts", "--json"))
    assert only["original"] == "verdicts/0@0"


def test_the_newest_come_first_and_are_limited(gleaner: Gleaner, site: Site) -> None:
    for _ in range(5):
        dead_frame(site)
    told = as_json(gleaner("dead-letters", "--limit", 2, "--json"))
    assert [letter["where"] for letter in told] == ["frames.dlq/0@4", "frames.dlq/0@3"]


def test_show(gleaner: Gleaner, site: Site) -> None:
    dead_frame(site)
    told = as_json(gleaner("dead-letters", "show", "frames", 0, 0, "--json"))
    assert told["headers"]["__connect.errors.exception.message"] == "truncated image/jpeg"
    assert told["headers"]["producer_frame_id"] == "7"
    assert '"offset": 0' in told["value"]
    said = gleaner("dead-letters", "show", "frames.dlq", 0, 0).stdout
    assert "producer_frame_id" in said
    assert "key: door" in said


def test_a_frame_goes_back_whole_by_its_reference(gleaner: Gleaner, site: Site) -> None:
    record, _ = dead_frame(site)
    assert as_json(gleaner("dead-letters", "redrive", "frames", 0, 0, "--json"))["offset"] == 1
    again = site.log.reader().read("frames", 0, 1)
    assert (again.key, again.value, again.headers) == (record.key, record.value, record.headers)


def test_another_record_goes_back_with_its_own_headers(gleaner: Gleaner, site: Site) -> None:
    record = site.send(NewRecord(VERDICTS.name, b"k", b"{", 0, (("traceparent", b"00-ab"),)))
    die(site, record)
    assert "published again as verdicts/0@1" in gleaner("dead-letters", "redrive", "verdicts", 0, 0).stdout
    again = site.log.reader().read("verdicts", 0, 1)
    assert (again.key, again.value, again.headers) == (b"k", b"{", (("traceparent", b"00-ab"),))


def test_a_frame_that_is_another_one_now_is_not_redriven(gleaner: Gleaner, site: Site) -> None:
    record, letter = dead_frame(site)
    moved = (letter.value or b"").replace(b'"size": 7', b'"size": 8')
    assert moved != letter.value
    site.send(NewRecord("frames.dlq", record.key, moved, 0, letter.headers))
    result = gleaner("dead-letters", "redrive", "frames", 0, 1)
    assert (result.exit_code, site.log.bounds("frames")[0].end) == (2, 1)
    assert "another frame lies at frames/0@0 now" in result.stderr


def test_a_frame_that_is_gone_says_so(gleaner: Gleaner, site: Site) -> None:
    record, letter = dead_frame(site)
    gone = (letter.value or b"").replace(b'"offset": 0', b'"offset": 99')
    site.send(NewRecord("frames.dlq", record.key, gone, 0, letter.headers))
    result = gleaner("dead-letters", "redrive", "frames", 0, 1)
    assert result.exit_code == 2
    assert "the frame is gone: frames keeps its records for 6 h" in result.stderr


def test_foreign_dead_letters_are_shown_and_refused(gleaner: Gleaner, site: Site) -> None:
    for value in (None, b"", b"garbage \x1b[2J", b"[]", b'{"partition": -1, "offset": 0, "time_ms": 0, "size": 0}'):
        offset = site.send(NewRecord("frames.dlq", None, value, 0, (("x", b"\xff\x1b"),))).offset
        assert gleaner("dead-letters", "show", "frames", 0, offset).exit_code == 0
        result = gleaner("dead-letters", "redrive", "frames", 0, offset)
        assert result.exit_code == 2
        assert "holds no reference to a frame" in result.stderr
        assert "\x1b" not in gleaner("dead-letters").output


def test_wrong_places_are_refused_with_a_sentence(gleaner: Gleaner, site: Site) -> None:
    for arguments, said in (
        (("show", "frmaes", 0, 0), "did you mean 'frames'?"),
        (("show", "frames", 7, 0), "there is no partition 7"),
        (("show", "frames", 0, 7), "nothing was ever written"),
        (("list", "--stream", "nothing-like-it"), "no stream is called"),
    ):
        result = gleaner("dead-letters", *arguments)
        assert result.exit_code == 2
        assert said in result.stderr
