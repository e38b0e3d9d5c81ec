"""The adapters for real servers: Kafka is the log, Redis the state store, MinIO (any S3) the image buffer.

Nothing is imported here, so that a process loads only the clients of the adapters it opens.
"""
