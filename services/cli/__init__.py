"""The command line `gleaner`: one file per command, each short, delegating.

Promises: results go to stdout, progress and complaints to stderr; `--json` prints nothing but JSON on stdout. What a command
needs is imported when it runs, so that `--help` is quick.
"""
