"""What `gleaner doctor` looks at: one file per part of an installation, each a pure reading of what is there.

To add a check: its function, which yields findings, and its line in `CHECKS` of `checks.py`.
"""
