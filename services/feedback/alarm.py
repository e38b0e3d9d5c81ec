"""The alarm: looks at the limits of the settings all the time, whether anybody asks or not.

Promises: one log event when a limit is passed and one when it is no longer; a gauge that says the same. A read model that
cannot be read changes nothing. Ends within a second of being told.
"""

import threading

from services.feedback.alerts import AccuracyOptions, Alert, passed
from services.feedback.appraisal import Appraisals, Question
from services.feedback.read_model.reviews import Version
from services.feedback.refusals import NotFound
from shared.errors import Unavailable
from shared.telemetry import logs, metrics

_Key = tuple[str, str, str, str, str]
"""(rate, source, class, model id, model version): what the gauge is of."""


class Alarm:
    """A thread of its own where there are limits to look at."""

    def __init__(self, appraisals: Appraisals, collection: str, options: AccuracyOptions) -> None:
        self._appraisals = appraisals
        self._collection = collection
        self._options = options
        self._ended = threading.Event()
        self._raised: dict[tuple[_Key, float], Alert] = {}
        self._thread = threading.Thread(target=self._look_on, name="feedback-alarm", daemon=True)

    def start(self) -> None:
        if self._options.alerts:
            self._thread.start()

    def close(self) -> None:
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def look(self) -> None:
        """Once, now."""
        try:
            appraisal = self._appraisals.of(Question(self._collection))
        except (Unavailable, NotFound):
            return
        alerts = passed(appraisal.figures, self._options.alerts)
        found = {(_key(alert, appraisal.of), alert.options.limit): alert for alert in alerts}
        for key, limit in found.keys() - self._raised.keys():
            self._say("accuracy.alert", key, found[key, limit])
        for key, limit in self._raised.keys() - found.keys():
            self._say("accuracy.alert_over", key, self._raised[key, limit])
        past = {key for key, _ in found}
        for key in {key for key, _ in self._raised} | past:
            metrics.ACCURACY_ALERT.labels(*key).set(key in past)
        self._raised = found

    def _look_on(self) -> None:
        while not self._ended.wait(self._options.every_s):
            self.look()

    def _say(self, event: str, key: _Key, alert: Alert) -> None:
        rate, source_id, class_name, *model = key
        low, high = alert.figure.low, alert.figure.high
        limit = alert.options.limit
        logs.get().warning(
            event,
            rate=rate,
            source_id=source_id,
            class_name=class_name,
            model=" ".join(model),
            limit=limit,
            low=low,
            high=high,
        )


def _key(alert: Alert, of: Version) -> _Key:
    figure = alert.figure
    return alert.options.rate, figure.source_id or "", figure.class_name or "", of.model_id, of.model_version
