"""`python -m services.sources`: settings → log → cameras → until SIGTERM or SIGINT."""

from services.sources.cameras.fleet import Fleet
from services.sources.config import SourcesConfig
from services.sources.page import pages
from shared.bootstrap import as_process, load_from_environment, open_log, serving_health, until_signal
from shared.telemetry import logs


def main() -> None:
    logs.configure("sources")
    settings = load_from_environment()
    cameras = Fleet(settings.read(SourcesConfig).sources.needed())
    with (
        open_log(settings) as log,
        until_signal() as stop,
        serving_health(settings.common, cameras.health, pages(cameras)),
    ):
        cameras.run(log, stop)


if __name__ == "__main__":
    as_process(main)
