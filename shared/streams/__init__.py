"""WHAT flows: one stream, one file; a stream's name is written nowhere else.

    frames ─▶ predictions ─▶ samples ─▶ uploads
                  │    ▲ verdicts        tallies
    and <stream>.dlq beside those that are consumed

Everything in a stream is a fact that never changes. Consumers ignore fields that they do not know.
"""

from shared.streams.dead_letters import DLQ_SUFFIX, dead_letter_stream
from shared.streams.frames import FRAMES
from shared.streams.predictions import PREDICTIONS
from shared.streams.samples import SAMPLES
from shared.streams.stream import Stream
from shared.streams.tallies import TALLIES
from shared.streams.uploads import UPLOADS
from shared.streams.verdicts import VERDICTS

_MAIN = (FRAMES, PREDICTIONS, VERDICTS, SAMPLES, UPLOADS, TALLIES)

STREAMS: dict[str, Stream] = {stream.name: stream for stream in (*_MAIN, *map(dead_letter_stream, _MAIN))}
"""Every stream by name, dead-letter streams included."""

__all__ = ["DLQ_SUFFIX", "FRAMES", "PREDICTIONS", "SAMPLES", "STREAMS", "TALLIES", "UPLOADS", "VERDICTS", "Stream"]
