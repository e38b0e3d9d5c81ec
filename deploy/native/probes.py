"""Does a server really answer? One short question in each one's own protocol, standard library only.

A listening port is not an answer: a broker that is not registered yet, or a Redis that is still loading,
accepts connections.
"""

import http.client
import socket
import struct
from urllib.parse import urlsplit

METADATA = struct.pack(">hhih", 3, 1, 1, -1) + struct.pack(">i", 0)  # Metadata v1, no client id, no topics
BROKER_COUNT = slice(4, 8)  # after the correlation id


def kafka_answers(host: str, port: int, timeout_s: float = 1.0) -> bool:
    """Does the broker's metadata name at least one registered broker?"""
    try:
        answer = _ask_kafka(host, port, timeout_s)
    except OSError:
        return False
    return len(answer) >= BROKER_COUNT.stop and struct.unpack(">i", answer[BROKER_COUNT])[0] > 0


def redis_answers(host: str, port: int, timeout_s: float = 1.0) -> bool:
    """Does it answer a ping, or ask for a password first?"""
    try:
        with socket.create_connection((host, port), timeout=timeout_s) as connection:
            connection.sendall(b"PING\r\n")
            answer = connection.recv(64)
    except OSError:
        return False
    return answer.startswith((b"+PONG", b"-NOAUTH"))


def minio_answers(endpoint: str, timeout_s: float = 1.0) -> bool:
    """Does MinIO (or a fork) call itself ready?"""
    return http_status(f"{endpoint}/minio/health/ready", timeout_s) == http.client.OK


def http_status(url: str, timeout_s: float = 1.0) -> int | None:
    """The status of a GET, or None without an answer; proxies of the environment are not asked."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=timeout_s)
    try:
        connection.request("GET", parts.path or "/")
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _ask_kafka(host: str, port: int, timeout_s: float) -> bytes:
    with socket.create_connection((host, port), timeout=timeout_s) as connection:
        connection.sendall(struct.pack(">i", len(METADATA)) + METADATA)
        with connection.makefile("rb") as answer:
            size = answer.read(4)
            return answer.read(struct.unpack(">i", size)[0]) if len(size) == len(b"size") else b""
