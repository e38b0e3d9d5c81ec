"""Weight: how likely a prediction is right when nobody who was shown it objected, and what it weighs in training. Pure.

Source: SCIENCE F. Rounded, so that every machine writes the same digits.
"""

import math

from scipy.special import betaincinv

from shared.streams.predictions import Prediction

LEAST_AUDITED = 20
"""Wrong frames that must have been audited before people's silence says anything."""
LEVEL = 0.90
"""How sure it is that people reject at least so much."""
DIGITS = 6


def own_confidence(prediction: Prediction) -> float:
    """p: how likely the prediction is right by itself: every box that was shown is; where none was, that nothing is there.

    A classifier's is that of its best class. Confidences are taken as calibrated.
    """
    if prediction.task == "classify":
        return round(max((one.confidence for one in prediction.classes), default=0.0), DIGITS)
    shown = prediction.above_threshold()
    if shown:
        return round(math.prod(one.confidence for one in shown), DIGITS)
    return round(1.0 - max((one.confidence for one in prediction.detections), default=0.0), DIGITS)


def reject_rate(rejected: int, errors: int) -> float:
    """r: the lower end of P(rejected | wrong, shown), of `errors` audited wrong frames of which `rejected` were rejected.

    The 10 % quantile of Beta(1 + k, 1 + m): 90 % sure that it is at least this. 0 until there are enough of them.
    """
    if errors < LEAST_AUDITED:
        return 0.0
    return round(float(betaincinv(1 + rejected, 1 + errors - rejected, 1.0 - LEVEL)), DIGITS)


def p_correct(p: float, r: float) -> float:
    """P(right | nobody objected) = p / (p + (1 - p)(1 - v r)), with v = 1: that it was seen is known, not supposed."""
    silent_and_wrong = (1.0 - p) * (1.0 - r)
    return round(p / (p + silent_and_wrong), DIGITS) if p > 0 else 0.0


def weight(p_right: float) -> float:
    """For training: max(0, 2 P - 1). The plain P made models worse (SCIENCE F)."""
    return round(max(0.0, 2.0 * p_right - 1.0), DIGITS)
