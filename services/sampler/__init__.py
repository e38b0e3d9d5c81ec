"""Sampler: which predictions are worth a person's time?

Reads     predictions, verdicts; chosen frames by reference
Writes    samples, tallies; image, preview and sidecar (buffer)
Keeps     memos, plans, limits, recent image hashes, what is wanted beside kept frames (state store)
Once?     at least once in; at most one sample per frame, model and collection out, the same one on redelivery
On failure  invalid → dead letter; store unavailable → wait, uncommitted; anything else → stop
"""
