"""Label efficiency: how many labels does a model need when Gleaner chooses them, and how many when chance does?

Clips of scikit-learn's digits stand for cameras; an ONNX classifier predicts every frame, the real sampler chooses within a
budget, what it chose is labelled with the truth, and the model is trained anew. `python -m tests.benchmarks.label_efficiency`.
"""
