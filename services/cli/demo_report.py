"""What the demo found of what it did not know: yellow packs by strategy."""

from typing import TYPE_CHECKING

from rich.table import Table

from services.cli.kept import Kept, strategies_of
from shared.streams.samples import Revision

if TYPE_CHECKING:
    from deploy.demo.clip import ClipFrame

UNKNOWN = "yellow"


def table(found: Kept, truth: "dict[str, ClipFrame]", seen: dict[str, str]) -> Table:
    """One row per strategy: frames it kept, those that show a yellow pack, and how many different packs those are."""
    packs = {one.name for frame in truth.values() for one in frame.visible(UNKNOWN)}
    rows = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("found by", "kept", "with a yellow pack", f"different yellow packs (of {len(packs)})"):
        rows.add_column(title, justify="left" if title == "found by" else "right")
    by_strategy = packs_by_strategy(found, truth, seen)
    for name, shown in by_strategy.items():
        frames = [one for one in shown if one]
        rows.add_row(name, str(len(shown)), str(len(frames)), str(len(set().union(*frames))))
    everything = set().union(*(one for shown in by_strategy.values() for one in shown))
    rows.add_row("[bold]all together[/]", str(len(found.with_image)), "", f"[bold]{len(everything)}[/]")
    return rows


def packs_by_strategy(found: Kept, truth: "dict[str, ClipFrame]", seen: dict[str, str]) -> dict[str, list[set[str]]]:
    """Strategy → for each kept sample, the yellow packs it shows. `people`: every sample that a verdict speaks of."""
    by_strategy: dict[str, list[set[str]]] = {}
    for sample_id in found.with_image:
        records = found.samples[sample_id]
        shown = _packs(truth.get(seen.get(records[0].prediction.frame.frame_id, "")))
        judged = {"people"} if any(isinstance(one, Revision) and one.effect != "verify" for one in records) else set()
        for name in {*strategies_of(records), *judged}:
            by_strategy.setdefault(name, []).append(shown)
    return dict(sorted(by_strategy.items()))


def _packs(frame: "ClipFrame | None") -> set[str]:
    return set() if frame is None else {one.name for one in frame.visible(UNKNOWN)}
