"""Exported models as any service may run them: what a file holds, which family it is, its way in and what its outputs say.

Promises: an image in, findings in its pixels out. Releases, swapping, lanes and shadows are the inference service's.
"""
