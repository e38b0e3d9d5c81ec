"""HOW we get what the ports promise: `embedded` (files and SQLite, one box) and `cluster` (Kafka, Redis, MinIO).

Only `shared.bootstrap` opens an adapter; everybody else sees the port.
"""
