"""Feedback as a server: listens, answers until it is told to stop, finishes what it has begun.

Promises: runs in the caller's thread and leaves signals to the caller; a port that is taken is a SettingsError.
"""

import math
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Protocol

import uvicorn
from fastapi import FastAPI

from services.feedback.api import create_app
from services.feedback.config import FeedbackConfig, FeedbackOptions
from services.feedback.desk import Backend, Desk, opened
from services.feedback.heads import BoundedHeads
from shared.errors import SettingsError
from shared.runtime.listening import cannot_listen
from shared.telemetry import logs

BACKLOG = 2048


class Stopping(Protocol):
    """A threading.Event, as far as it is looked at here."""

    def is_set(self) -> bool: ...


def serve(config: FeedbackConfig, backend: Backend, stop: Stopping, listening: socket.socket | None = None) -> None:
    """Answers until `stop` is set, then finishes the requests it has. Closes the socket, not the backend."""
    options = config.feedback
    sock = listening or listen(options)
    with closing(sock), opened(config, backend) as desk:
        server = _Server(_uvicorn_config(create_app(desk), options), stop, desk)
        logs.get().info("feedback.listening", url=url(sock))
        server.run(sockets=[sock])
    logs.get().info("feedback.stopped")


def listen(options: FeedbackOptions) -> socket.socket:
    """The listening socket, so that a caller who asked for port 0 can know the port. Raises SettingsError."""
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    try:
        listening = socket.create_server((options.host, options.port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise SettingsError(cannot_listen("feedback", options.host, options.port, error)) from error
    # Accepted connections inherit it; without it each small answer waits 40 ms for the client's delayed acknowledgement.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def url(sock: socket.socket) -> str:
    """Where a listening socket is reached."""
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Server(uvicorn.Server):
    """uvicorn, stopped by an event instead of by signals of its own."""

    def __init__(self, config: uvicorn.Config, stop: Stopping, desk: Desk) -> None:
        super().__init__(config)
        self._stop = stop
        self._desk = desk

    async def on_tick(self, counter: int) -> bool:  # called ten times a second
        if await super().on_tick(counter) or self._stop.is_set():
            self._desk.recent.end()  # a live stream is a request that never ends by itself
            return True
        return False

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _uvicorn_config(app: FastAPI, options: FeedbackOptions) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=BoundedHeads,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=math.ceil(options.timeout_s) + 1,
    )
