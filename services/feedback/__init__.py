"""Feedback: what do people say about the model's predictions?

Reads     HTTP (POST /v1/verdicts); predictions and frames, one record at a time, by reference
Writes    verdicts
Keeps     idempotency keys for a day (state store); asks for the sampler's memos
Once?     at least once in; one verdict per idempotency key out, the same one on a retry
On failure  invalid → 4xx, nothing kept; log or state store unavailable → 503 with Retry-After; 202 only for what is durable
"""
