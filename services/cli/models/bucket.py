"""The models in the bucket, for the commands that look at it or change it: open it, and which model is meant."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from services.cli.context import has_data
from shared.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from shared.models.config import ModelConfig
    from shared.ports import Images
    from shared.settings import Settings


@contextmanager
def bucket_of(settings: "Settings", *, looks_only: bool = False) -> "Iterator[Images]":
    """The image buffer, where models lie too. `looks_only`: refuse where there is nothing yet. Raises SettingsError."""
    from shared.bootstrap import open_images
    from shared.telemetry import logs

    logs.configure("gleaner", "WARNING")
    if looks_only:
        _need_data(settings)
    with open_images(settings) as images:
        yield images


def _need_data(settings: "Settings") -> None:
    """A command that only looks makes no data folder."""
    if not has_data(settings):
        raise SettingsError(
            "no data yet, so no model was pushed; is this the right folder, or should --settings name a file?"
        )


def readers(settings: "Settings") -> "Mapping[str, tuple[str, ...]]":
    """Which group reads what, with the shadow of these settings."""
    from shared.streams.groups import reads

    shadow = shadow_model(settings)
    return reads([] if shadow is None else [shadow.model_id])


def live_model(settings: "Settings") -> "ModelConfig | None":
    """The settings' own; None for `model: none`, and where they name none."""
    from services.inference.config import InferenceConfig

    return settings.read(InferenceConfig).model if "model" in settings.values else None


def shadow_model(settings: "Settings") -> "ModelConfig | None":
    from services.inference.config import ShadowsConfig

    return settings.read(ShadowsConfig).shadow


def live_release(settings: "Settings", model_id: str, folder: "Path") -> "Path":
    """The graph of what was released under that id, with its files in the folder. Raises SettingsError, Unavailable."""
    from services.inference.models.releases import Releases
    from shared.bootstrap import open_images

    _need_data(settings)
    with open_images(settings) as images:
        releases = Releases(images, model_id)
        live = releases.live()
        if live is None:
            raise SettingsError(
                f"nothing was pushed as {model_id} yet: `gleaner models push best.onnx --id {model_id}`, "
                "or name a file (`--model best.onnx`)"
            )
        return releases.fetch(live.version, folder)


def named(settings: "Settings", id_: str | None, there: "list[str]") -> str:
    """The model that is meant: by name, else the settings' own, else the only one there is. Raises SettingsError."""
    live = live_model(settings)
    own = live.model_id if live is not None and (live.path is None or live.id) else None
    wanted = id_ or own or (there[0] if len(there) == 1 else None)
    if wanted in there:
        return str(wanted)
    known = f"; pushed were: {', '.join(there)}" if there else "; none was pushed yet"
    raise SettingsError(f"which model? Expected the id of one that was pushed, got {wanted or 'none'}{known}")
