"""`python -m services.inference`: settings → backend → service → run."""

from services.inference.config import InferenceConfig
from services.inference.opening import prepared
from shared.bootstrap import as_process, load_from_environment, open_backend, run


def main() -> None:
    settings = load_from_environment()
    with open_backend(settings) as backend:
        run(prepared(settings.read(InferenceConfig))(backend), backend)


if __name__ == "__main__":
    as_process(main)
