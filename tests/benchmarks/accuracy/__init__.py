"""Accuracy: do the intervals hold what they promise? Simulated with a known truth, through the estimators that the pages use.

Drawn frames get the true verdict; each way to estimate says a value and an interval; a row counts how often the truth lay in
it. `python -m tests.benchmarks.accuracy` writes the CSV, the tables and the picture of docs/accuracy.md.
"""
