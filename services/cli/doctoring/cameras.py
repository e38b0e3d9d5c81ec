"""Cameras: does each answer, and with what?

Promises: each is opened for a few seconds, all at once, each alone; forty with three dead take no longer than one dead one.
"""

from collections.abc import Iterator

from services.cli.doctoring.finding import Finding, ok, warning, wrong
from services.cli.doctoring.ports import ours
from services.sources.config import CameraOptions, SourcesConfig
from shared.settings import Settings

LOOK_S = 2.0
LONGEST_WAIT_S = 10.0
"""Whatever a camera's own limits are: the page is to be read soon."""
TODO = "mend that camera or its line; `gleaner sources check` shows a picture of each"


def cameras(settings: Settings) -> Iterator[Finding]:
    asked = settings.read(SourcesConfig).sources.cameras
    if not asked:
        yield ok("cameras", "none in the settings: `gleaner sources add ADDRESS` tries one and writes its line")
        return
    from services.sources.cameras.probe import probe

    found = probe({name: _hurried(options) for name, options in asked.items()}, LOOK_S)
    # A device can be open once: where a gleaner runs here, it is that one which has it.
    taken = {one.source_id for one in found if one.fault == "busy"} if ours(settings) else set()
    answering = [one for one in found if one.fine or one.source_id in taken]
    said = f"{len(answering)} of {len(found)} answer" + (f", {len(taken)} of them to `gleaner run`" if taken else "")
    yield ok("cameras", said) if len(answering) == len(found) else warning("cameras", said, "the others follow")
    for one in found:
        if one not in answering:
            yield wrong(f"camera {one.source_id}", one.why or "gave no picture", TODO)


def _hurried(options: CameraOptions) -> CameraOptions:
    return options.model_copy(
        update={
            "open_timeout_s": min(options.open_timeout_s, LONGEST_WAIT_S),
            "read_timeout_s": min(options.read_timeout_s, LONGEST_WAIT_S),
        }
    )
