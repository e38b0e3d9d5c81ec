"""A camera's line goes into the settings file, and nothing else changes."""

import os
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from services.cli.cameras.line import Line, new_line
from services.cli.cameras.settings_file import inserted, read_with, write
from shared.errors import SettingsError
from shared.settings import load

BACK = Line("back", "rtsp://back.example/live")
AS_YAML = "back: 'rtsp://back.example/live'"

PLACES = {
    "an empty file": ("", f"sources:\n  {AS_YAML}\n"),
    "no sources yet": ("site: north\n", f"site: north\n\nsources:\n  {AS_YAML}\n"),
    "no line end": ("site: north", f"site: north\n\nsources:\n  {AS_YAML}\n"),
    "comments alone": ("# mine\n", f"# mine\n\nsources:\n  {AS_YAML}\n"),
    "a section of comments": (
        "sources:\n  # a: b\n  # c: d\nsite: north\n",
        f"sources:\n  # a: b\n  # c: d\n  {AS_YAML}\nsite: north\n",
    ),
    "an empty section": ("sources:\nsite: north\n", f"sources:\n  {AS_YAML}\nsite: north\n"),
    "an empty section at the end": ("sources:", f"sources:\n  {AS_YAML}\n"),
    "a remark behind it": ("sources: # mine\n", f"sources: # mine\n  {AS_YAML}\n"),
    "one line": ("sources:\n  a: b.mp4\nsite: x\n", f"sources:\n  a: b.mp4\n  {AS_YAML}\nsite: x\n"),
    "wider indents, remarks and gaps": (
        "sources:\n    a: b.mp4  # the belt\n\n    # c: d.mp4\n\n\n# the rest\nsite: x\n",
        f"sources:\n    a: b.mp4  # the belt\n    {AS_YAML}\n\n    # c: d.mp4\n\n\n# the rest\nsite: x\n",
    ),
    "a section as the last entry": (
        "sources:\n  a:\n    url: b.mp4\n    fps: 2 # slow\n# end\n",
        f"sources:\n  a:\n    url: b.mp4\n    fps: 2 # slow\n  {AS_YAML}\n# end\n",
    ),
    "defaults alone": (
        "sources:\n  defaults: {fps: 2}  # all\n  # a: b\n",
        f"sources:\n  defaults: {{fps: 2}}  # all\n  {AS_YAML}\n  # a: b\n",
    ),
    "a section in braces over lines": (
        "sources:\n  a: {url: b.mp4,\n      fps: 2}\nsite: x\n",
        f"sources:\n  a: {{url: b.mp4,\n      fps: 2}}\n  {AS_YAML}\nsite: x\n",
    ),
    "all in braces": ("sources: {a: b.mp4}\nsite: x\n", f"sources: {{a: b.mp4, {AS_YAML}}}\nsite: x\n"),
    "empty braces": ("sources: {}  # none\n", f"sources: {{{AS_YAML}}}  # none\n"),
    "line ends of Windows": (
        "site: x\r\nsources:\r\n  a: b.mp4\r\n# end\r\n",
        f"site: x\r\nsources:\r\n  a: b.mp4\r\n  {AS_YAML}\r\n# end\r\n",
    ),
    "a quoted address": ("sources:\n  a: 'b.mp4'\n", f"sources:\n  a: 'b.mp4'\n  {AS_YAML}\n"),
    "letters from everywhere": ("site: 北\nsources:\n  ä: b.mp4\n", f"site: 北\nsources:\n  ä: b.mp4\n  {AS_YAML}\n"),
    "an alias as the last entry": (
        "sources:\n  a: &a {url: b.mp4}\n  c: *a\nsite: x\n",
        f"sources:\n  a: &a {{url: b.mp4}}\n  c: *a\n  {AS_YAML}\nsite: x\n",
    ),
    "text over lines": (
        "sources:\n  a: >-\n    b.mp4\nsite: x\n",
        f"sources:\n  a: >-\n    b.mp4\n  {AS_YAML}\nsite: x\n",
    ),
    "text over lines at the end": ("sources:\n  a: |-\n    b.mp4", f"sources:\n  a: |-\n    b.mp4\n  {AS_YAML}\n"),
}


@pytest.mark.parametrize(("before", "after"), PLACES.values(), ids=PLACES.keys())
def test_the_line_stands_below_the_last_entry(tmp_path: Path, before: str, after: str) -> None:
    file = tmp_path / "gleaner.yaml"
    file.write_bytes(before.encode())
    write(file, BACK)
    assert file.read_bytes().decode() == after
    assert load(file).values["sources"]["back"] == BACK.value
    assert [path.name for path in tmp_path.iterdir()] == ["gleaner.yaml"]


