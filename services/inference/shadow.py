"""`python -m services.inference.shadow`: the model under `shadow` on the frames of the live one. Feeds comparisons alone.

Promises: it reads in a group of its own, so the live model neither waits for it nor notices when it fails.
"""

from services.inference.config import InferenceConfig, ShadowsConfig
from services.inference.opening import prepared
from shared.bootstrap import as_process, load_from_environment, open_backend, run
from shared.errors import SettingsError
from shared.settings import Settings


def shadow_of(settings: Settings) -> InferenceConfig | None:
    """The shadow's part of the settings; None where they name no shadow. Raises SettingsError."""
    own = settings.read(ShadowsConfig)
    if own.shadow is None:
        return None
    live = settings.read(InferenceConfig).model if "model" in settings.values else None
    if live is not None and live.model_id == own.shadow.model_id:
        raise SettingsError(
            f"shadow.id: expected an id of its own, got {own.shadow.model_id!r}, which is the live model's: "
            "predictions are told apart by it"
        )
    return InferenceConfig(model=own.shadow, inference=own.inference)


def main() -> None:
    settings = load_from_environment()
    config = shadow_of(settings)
    if config is None:
        raise SettingsError("the settings name no shadow: write its file or id below `shadow:`")
    with open_backend(settings) as backend:
        run(prepared(config)(backend), backend)


if __name__ == "__main__":
    as_process(main)
