"""Uploader: does every chosen image reach every dataset host, once?

Reads     samples; uploads (its own receipts, once, when a partition becomes its own)
Writes    uploads; images and annotations to the destinations
Keeps     the outbox: a local SQLite file, samples minus uploads; it may be deleted at any time
Once?     at least once in; once out to a host that can be asked or deduplicates, also after a crash at any step
On failure  host refuses this image → dead-lettered receipt; host refuses everything → that host pauses; host is down →
            backoff, that host alone; log or image buffer unavailable → wait, uncommitted
"""
