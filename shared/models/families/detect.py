"""Which family is this file? Told from its inputs, outputs and metadata, or refused: a wrong guess is silent nonsense."""

from shared.errors import SettingsError
from shared.models.config import ModelConfig
from shared.models.families import FAMILIES
from shared.models.families.family import Family, Signature
from shared.models.sidecar import Sidecar


def family_of(signature: Signature, said: Sidecar, config: ModelConfig) -> Family:
    """The family that sidecar or settings name, or the first that recognises the file. Raises SettingsError."""
    if said.family not in (None, "auto"):
        return FAMILIES[said.family](signature, said, config.lowest_confidence)
    for family in FAMILIES.values():
        if family.objection(signature) is None:
            return family(signature, said, config.lowest_confidence)
    raise SettingsError(
        f"model.path: cannot tell how to read {config.path} ({signature}). Say it in a sidecar beside it, "
        f"`family: …` in {config.path.stem if config.path else ''}.gleaner.yaml; "
        f"`gleaner models inspect {config.path}` says why it is none of the {len(FAMILIES)} families"
    )
