"""Heads of requests, bounded: address, headers and trailers are buffered by the parser before anybody is asked for a key.

Promises: no connection holds more of them than MOST_HEAD_BYTES and what was read last; one that sends more is answered 400.
"""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEAD_BYTES = 65_536
"""Longer than any that is meant: a thousand partitions' `Last-Event-ID`, a token, a hundred sources in the address."""


class BoundedHeads(HttpToolsProtocol):
    """uvicorn's connection. httptools itself has no bound, h11 has this one."""

    _unfinished_bytes = 0

    def data_received(self, data: bytes) -> None:
        self._unfinished_bytes += len(data)
        super().data_received(data)
        if self._unfinished_bytes > MOST_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("Address or headers are too long.")

    def on_headers_complete(self) -> None:
        self._unfinished_bytes = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._unfinished_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._unfinished_bytes = 0
        super().on_message_complete()
