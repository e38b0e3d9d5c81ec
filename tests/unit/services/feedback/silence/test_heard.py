"""What is remembered of the streams is of these streams, also when the log did not answer at once."""

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from services.feedback.silence.heard import Heard
from shared.errors import RecordGone, Unavailable
from tests.unit.services.feedback.conftest import Site
from tests.unit.services.feedback.silence.telling import said, shown

FAR_MS = 10**15


def never() -> bool:
    return False


def test_a_log_that_does_not_answer_at_first_is_compared_all_the_same(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.send(shown(2, "of the stream that was"))
    with closing(Heard(tmp_path / "heard.db", site.log, "default")) as before:
        assert before.catch_up(never)
        old = before.due(FAR_MS, 9)
    assert len(old) == 1
    (tmp_path / "anew").mkdir()
    anew = Site(tmp_path / "anew")
    anew.send(shown(4, "of the one that is"))
    reader_of, away = anew.log.reader, [True]

    def reader() -> Any:
        opened = reader_of()
        read = opened.read

        def at_first_away(*where: Any) -> Any:
            if away:
                away.clear()
                raise Unavailable("log", "nobody answers")
            return read(*where)

        monkeypatch.setattr(opened, "read", at_first_away)
        return opened

    monkeypatch.setattr(anew.log, "reader", reader)
    with closing(anew), closing(Heard(tmp_path / "heard.db", anew.log, "default")) as heard:
        with pytest.raises(Unavailable):
            heard.catch_up(never)
        assert heard.catch_up(never)
        (due,) = heard.due(FAR_MS, 9)
        assert heard.shown(due).exposure_id == "of the one that is"
        assert due.key != old[0].key


def test_another_record_is_never_taken_for_the_exposure_that_was_read(site: Site, tmp_path: Path) -> None:
    """The streams were made anew while nobody looked, and are as long again."""
    (tmp_path / "anew").mkdir()
    anew = Site(tmp_path / "anew")
    site.send(shown(2, "of the stream that was"))
    anew.send(said(4, "confirmed", "v"))
    with closing(anew), closing(Heard(tmp_path / "heard.db", site.log, "default")) as heard:
        assert heard.catch_up(never)
        heard._log, heard._reader = anew.log, None
        assert heard.catch_up(never)
        (due,) = heard.due(FAR_MS, 9)
        with pytest.raises(RecordGone):
            heard.shown(due)
        assert heard.catch_up(never)
        assert heard.due(FAR_MS, 9) == []
