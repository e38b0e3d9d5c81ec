"""onnxruntime, as everything here gets it: told to report to nobody before it is loaded."""

import os

# From 1.29 on it reports what is run to its makers, unless this is set before it is loaded. Nobody's pictures need that.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

__all__ = ["ort", "ort_errors"]
