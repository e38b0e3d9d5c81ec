"""Feedback: what do people say about the model's predictions, and how good is the model in production?

Reads     HTTP (verdicts, exposures, an application's frames); samples, verdicts, uploads and tallies, all of them; predictions
          and frames, one record at a time, by reference; kept images
Writes    verdicts, exposures and affirmations (verdicts); an application's frames and predictions
Keeps     idempotency keys for a day, a lease (state store); two projections, each in a SQLite file that may be deleted
Once?     at least once in; one verdict per idempotency key out, the same one on a retry; one affirmation per frame and model
On failure  invalid → 4xx, nothing kept; log or state store unavailable → 503 with Retry-After; 202 only for what is durable
"""