ENTRIES = st.dictionaries(
    st.sampled_from("abcdefg"), st.sampled_from(["a.mp4", "'b.mp4'", "{url: c.mp4, fps: 2}"]), min_size=1
)
GAPS = st.lists(st.sampled_from(["", "# remark", "  # remark", "      # remark"]), max_size=2)


@given(ENTRIES, st.integers(1, 6), st.lists(GAPS, min_size=9, max_size=9), st.booleans())
def test_any_block_keeps_every_line_and_its_order(
    entries: dict[str, str], indent: int, gaps: list[list[str]], more: bool
) -> None:
    lines = ["site: x", "sources:"]
    for (name, value), gap in zip(entries.items(), gaps, strict=False):
        lines += [*gap, f"{' ' * indent}{name}: {value}"]
    text = "\n".join([*lines, *gaps[-1], *(["prefix: p"] if more else [])]) + "\n"
    after = inserted(text, BACK)
    new_lines = after.splitlines()
    new_lines.remove(" " * indent + AS_YAML)
    assert new_lines == text.splitlines()
    told = yaml.safe_load(after)
    assert told.pop("sources") == {**yaml.safe_load(text)["sources"], "back": BACK.value}
    assert list(yaml.safe_load(after)["sources"]) == [*entries, "back"]


REFUSED = {
    "a list": "sources: [a]\n",
    "a text": "sources: a\n",
    "an explicit nothing": "sources: null\n",
    "a comma before the brace": "sources: {a: b.mp4,}\n",
    "a document's end": "site: x\n...\n",
    "braces around it all": "{site: x}\n",
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_where_the_place_is_not_clear_nothing_is_written(tmp_path: Path, text: str) -> None:
    file = tmp_path / "gleaner.yaml"
    file.write_text(text)
    with pytest.raises(SettingsError):
        write(file, BACK)
    assert file.read_text() == text
    assert [path.name for path in tmp_path.iterdir()] == ["gleaner.yaml"]


def test_the_line_to_paste_is_told(tmp_path: Path) -> None:
    (tmp_path / "gleaner.yaml").write_text("sources: null\n")
    with pytest.raises(SettingsError, match=r"Below `sources:` belongs: back: 'rtsp://back.example/live'"):
        write(tmp_path / "gleaner.yaml", BACK)


def test_a_taken_name_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "gleaner.yaml"
    file.write_text("sources:\n  back: a.mp4\n")
    with pytest.raises(SettingsError, match="there is a source 'back' already"):
        write(file, BACK)


def test_a_file_that_is_not_there_is_made(tmp_path: Path) -> None:
    write(tmp_path / "gleaner.yaml", BACK)
    assert (tmp_path / "gleaner.yaml").read_text() == f"sources:\n  {AS_YAML}\n"


def test_mode_and_link_stay(tmp_path: Path) -> None:
    real = tmp_path / "etc" / "real.yaml"
    real.parent.mkdir()
    real.write_text("site: x\n")
    real.chmod(0o640)
    link = tmp_path / "gleaner.yaml"
    link.symlink_to(real)
    write(link, BACK)
    assert link.is_symlink()
    assert AS_YAML in real.read_text()
    assert real.stat().st_mode & 0o7777 == 0o640


def test_a_variable_that_is_not_set_here_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("A_PASSWORD", raising=False)
    file = tmp_path / "gleaner.yaml"
    file.write_text(
        "sources:\n  defaults: {fps: 3}\n  a: {url: 'rtsp://a.example/', user: u, password: '${A_PASSWORD}'}\n"
    )
    line = new_line("rtsp://viewer:word@back.example/", "back")
    options = read_with(file, line)
    assert (options.fps, options.user) == (3, "viewer")
    assert options.password is not None
    assert options.password.get_secret_value() == "word"
    write(file, line)
    assert "word@" not in file.read_text()
    assert "BACK_PASSWORD" not in os.environ


def test_reading_with_a_line_writes_nothing(tmp_path: Path) -> None:
    read_with(tmp_path / "gleaner.yaml", BACK)
    assert list(tmp_path.iterdir()) == []


def test_a_camera_that_cannot_work_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"sources\.back"):
        write(tmp_path / "gleaner.yaml", Line("back", {"url": "a.mp4", "fps": 1000}))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"cannot write into .*nowhere"):
        write(tmp_path / "nowhere" / "gleaner.yaml", BACK)


def test_what_is_wrong_names_the_file_that_people_know(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nope\.password") as refused:
        write(
            tmp_path / "gleaner.yaml", Line("back", {"url": "rtsp://back.example/", "password_file": "nope.password"})
        )
    assert str(tmp_path / "gleaner.yaml") in str(refused.value)
    assert ".tmp" not in str(refused.value)
