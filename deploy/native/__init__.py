"""Real Kafka, Redis and MinIO as plain processes: no Docker, no system service, nothing but loopback.

`with servers(directory) as running:` starts them and always stops them; `python -m deploy.native up` leaves them
running. What is downloaded or built lies in the user's cache, so only the first start is slow.
"""

from deploy.native.kafka_server import KafkaServer
from deploy.native.minio_server import MinioServer
from deploy.native.process import Server, ServerFailed
from deploy.native.redis_server import RedisServer
from deploy.native.running import EVERY_SERVER, Running, install, servers
from deploy.native.tools import ToolMissing, ensure_kcat

__all__ = [
    "EVERY_SERVER",
    "KafkaServer",
    "MinioServer",
    "RedisServer",
    "Running",
    "Server",
    "ServerFailed",
    "ToolMissing",
    "ensure_kcat",
    "install",
    "servers",
]
