"""The model families Gleaner reads: a new one is its file, its line here, and its builder in the contract test."""

from services.inference.models.classify import Classify
from services.inference.models.family import Family
from services.inference.models.ultralytics import Ultralytics

FAMILIES: dict[str, type[Family]] = {
    "ultralytics": Ultralytics,
    "classify": Classify,
}
