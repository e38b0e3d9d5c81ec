"""The demo's doorstep: drawn scenes, a clip of two cameras, and a small detector that knows brown boxes alone.

Everything is drawn with OpenCV from seeds; no picture was downloaded and nobody is in them.
"""
