"""Silence: somebody was shown a prediction and did not object. What that is worth, and when it is written down (SCIENCE F).

Promises: outcome and weight are functions of the log up to the deadline; whoever settles one, and whenever, writes the same.
"""
