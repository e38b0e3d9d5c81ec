"""Replay: the sampler's own draw over predictions that are recorded, by the settings in force and by others.

Promises: nothing is written to log, state store or image buffer. With the same settings it comes to the decisions that were
made live, or says where it does not and why.
"""
