"""Per box: the base of strategies that give each box (a classifier: its top class) a score and make one of them all. Pure."""

from operator import itemgetter

from pydantic import Field

from services.sampler.strategies.aggregation import TOGETHER, Aggregation
from services.sampler.strategies.class_weights import Judged, WeightedStrategy
from services.sampler.strategies.scene import Scene
from shared.streams.predictions import ClassScore, Detection, Prediction


class PerBoxStrategy(WeightedStrategy):
    """A subclass says what each box is worth (`doubts`) and how to say so (`words`)."""

    aggregation: Aggregation = Field(
        default="max",
        description="one score of many boxes: the largest, their noisy-or (`sum`; favours crowds), the mean",
    )

    def score(self, scene: Scene) -> float:
        judged = self.weighted(self.doubts(scene.prediction))
        return TOGETHER[self.aggregation]([score for score, _ in judged]) if judged else 0.0

    def rule(self, scene: Scene) -> str:
        prediction = scene.prediction
        _, one = max(self.weighted(self.doubts(prediction)), key=itemgetter(0))
        return self.words(prediction, one)

    def doubts(self, prediction: Prediction) -> Judged:
        raise NotImplementedError(f"{type(self).__name__}.doubts")

    def words(self, prediction: Prediction, one: "Detection | ClassScore") -> str:
        """Why this box scored highest."""
        raise NotImplementedError(f"{type(self).__name__}.words")
