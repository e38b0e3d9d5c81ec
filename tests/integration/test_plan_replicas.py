"""Eight replicas plan together on a real Redis, through faults: one dies, Redis goes away, traffic bursts and dries up.

Each replica is a thread with a planner and a connection of its own. Seconds of log time pass for all together; what a replica
cannot do, it does later. Frames come as counts per bin: 10,000 a second.
"""

import threading
import uuid
from collections import deque
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field

import numpy as np
import pytest

from services.sampler.pacing import Pace
from services.sampler.plan.account import Planned
from services.sampler.plan.bins import BINS, WEIGHTS
from services.sampler.planning import Planner
from shared.adapters.cluster.redis_state import RedisState
from shared.errors import Unavailable
from shared.streams import keys
from tests.servers import Servers

pytestmark = [pytest.mark.servers, pytest.mark.slow]

REPLICAS, SECONDS, FPS = 8, 900, 10_000
BUDGET_PER_S = 50.0
PLANNED = (Planned("floor", 0.3 * BUDGET_PER_S, floor=True), Planned("near", 0.7 * BUDGET_PER_S))
DEAD, DEAD_TICKS = 3, range(100, 200)
AWAY_TICKS = range(300, 330)
CATCH_UP = 3
"""Seconds of log time that a replica gets through in one."""
RARITY = np.array(WEIGHTS) ** -0.5
T_S = 1_795_428_000


def faulty(second: int) -> float:
    """Frames of one replica."""
    return FPS / REPLICAS * (3.0 if 400 <= second < 500 else 0.3 if 600 <= second < 700 else 1.0)


@dataclass
class Replica:
    number: int
    url: str
    prefix: str
    gated: float = 0.0
    planned: tuple[Planned, ...] = PLANNED
    declared_per_s: float = FPS
    frames: Callable[[int], float] = faulty
    tick: int = 0
    backlog: deque[int] = field(default_factory=deque)
    kept: int = 0
    sent: int = 0
    lost: int = 0

    def __post_init__(self) -> None:
        self.dice = np.random.default_rng(self.number)
        self.start()

    def start(self) -> None:
        self.state = RedisState(self.url, self.prefix)
        pace = Pace(lambda: float(self.tick), self._waited)
        self.planner = Planner(
            self.state, "default", self.planned, declared_per_s=self.declared_per_s, most_reads_per_s=1e9, pace=pace
        )

    def _waited(self, seconds: float) -> None:
        raise AssertionError(
            f"replica {self.number} would have to wait {seconds} s at {self.tick}: more than 20 calls a second"
        )

    def second(self, tick: int) -> None:
        """A second passes. What Redis did not answer for stays in the backlog."""
        self.tick = tick
        if tick < SECONDS:
            self.backlog.append(tick)
        if self.number == DEAD and tick in DEAD_TICKS:
            return
        if self.number == DEAD and tick == DEAD_TICKS.stop:
            self.state.close()
            self.lost = self.kept - self.sent
            self.start()
        while self.backlog and self.handle([self.backlog[n] for n in range(min(CATCH_UP, len(self.backlog)))]):
            if tick < SECONDS:
                return

    def handle(self, seconds: list[int]) -> bool:
        """One batch; False when it must be handed in again."""
        self.planner.begin()
        try:
            self.planner.prepare([1000 * (T_S + second) for second in seconds])
        except Unavailable:
            return False
        self.sent = self.kept
        for second in seconds:
            self.draw(second)
            self.backlog.popleft()
        self.planner.settle()
        return True

    def draw(self, second: int) -> None:
        scales = self.planner.scales(1000 * (T_S + second))
        come = int(self.dice.poisson(self.frames(second)))
        near = self.dice.multinomial(come, RARITY / RARITY.sum())
        self.meet("floor", np.eye(BINS, dtype=int)[-1] * come, scales["floor"], 0.0)
        self.meet("near", near, scales["near"], self.gated)

    def meet(self, label: str, met: "np.typing.NDArray[np.int64]", scale: float, gated: float) -> None:
        for number in np.flatnonzero(met):
            self.planner.counts.met[label][number] += int(met[number])
        drawn = int(self.dice.binomial(met, np.minimum(1.0, scale * np.array(WEIGHTS))).sum())
        for taken in self.dice.random(drawn) < gated:
            self.planner.drawn(label, passed=not taken)
            self.kept += not taken


def pass_second(replicas: list[Replica], tick: int) -> None:
    """All at once: who comes first is chance."""
    threads = [threading.Thread(target=replica.second, args=(tick,)) for replica in replicas]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def run(replicas: list[Replica], servers: Servers, last_tick: int) -> list[int]:
    """Kept by all, second by second. Redis is stopped and started between seconds."""
    kept = []
    for tick in range(last_tick):
        if tick == AWAY_TICKS.start:
            servers.redis.stop()
        if tick == AWAY_TICKS.stop:
            servers.redis.start()
        pass_second(replicas, tick)
        kept.append(sum(replica.kept for replica in replicas))
    return kept


@pytest.mark.timeout(300)
@pytest.mark.parametrize("gated", [0.0, 0.9])
def test_eight_replicas_use_their_budget_through_faults(own_servers: Servers, gated: float) -> None:
    prefix = f"t{uuid.uuid4().hex[:12]}:"
    replicas = [Replica(number, own_servers.redis.url, prefix, gated) for number in range(REPLICAS)]
    kept = run(replicas, own_servers, SECONDS + 5)
    assert not any(replica.backlog for replica in replicas), "everything was handled"
    minutes = np.diff([0, *kept[59::60]]) / (60 * BUDGET_PER_S)
    used = kept[-1] / (SECONDS * BUDGET_PER_S)
    print(f"gated {gated}: used {used:.4f} of the budget, minutes {minutes.min():.2f}-{minutes.max():.2f}")
    assert 0.98 <= used <= 1.02
    for replica in replicas:
        replica.planner.drain()
    with closing(RedisState(own_servers.redis.url, prefix)) as state:
        totals = state.counters([keys.totals_key("default")])[0]
    counted = totals["floor/passed"] + totals["near/passed"] + replicas[DEAD].lost
    assert counted == kept[-1], "nothing is counted twice, and only the last second of the dead one is lost"
    for replica in replicas:
        replica.state.close()


@pytest.mark.parametrize(("declared_per_s", "least", "most"), [(5000, 100, 200), (50, 100, 450)])
def test_the_first_minute_of_eight_replicas(servers: Servers, declared_per_s: int, least: int, most: int) -> None:
    """5,000 frames a second, 2.5 of them to be kept; declared rightly, or a hundredth of it."""
    prefix = f"t{uuid.uuid4().hex[:12]}:"
    planned = (Planned("floor", 0.75, floor=True), Planned("near", 1.75))
    replicas = [
        Replica(number, servers.redis.url, prefix, 0.0, planned, declared_per_s, lambda second: 5000 / REPLICAS)
        for number in range(REPLICAS)
    ]
    for tick in range(60):
        pass_second(replicas, tick)
    kept = sum(replica.kept for replica in replicas)
    print(f"declared {declared_per_s}/s: {kept} of 150")
    assert least < kept < most
    for replica in replicas:
        replica.state.close()
