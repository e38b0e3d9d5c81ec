"""A lane: one destination with its threads, its breaker, and the errands that are under way there.

Promises: never more under way than `parallel` (one while the breaker probes); a slow host holds up no other lane. Started
and collected by the service's thread alone.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for

from services.uploader.courier import End, Errand, run_errand
from services.uploader.destinations import Destination, NotNow
from services.uploader.schedule import Breaker
from shared.ports.images import Images
from shared.telemetry import logs

LAST_WAIT_S = 5.0
"""How long a drain waits for what is under way; what does not finish is uncertain, and asked for next time."""
_log = logs.get()


class Lane:
    def __init__(self, destination: Destination, images: Images, parallel: int) -> None:
        self.destination = destination
        self.breaker = Breaker()
        self.under_way: dict[Future[End], Errand] = {}
        self._images = images
        self._parallel = parallel
        self._threads = ThreadPoolExecutor(parallel + 1, thread_name_prefix=f"uploader-{destination.name}")
        self._tidying: Future[None] | None = None

    @property
    def name(self) -> str:
        return self.destination.name

    def room(self, now_s: float) -> int:
        return max(0, self.breaker.allows(now_s, self._parallel) - len(self.under_way))

    def busy(self) -> set[tuple[str, str]]:
        return {errand.pair.image for errand in self.under_way.values()}

    def start(self, errand: Errand) -> None:
        self.under_way[self._threads.submit(run_errand, errand, self.destination, self._images)] = errand

    def finished(self) -> list[tuple[Errand, Future[End]]]:
        """Takes out what is done."""
        done = [future for future in self.under_way if future.done()]
        return [(self.under_way.pop(future), future) for future in done]

    def tidy(self, idle: bool) -> None:
        """Gives the destination time for itself, in a thread of its own, one at a time."""
        if self._tidying is not None and not self._tidying.done():
            return
        self._report_tidying()
        self._tidying = self._threads.submit(self.destination.flush, idle)

    def close(self) -> None:
        wait_for(self.under_way, LAST_WAIT_S)
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._report_tidying()
        try:
            self.destination.close()
        except NotNow as error:
            _log.warning("destination.untidy", destination=self.name, why=str(error))

    def _report_tidying(self) -> None:
        tidying = self._tidying
        # What the end cancelled before it began has no result to ask for: `close` tidies up itself.
        if tidying is None or tidying.cancelled() or not tidying.done():
            return
        error = tidying.exception()
        if isinstance(error, NotNow):
            _log.warning("destination.untidy", destination=self.name, why=str(error))
        elif error is not None:
            raise error
