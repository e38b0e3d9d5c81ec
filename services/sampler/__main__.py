"""The sampler as a process: settings → backend → service → run."""

from services.sampler.config import SamplerConfig
from services.sampler.service import SamplerService
from shared.bootstrap import as_process, load_from_environment, open_backend, run


def main() -> None:
    settings = load_from_environment()
    with open_backend(settings) as backend:
        run(SamplerService(settings.read(SamplerConfig), backend), backend)


if __name__ == "__main__":
    as_process(main)
