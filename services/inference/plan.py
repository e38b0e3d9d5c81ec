"""How the work on a model is laid out on this machine: lanes, batches, and threads that decode beside them.

Promises: what the settings say counts; what they leave open follows from the execution provider and the cores.
"""

from dataclasses import dataclass, field

from services.inference.config import InferenceOptions, cores
from shared.models.engine import Engine, found
from shared.telemetry import logs

MOST_LANES = 8
GPU_LANES, GPU_BATCH = 2, 32


@dataclass(frozen=True, slots=True)
class Plan:
    """How the work is laid out. `decode_threads` 0: each lane decodes its own frames."""

    engine: Engine = field(default_factory=Engine)
    lanes: int = 1
    batch_size: int = 1
    decode_threads: int = 0
    max_wait_s: float = 0.0

    @staticmethod
    def of(options: InferenceOptions) -> "Plan":
        """What the settings leave open follows from the provider and the cores. Raises SettingsError."""
        kind = found(options.provider)
        usual = _of_a_gpu() if kind in ("cuda", "tensorrt") else _of_a_cpu()
        lanes = options.lanes or usual.lanes
        threads = options.threads_per_lane or max(1, cores() // lanes)
        return Plan(
            Engine(kind, threads, may_fall_back=options.provider == "auto" and kind != "cpu"),
            lanes,
            options.batch_size or usual.batch_size,
            options.decode_threads or usual.decode_threads,
            options.max_wait_ms / 1000,
        )

    @property
    def in_work(self) -> int:
        """Frames that keep every lane busy, those behind the running ones included."""
        return 2 * self.lanes * self.batch_size

    def say(self) -> None:
        """What was got, once, for whoever reads the log."""
        logs.get().info(
            "inference.engine",
            provider=self.engine.kind,
            lanes=self.lanes,
            threads=self.engine.threads,
            batch_size=self.batch_size,
            decode_threads=self.decode_threads,
            max_wait_ms=round(1000 * self.max_wait_s, 1),
            cores=cores(),
        )


def _of_a_cpu() -> Plan:
    """A lane per core: decoding and suppression of one hide behind the model of another. Batches gain nothing (docs)."""
    return Plan(lanes=min(MOST_LANES, cores()))


def _of_a_gpu() -> Plan:
    """Two lanes, so that one copies while the other computes, and every core but two decodes (docs/performance.md)."""
    return Plan(lanes=GPU_LANES, batch_size=GPU_BATCH, decode_threads=max(1, cores() - 2))
