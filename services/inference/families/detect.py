"""Which family is this file? Told from its inputs, outputs and metadata, or refused: a wrong guess is silent nonsense."""

from services.inference.config import ModelConfig
from services.inference.families import FAMILIES
from services.inference.families.family import Family, Signature
from services.inference.sidecar import Sidecar
from shared.errors import SettingsError


def family_of(signature: Signature, said: Sidecar, config: ModelConfig) -> Family:
    """The family that sidecar or settings name, or the first that recognises the file. Raises SettingsError."""
    if said.family not in (None, "auto"):
        return FAMILIES[said.family](signature, said, config.lowest_confidence)
    objections = {name: family.objection(signature) for name, family in FAMILIES.items()}
    for name, objection in objections.items():
        if objection is None:
            return FAMILIES[name](signature, said, config.lowest_confidence)
    why = "; ".join(f"not {name}: {(objection or '')[:300]}" for name, objection in objections.items())
    raise SettingsError(
        f"model.path: cannot tell how to read {config.path} ({signature}). Say it in a sidecar beside it, "
        f"`family: …` in {config.path.stem if config.path else ''}.gleaner.yaml. Looked for: {why}"
    )
