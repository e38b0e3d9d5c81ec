"""The feedback service as a process: settings, backend, HTTP until SIGTERM or SIGINT."""

from services.feedback.config import FeedbackConfig
from services.feedback.server import serve
from shared.bootstrap import as_process, load_from_environment, open_backend, until_signal
from shared.telemetry import logs


def main() -> None:
    logs.configure("feedback")
    settings = load_from_environment()
    with open_backend(settings) as backend, until_signal() as stop:
        serve(settings.read(FeedbackConfig), backend, stop)


if __name__ == "__main__":
    as_process(main)
