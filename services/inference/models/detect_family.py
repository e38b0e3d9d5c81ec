"""Which family is this file? Told from its inputs, outputs and metadata, or refused: a wrong guess is silent nonsense."""

from services.inference.config import ModelConfig
from services.inference.models import FAMILIES
from services.inference.models.family import Family, Signature
from shared.errors import SettingsError

OTHER_TASKS = {"segment": "segmentation", "pose": "key points", "obb": "turned boxes"}
"""What Ultralytics calls them, and what they are."""


def family_of(signature: Signature, config: ModelConfig) -> Family:
    """The family that the settings name, or the first that recognises the file. Raises SettingsError."""
    if config.family != "auto":
        return FAMILIES[config.family](signature, config)
    objections = {name: family.objection(signature) for name, family in FAMILIES.items()}
    for name, objection in objections.items():
        if objection is None:
            return FAMILIES[name](signature, config)
    task = signature.metadata.get("task", "")
    if task in OTHER_TASKS:
        raise SettingsError(
            f"model.path: {config.path} is made for {OTHER_TASKS[task]}; Gleaner reads detectors and classifiers: take one "
            f"and export it, `yolo export model=yolo11n.pt format=onnx` ({signature})"
        )
    why = "; ".join(f"not {name}: {objection}" for name, objection in objections.items())
    raise SettingsError(f"model.path: no family that Gleaner reads fits {config.path} ({signature}). {why}")
