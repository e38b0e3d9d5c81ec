"""Recent: what models said lately, as a list, as a live stream, and where each source lies.

Promises: nothing here is kept: everything is read from the log when it is asked for, and asking is bounded in records,
time and memory.
"""
