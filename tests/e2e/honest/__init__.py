"""Streams with a known truth through the real sampler, feedback, read model and estimators: do the figures hold it?"""
