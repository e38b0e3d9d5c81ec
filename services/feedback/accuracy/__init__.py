"""Accuracy: how good is the model in production, from drawn frames that people judged (SCIENCE B).

Promises: pure. Frames with their probabilities and verdicts in, rates with intervals out, or the reason why there is none.
"""
