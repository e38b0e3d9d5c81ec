import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cli.output import printable, show_json, show_table


@given(st.text())
def test_whatever_comes_is_one_printable_line(text: str) -> None:
    assert printable(text).isprintable()
    assert len(printable(text)) <= 200


def test_escape_sequences_are_shown_and_not_obeyed() -> None:
    assert printable("\x1b[31mred\x07\nnext") == r"\x1b[31mred\x07 next"


def test_long_text_is_cut_in_the_middle() -> None:
    assert printable("a" * 300 + "b" * 300, 20) == "aaaaaaaaa … bbbbbbbbb"


def test_a_table_shows_markup_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    show_table("Sources", ("source", "frames"), [("[red]door[/]", 1234), ("\x1b[2J", 5)])
    told = capsys.readouterr().out
    assert "[red]door[/]" in told
    assert "1,234" in told
    assert "\x1b" not in told


def test_a_wide_table_fits_a_narrow_terminal_and_breaks_no_name_of_a_column(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    columns = ("source", "state", "for", "published", "dropped", "unusable", "reopened", "hung", "silent", "frozen")
    show_table("Cameras", columns, [("front-door-of-the-long-yard", "live", "43 s", 43_000, 0, 0, 0, 0, 0, 0)])
    lines = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out).splitlines()
    assert tuple(lines[2].split()) == columns
    assert max(map(len, lines)) <= 80


@given(st.text())
def test_json_is_ascii_and_comes_back(text: str) -> None:
    assert json.loads(json.dumps(text)) == text


def test_json_escapes_what_a_terminal_obeys(capsys: pytest.CaptureFixture[str]) -> None:
    show_json({"source": "\x9b2J é"})
    assert capsys.readouterr().out == '{\n  "source": "\\u009b2J \\u00e9"\n}\n'
