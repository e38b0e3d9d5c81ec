"""WHAT WE NEED of the world, as protocols: log, state, images, objects, clock. No I/O here.

An adapter can be written, and judged, from these pages alone; `tests/contract` holds the same promises as tests.
"""

from shared.ports.clock import Clock
from shared.ports.images import ImageInfo, Images
from shared.ports.log import Bounds, Consumer, Listener, Log, Producer, Reader
from shared.ports.objects import Objects
from shared.ports.state import Charge, Decided, Near, State, Undecided

__all__ = [
    "Bounds",
    "Charge",
    "Clock",
    "Consumer",
    "Decided",
    "ImageInfo",
    "Images",
    "Listener",
    "Log",
    "Near",
    "Objects",
    "Producer",
    "Reader",
    "State",
    "Undecided",
]
