from services.sources.cameras.faults import CameraFault, Kind
from services.sources.cameras.report import Record
from services.sources.cameras.stream import Facts

FACTS = Facts(codec="h264", width_px=640, height_px=360, native_fps=25.0)
STILL = "the same picture for long"


def test_a_life_is_told_once_for_each_change() -> None:
    record = Record("door", "rtsp://door.example/a", 30.0)
    assert record.report().state == "connecting"
    assert record.fault(CameraFault("refused", "nothing listens")) == ["lost"]
    assert record.fault(CameraFault("refused", "nothing listens")) == []
    assert record.fault(CameraFault("no_answer", "no answer")) == ["lost"]
    assert record.picture(FACTS, None) == ["opened"]
    assert record.picture(FACTS, None) == []
    assert record.fault(CameraFault("hung", "hangs")) == ["hung"]
    assert record.picture(FACTS, None) == ["recovered"]
    assert record.picture(FACTS, STILL) == ["frozen"]
    assert record.picture(FACTS, STILL) == []
    assert record.report().state == "frozen"
    assert record.picture(FACTS, None) == ["moving"]
    assert record.ended() == ["ended"]


def test_counts() -> None:
    record = Record("door", "rtsp://door.example/a", 30.0)
    record.picture(FACTS, None)
    kinds: list[Kind] = ["hung", "hung", "silent", "lost"]
    for kind in kinds:
        record.fault(CameraFault(kind, "why"))
    assert (record.report().fault, record.report().why) == ("lost", "why")
    record.picture(FACTS, STILL)
    record.picture(FACTS, STILL)
    record.published()
    record.published()
    record.dropped()
    record.unpublishable("too large")
    record.tally.refuse("0x0")
    record.tally.saw(640, 360)
    record.tally.saw(360, 640)
    report = record.report()
    assert (report.hung, report.silent, report.reconnects, report.frozen) == (2, 1, 1, 1)
    assert (report.published, report.dropped, report.refused, report.resolution_changes) == (2, 1, 2, 1)
    assert (report.codec, report.width_px, report.native_fps) == ("h264", 640, 25.0)
    assert report.last_picture_age_s is not None
    assert record.picture(FACTS, STILL) == ["resized"]


def test_a_state_has_its_own_beginning() -> None:
    record = Record("door", "rtsp://door.example/a", 30.0)
    record.picture(FACTS, None)
    live_since_s = record.report().since_s
    record.picture(FACTS, None)
    assert record.report().since_s == live_since_s
    record.fault(CameraFault("lost", "gone"))
    assert record.report().since_s >= live_since_s
    assert record.report().state == "down"


def test_a_thread_that_says_nothing_is_seen() -> None:
    """A device's driver may hang where no time limit reaches it."""
    record = Record("door", "/dev/video0", silent_s=-5.0)
    record.picture(FACTS, None)
    report = record.report()
    assert (report.state, report.fault) == ("down", "silent")
