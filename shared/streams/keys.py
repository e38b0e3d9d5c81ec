"""Where a sample's memo and images lie: keys of the state store and paths of the image buffer.

Promises: whatever people named (collections, sources, strategies) is escaped or hashed, so that every key is short,
printable ASCII and a safe path. All state keys of a collection share the hash tag `{collection}`.
"""

import re
from datetime import UTC, datetime

from shared.streams import ids
from shared.streams.samples import BufferedImage
from shared.streams.stream import DAY_S

HELD = "held/"
"""Under it lie images of predictions that wait for an objection (or for none), by the day after which they may go."""
HELD_GRACE_S = 2 * DAY_S
"""How long after its deadline a held image stays: so late may an affirmation be read and still find it."""
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,47}")
EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}


def safe(name: str) -> str:
    """The name itself where it is safe everywhere, else a readable beginning and a hash of the whole."""
    if _SAFE.fullmatch(name):
        return name
    readable = re.sub(r"[^A-Za-z0-9]+", "-", name[:32]).strip("-")
    return f"{readable or 'x'}-{ids.make_id('name', name)[:12]}"


def memo_key(collection: str, sample_id: str) -> str:
    return f"dec:{{{safe(collection)}}}:{sample_id}"


def kept_key(collection: str, sample_id: str) -> str:
    """Of a sample that a verdict alone has kept: where its image is, so that a later verdict finds it."""
    return f"kept:{{{safe(collection)}}}:{sample_id}"


def confirmed_key(collection: str, sample_id: str) -> str:
    """Of a frame that was confirmed before it was drawn: the verdicts that its sample finds, if there will be one."""
    return f"conf:{{{safe(collection)}}}:{sample_id}"


def held_key(collection: str, sample_id: str) -> str:
    """Of a prediction that is held: where its image is (a BufferedImage), for when the frame has gone."""
    return f"held:{{{safe(collection)}}}:{sample_id}"


def silence_lease_key(collection: str) -> str:
    """Which feedback settles deadlines now."""
    return f"lease:{{{safe(collection)}}}:silence"


def verdict_key(collection: str, verdict_id: str) -> str:
    return f"ver:{{{safe(collection)}}}:{verdict_id}"


def limit_key(collection: str, rule: str, window: str) -> str:
    return f"lim:{{{safe(collection)}}}:{safe(rule)}:{window}"


def ring_key(collection: str, source_id: str) -> str:
    """The hashes of what a source had kept last."""
    return f"ring:{{{safe(collection)}}}:{safe(source_id)}"


def sharpness_key(collection: str, source_id: str) -> str:
    """How sharp a source's drawn frames were of late."""
    return f"sharp:{{{safe(collection)}}}:{safe(source_id)}"


def plan_key(collection: str, hour: str) -> str:
    """The plans of the epochs that begin in an hour of log time."""
    return f"plan:{{{safe(collection)}}}:{hour}"


def totals_key(collection: str) -> str:
    """What was met, drawn and passed so far, in all."""
    return f"h:{{{safe(collection)}}}"


def plan_state_key(collection: str) -> str:
    """Up to which epoch plans were made, and from what."""
    return f"plan-state:{{{safe(collection)}}}"


def factors_key(collection: str, hour: str) -> str:
    """How much each source's frames weigh on the floor in an hour of log time."""
    return f"factors:{{{safe(collection)}}}:{hour}"


def known_key(collection: str) -> str:
    """The hashes of images that a team has already."""
    return f"known:{{{safe(collection)}}}"


def want_key(collection: str, source_id: str) -> str:
    """Frames of a source that are still to come, and are wanted as context of one that was kept."""
    return f"want:{{{safe(collection)}}}:{safe(source_id)}"


def buffered_image(
    collection: str, sample_id: str, *, time_ms: int, content_type: str, sha256: str, size: int
) -> BufferedImage:
    """The same sample gives the same keys, so that writing it twice is writing it once."""
    day = day_of(time_ms)
    path = f"{safe(collection)}/{day}/{sample_id}"
    return BufferedImage(
        key=f"samples/{path}.{EXTENSIONS.get(content_type, 'bin')}",
        preview_key=f"previews/{path}.jpg",
        sidecar_key=f"samples/{path}.json",
        content_type=content_type,
        sha256=sha256,
        size=size,
    )


def held_image(at: BufferedImage, collection: str, sample_id: str, deadline_ms: int) -> BufferedImage:
    """Where it waits for the deadline, of an image whose place as a sample would be `at`. No preview is made of it yet."""
    extension = EXTENSIONS.get(at.content_type, "bin")
    path = _held_path(collection, sample_id, deadline_ms)
    places = {"key": f"{path}.{extension}", "preview_key": f"{path}.{extension}"}
    return at.model_copy(update={**places, "sidecar_key": held_sidecar(collection, sample_id, deadline_ms)})


def held_sidecar(collection: str, sample_id: str, deadline_ms: int) -> str:
    """Where a held image is described, for whoever knows the deadline alone."""
    return f"{_held_path(collection, sample_id, deadline_ms)}.json"


def held_until(key: str) -> str:
    """The last day on which a held image may be asked for."""
    return key.removeprefix(HELD).partition("/")[0]


def day_of(time_ms: int) -> str:
    """In UTC; a later day is a greater text."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).date().isoformat()


def _held_path(collection: str, sample_id: str, deadline_ms: int) -> str:
    return f"{HELD}{day_of(deadline_ms + HELD_GRACE_S * 1000)}/{safe(collection)}/{sample_id}"
