"""The uploader as a process: settings → backend → service → run."""

from services.uploader.config import UploaderConfig
from services.uploader.service import UploaderService
from shared.bootstrap import as_process, load_from_environment, open_backend, run


def main() -> None:
    settings = load_from_environment()
    with open_backend(settings) as backend:
        run(UploaderService(settings.read(UploaderConfig), backend.log, backend.images, backend.clock), backend)


if __name__ == "__main__":
    as_process(main)
