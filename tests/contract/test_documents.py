"""Documents that speak of the code are held to it: the settings page, the streams page, the delivery page, the decisions."""

import re
import sys
from pathlib import Path
from typing import Any, get_args

import pytest
import typer

from services.__main__ import app
from services.cli import settings_page
from services.uploader.destinations import DestinationOptions, offered
from shared.runtime import worker
from shared.streams import DLQ_SUFFIX, STREAMS, Stream

DOCS = Path(__file__).parents[2] / "docs"
DAY_S = 86_400
DECISIONS = sorted((DOCS / "decisions").glob("*.md"))


def text(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def test_the_settings_page_is_what_the_models_say() -> None:
    assert text("settings.md") == settings_page.page(), "run: python -m services.cli.settings_page"


def commands() -> dict[str, Any]:
    """Of the command line, by name; those in groups too, as `models push`."""
    top: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    inner = {f"{group} {name}": one for group in top for name, one in getattr(top[group], "commands", {}).items()}
    return {**top, **inner}


def test_the_command_line_page_has_every_command() -> None:
    page = text("cli.md")
    for name in commands():
        assert f"## {name}:" in page or f"`{name}" in page or f"gleaner {name}" in page, name


def test_the_command_line_page_has_every_option_of_the_models() -> None:
    _, _, rest = text("cli.md").partition("## models:")
    section, _, _ = rest.partition("\n## ")
    for name, command in commands().items():
        if name.startswith("models "):
            row = " ".join(line for line in section.splitlines() if line.startswith(f"| `{name}"))
            options = {option for parameter in command.params for option in parameter.opts if option.startswith("--")}
            assert set(re.findall(r"--[a-z-]+", row)) == options - {"--json", "--help"}, name


def kept(stream: Stream) -> str:
    """How long, in the words of the page."""
    if stream.compacted:
        return "the last of each key, for ever"
    if stream.retention_s is None:
        return "for ever"
    days, rest = divmod(stream.retention_s, DAY_S)
    length = f"{days} days" if not rest else f"{stream.retention_s // 3600} hours"
    return (
        length if stream.retention_bytes is None else f"{length} or {stream.retention_bytes // 2**30} GiB a partition"
    )


def row(stream: Stream) -> str:
    cells = [f"`{stream.name}`", stream.about, stream.key, ", ".join(stream.written_by), ", ".join(stream.read_by)]
    return " | ".join([*cells, kept(stream), "before it counts" if stream.fsync else "by the system, in time"])


@pytest.mark.parametrize("name", [name for name in STREAMS if not name.endswith(DLQ_SUFFIX)])
def test_the_streams_page_has_each_stream_as_it_is(name: str) -> None:
    assert f"| {row(STREAMS[name])} |" in text("streams.md").splitlines()


def test_the_streams_page_says_how_long_dead_letters_are_kept() -> None:
    letters = [stream for name, stream in STREAMS.items() if name.endswith(DLQ_SUFFIX)]
    assert {kept(stream) for stream in letters} == {"90 days"}
    assert "90 days" in text("streams.md")


def test_the_delivery_page_has_the_workers_steps_in_the_workers_order() -> None:
    in_code = re.findall(r"^  (\d) (\w+)", worker.__doc__ or "", re.MULTILINE)
    in_page = re.findall(r"^(\d)\. \*\*(\w+)\*\*", text("delivery.md"), re.MULTILINE)
    assert in_page == in_code
    assert len(in_page) == 6
    for number, step in in_page:
        assert f"| {number} {step} |" in text("delivery.md"), f"expected what happens when step {number} fails"


@pytest.mark.parametrize("options", offered(), ids=lambda options: options.__name__)
def test_the_delivery_page_is_honest_about_every_destination(options: type[DestinationOptions]) -> None:
    (host,) = (
        one for one in vars(sys.modules[options.__module__]).values() if "can_be_asked" in getattr(one, "__dict__", {})
    )
    (kind,) = get_args(options.model_fields["type"].annotation)
    asked, deduplicates = ("yes" if can else "no" for can in (host.can_be_asked, host.deduplicates))
    assert f"\n| `{kind}` | {asked} | {deduplicates} |" in text("delivery.md")


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_is_numbered_short_and_complete(path: Path) -> None:
    page = path.read_text(encoding="utf-8")
    assert page.startswith(f"# {path.name[:4]} · ")
    assert all(f"**{part}.**" in page for part in ("Context", "Decision", "Consequences"))
    assert len(page.splitlines()) <= 25


def test_decisions_are_numbered_without_gaps() -> None:
    assert [path.name[:4] for path in DECISIONS] == [f"{number:04}" for number in range(1, len(DECISIONS) + 1)]


def test_links_between_documents_lead_somewhere() -> None:
    root = DOCS.parent
    for page in [*root.glob("*.md"), *DOCS.rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.relative_to(root)} links to {target}"
