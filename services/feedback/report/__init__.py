"""Report: one page and one JSON file of a window: what flowed, what it cost, how good the model was, what changed.

Promises: the page needs nothing but itself: no script, no network, every string escaped. Where no number would be honest there
is a sentence.
"""
