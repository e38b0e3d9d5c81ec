"""The models as `gleaner status` shows them: who runs which version, and who refuses a newer one or waits."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from services.cli import output
from services.cli.models.bucket import bucket_of
from shared.errors import GleanerError

if TYPE_CHECKING:
    from services.inference.models.running import RunningModel
    from shared.settings import Settings


@dataclass(frozen=True, slots=True)
class Overview:
    """Who runs what, by model; `why` where the bucket does not say."""

    running: "dict[str, list[RunningModel]]" = field(default_factory=dict)
    why: str = ""

    def told(self) -> "dict[str, Any] | None":
        """As JSON has it; None where nobody could be asked."""
        if self.why:
            return None
        return {
            model_id: [{**one.model_dump(), "stale": one.stale} for one in each]
            for model_id, each in self.running.items()
        }

    def show(self) -> None:
        from services.cli.models.listing import show_running

        if self.why:
            output.note(f"models: {self.why}")
        for model_id, each in self.running.items():
            show_running(model_id, each)


def overview(settings: "Settings") -> Overview:
    """Never fails: the rest of the status is worth seeing without it."""
    from services.inference.models.releases import model_ids
    from services.inference.models.running import running

    try:
        with bucket_of(settings, looks_only=True) as images:
            found = {model_id: list(running(images, model_id)) for model_id in model_ids(images)}
    except GleanerError as why:
        return Overview(why=str(why))
    return Overview({model_id: each for model_id, each in found.items() if each})
