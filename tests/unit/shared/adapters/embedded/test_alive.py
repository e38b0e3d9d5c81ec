"""Alive: a dead process is known to be dead, a living one never is, and doubt leaves it to the lease."""

import subprocess
import sys

from shared.adapters.embedded import alive


def test_a_living_process_is_never_dead() -> None:
    assert not alive.is_dead(alive.own_name())


def test_names_differ_within_a_process() -> None:
    assert alive.own_name() != alive.own_name()


def test_a_process_that_was_killed_is_dead_also_before_anybody_waits_for_it() -> None:
    code = "from shared.adapters.embedded.alive import own_name; print(own_name(), flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        name = child.stdout.readline().strip()
        assert not alive.is_dead(name)
        child.kill()
        child.wait(10)
    assert alive.is_dead(name)


def test_a_pid_that_was_given_again_is_another_process() -> None:
    boot, namespace, pid, started, own = alive.own_name().split("/")
    assert alive.is_dead("/".join((boot, namespace, pid, str(int(started) + 1), own)))


def test_another_boot_is_dead_another_container_is_not_known() -> None:
    boot, namespace, pid, started, own = alive.own_name().split("/")
    assert alive.is_dead("/".join(("another-boot", namespace, pid, started, own)))
    assert not alive.is_dead("/".join((boot, "pid:[1]", "999999", started, own)))


def test_a_name_of_another_form_is_left_to_its_lease() -> None:
    assert not alive.is_dead("unknown/unknown/1/unknown/x")
