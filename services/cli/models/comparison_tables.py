"""A comparison as tables and sentences."""

from services.cli import output
from services.cli.models.comparison import Comparison

_CLASSES_SHOWN = 30


def show(compared: Comparison) -> None:
    output.say(f"old: {compared.old}; new: {compared.new}")
    _frames(compared)
    if compared.frames:
        _classes(compared)
        _verdicts(compared)
    for note in compared.notes:
        output.say(f"note: {note}")


def _frames(compared: Comparison) -> None:
    """How many could be compared, from where, and why the rest could not."""
    where = ", ".join(f"{number:,} from the {place}" for place, number in compared.places.items())
    differ = f"; they differ on {len(compared.differing):,}" if compared.frames else ""
    read = f"{len(compared.frames):,} of {compared.asked:,}" if compared.unread else f"{len(compared.frames):,}"
    what = compared.what.removesuffix("s") if read == "1" else compared.what
    output.say(f"compared on {read} {what}{f' ({where})' if where else ''}{differ}")
    for why, number in compared.unread.items():
        output.say(f"! {number:,} left out: {why}")


def _classes(compared: Comparison) -> None:
    rows = [
        (name, counts["both"], counts["lost"], counts["gained"], counts["changed"])
        for name, counts in list(compared.by_class.items())[:_CLASSES_SHOWN]
    ]
    if not rows:
        output.say("neither version shows anything in them at this threshold")
        return
    columns = ("class", "both", "lost: only old", "gained: only new", "another class now")
    output.show_table("Found", columns, rows)
    if left := len(compared.by_class) - len(rows):
        output.say(f"and {left} classes more: --json has them all")
    for (old, new), number in compared.changes.most_common(_CLASSES_SHOWN):
        output.say(f"class changed: {old} → {new}, {number:,}")


def _verdicts(compared: Comparison) -> None:
    rows = [(one.what, one.judged, one.old_right, one.new_right, one.better, one.worse) for one in compared.by_verdict]
    if not rows:
        return
    columns = ("what people said", "judged", "old is right", "new is right", "better", "worse")
    output.show_table("Against the verdicts", columns, rows)
