"""Which family is this file? Told from its inputs, outputs and metadata, or refused: a wrong guess is silent nonsense."""

from services.inference.config import ModelConfig
from services.inference.models import FAMILIES
from services.inference.models.family import Family, Signature
from shared.errors import SettingsError


def family_of(signature: Signature, config: ModelConfig) -> Family:
    """The family that the settings name, or the first that recognises the file. Raises SettingsError."""
    if config.family != "auto":
        return FAMILIES[config.family](signature, config)
    objections = {name: family.objection(signature) for name, family in FAMILIES.items()}
    for name, objection in objections.items():
        if objection is None:
            return FAMILIES[name](signature, config)
    why = "; ".join(f"not {name}: {objection}" for name, objection in objections.items())
    raise SettingsError(f"model.path: no family that Gleaner reads fits {config.path} ({signature}). {why}")
