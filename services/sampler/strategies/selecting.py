"""Selecting: which of a prediction's detections, and which top class, a strategy may look at. Pure.

Promises: what `selected_class_names` leaves out has no influence on score or rule.
"""

from services.sampler.strategies.strategy import ClassesStrategy
from shared.streams.predictions import ClassScore, Prediction


class SelectingStrategy(ClassesStrategy):
    """A strategy on some classes, which looks at a classifier's top class as a whole: selected or not."""

    def top(self, prediction: Prediction) -> tuple[ClassScore, ...]:
        """The top class alone; nothing where it is not selected: a lesser class is not what the model said."""
        classes = prediction.classes[:1]
        names = self.selected_class_names
        return classes if names is None or (classes and classes[0].class_name in names) else ()
