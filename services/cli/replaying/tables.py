"""Tables of a replay: is the past reproduced, and what would the new settings keep. At most 80 columns."""

from collections.abc import Mapping
from datetime import UTC, datetime

from services.cli import output
from services.cli.replaying.report import Counted, Range, Report, spread
from services.sampler.replay.checking import Checked

MOST_ROWS, MOST_EXAMPLES, MOST_DIFFERENCES = 12, 5, 10
_CELL = 34


def show(report: Report) -> None:
    replayed = report.replayed
    frames, covered = replayed.old.frames, replayed.covered
    output.say(f"{frames:,} predictions, {_moment(covered.start_ms)} to {_moment(covered.end_ms)} UTC")
    _show_checked(report.old, replayed.checked, same=report.new is None)
    output.say()
    _show_counts(report)
    _show_examples(report)


def reproduced(checked: Checked) -> str:
    """`212 of 212 decisions reproduced`."""
    return f"{checked.reproduced:,} of {checked.decisions:,} decisions reproduced"


def _show_checked(old: Counted, checked: Checked, *, same: bool) -> None:
    what = "the same settings" if same else f"settings in force ({old.version})"
    output.say(f"{what}: {reproduced(checked)}{_beside(checked)}")
    for one in checked.differences[:MOST_DIFFERENCES]:
        output.say(f"  {one.frame_id[:12]} in {one.collection}: {one.what}; {one.why}")
    more = len(checked.differences) - MOST_DIFFERENCES
    if more > 0:
        output.say(f"  … and {more:,} more (--json lists all)")


def _beside(checked: Checked) -> str:
    parts = [
        (checked.gated, "taken by a gate"),
        (checked.refused, "refused by a limit"),
        (checked.undecided, "not decided yet"),
    ]
    said = [f"{count:,} {what}" for count, what in parts if count]
    return f" ({', '.join(said)})" if said else ""


def _show_counts(report: Report) -> None:
    sides = [report.old] + ([report.new] if report.new else [])
    titles = ["old", "new"][: len(sides)]
    output.show_table(f"kept in {_span(report.days)}", ["", *titles], _rows(report, sides))
    for title, name in (("by strategy", "by_strategy"), ("by class", "by_class"), ("by source", "by_source")):
        output.show_table(title, ["", *titles], _ranges([getattr(side, name) for side in sides]))


def _rows(report: Report, sides: list[Counted]) -> list[list[str]]:
    rows = [
        ["samples kept", *(str(side.kept) for side in sides)],
        ["  a day", *(_per_day(side) for side in sides)],
        ["  bytes", *(_size(side.bytes) for side in sides)],
    ]
    for reason in sorted({reason for side in sides for reason in side.not_kept}):
        rows.append([f"drawn, not kept: {_said(reason)}", *(f"{side.not_kept.get(reason, 0):,}" for side in sides)])
    if report.changed is not None:
        changed = report.changed
        rows += [["kept by both", f"{changed.both:,}", f"{changed.both:,}"]]
        rows += [["lost / gained", f"{len(changed.lost):,}", f"{len(changed.gained):,}"]]
    return rows


def _ranges(sides: list[Mapping[str, Range]]) -> list[list[str]]:
    names = list(dict.fromkeys(name for side in reversed(sides) for name in side))
    rows = [
        [output.printable(name, _CELL), *(str(side.get(name, Range())) for side in sides)] for name in names[:MOST_ROWS]
    ]
    return rows + ([[f"… and {len(names) - MOST_ROWS:,} more", *("" for _ in sides)]] if len(names) > MOST_ROWS else [])


def _show_examples(report: Report) -> None:
    if report.changed is None:
        return
    for title, drawn in (("gained", report.changed.gained), ("lost", report.changed.lost)):
        for one in spread(drawn, MOST_EXAMPLES):
            why = "; ".join(one.rules.values())
            output.say(f"{title}: {_moment(one.time_ms)} {one.source_id}: {why} (frame {one.frame_id[:12]})")


def _per_day(side: Counted) -> str:
    return "-" if side.per_day is None else f"{side.per_day:,.1f}"


def _said(reason: str) -> str:
    kind, _, name = reason.partition(":")
    return f"limit {name}" if kind == "limit" else kind.replace("_", " ")


def _size(size: int) -> str:
    for unit, many in (("GB", 10**9), ("MB", 10**6), ("KB", 10**3)):
        if size >= many:
            return f"{size / many:,.1f} {unit}"
    return f"{size} B"


def _span(days: float) -> str:
    if days >= 2:
        return f"{days:.1f} days"
    hours = days * 24
    if hours >= 2:
        return f"{hours:.1f} hours"
    minutes = hours * 60
    return f"{minutes:.1f} minutes" if minutes >= 2 else f"{minutes * 60:.0f} seconds"


def _moment(time_ms: int) -> str:
    return f"{datetime.fromtimestamp(time_ms / 1000, UTC):%Y-%m-%d %H:%M:%S}"
