"""Which family is this file? Told from its inputs, outputs and metadata, or refused: a wrong guess is silent nonsense."""

from services.inference.config import ModelConfig
from services.inference.models import FAMILIES
from services.inference.models.family import Family, Signature
from shared.errors import SettingsError


def family_of(signature: Signature, config: ModelConfig) -> Family:
    """The family that the settings name, or the first that recognises the file. Raises SettingsError."""
    if config.family != "auto":
        return FAMILIES[config.family](signature, config)
    for family in FAMILIES.values():
        if family.recognises(signature):
            return family(signature, config)
    raise SettingsError(
        f"cannot tell which family {config.path} belongs to ({signature}; task: {signature.metadata.get('task', 'not said')}). "
        f"Known are: {', '.join(FAMILIES)}; set model.family if it is one of them. Other families are not read yet"
    )
