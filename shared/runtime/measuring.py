"""What the loop says in metrics after each batch, and how large the next one may be.

Promises: never stops the loop: a lag that cannot be known now is left as it was.
"""

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

from shared.errors import Unavailable
from shared.ports.log import Consumer
from shared.runtime.service import Service
from shared.streams.record import Record
from shared.telemetry import logs, metrics

LAG_EVERY_S = 5.0
SLOW_BATCH_S, QUICK_BATCH_S = 20.0, 5.0


class Measuring:
    """One service's measurements. `most` is how many records the next poll should ask for."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._lag_looked_s = 0.0
        self.most = service.max_records

    def batch(self, records: Sequence[Record], seconds: float) -> None:
        if not records:
            return
        for stream, number in Counter(record.stream for record in records).items():
            metrics.RECORDS.labels(self._service.name, stream).inc(number)
        metrics.BATCH_SECONDS.labels(self._service.name).observe(seconds)
        metrics.AGE.labels(self._service.name).set(max(0.0, time.time() - records[-1].time_ms / 1000))
        self._pace(seconds)

    def lag(self, consumer: Consumer) -> None:
        """Now and then: asking costs something."""
        if time.monotonic() - self._lag_looked_s < LAG_EVERY_S:
            return
        self._lag_looked_s = time.monotonic()
        behind: Counter[str] = Counter(dict.fromkeys(self._service.reads, 0))
        with suppress(Unavailable):
            for (stream, _), records in consumer.lag().items():
                behind[stream] += records
            for stream, records in behind.items():
                metrics.LAG.labels(self._service.name, stream).set(records)

    def _pace(self, seconds: float) -> None:
        """Smaller batches while they take long: one that outlasts the log's patience is taken away and comes again."""
        if seconds > SLOW_BATCH_S:
            self.most = max(1, self.most // 2)
            logs.get(service=self._service.name).info("batch.slow", seconds=round(seconds, 1), max_records=self.most)
        elif seconds < QUICK_BATCH_S:
            self.most = min(self._service.max_records, self.most * 2)
