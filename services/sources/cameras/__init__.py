"""Cameras: streams, snapshots, devices and looped files → pictures; each opened, watched and opened again alone.

`address` says what a line of the settings means, `stream` is one open connection, `camera` one camera's life, `fleet` all of
them in one process. PyAV (FFmpeg) is imported here and nowhere else.
"""
