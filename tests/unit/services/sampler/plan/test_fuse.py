"""The fuse: three times the budget, per window of log time; none for the floor."""

from services.sampler.plan import Planned, fuse

NEAR = Planned("near", 300 / 86_400)


def test_a_window_holds_thirty_keeps_and_the_fuse_three_times_that() -> None:
    charge = fuse(NEAR, "default", 0, ttl_s=100)
    assert charge is not None
    assert (charge.name, charge.amount, charge.most, charge.ttl_s) == ("fuse/near", 1, 90, 8640 + 100)


def test_a_large_budget_has_a_window_of_a_minute() -> None:
    charge = fuse(Planned("near", 2.5), "default", 0, ttl_s=0)
    assert charge is not None
    assert (charge.most, charge.ttl_s) == (450, 60)


def test_the_window_goes_by_the_frames_time() -> None:
    keys = {fuse(NEAR, "default", time_ms, 0).key for time_ms in (0, 8_639_999, 8_640_000)}  # type: ignore[union-attr]
    assert len(keys) == 2


def test_the_floor_has_none() -> None:
    assert fuse(Planned("floor", 1.0, floor=True), "default", 0, 0) is None
    assert fuse(Planned("near", 1.0, fused=False), "default", 0, 0) is None
