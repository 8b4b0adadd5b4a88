"""Who counts as dead, with a clock that the test pushes."""

from __future__ import annotations

from codalab_nb.site.liveness import Liveness


class Observer:
    def __init__(self) -> None:
        self.now = 100.0
        self.liveness = Liveness(1.0, 2.0, clock=lambda: self.now)

    def look(self, after_s: float, version: str | None) -> bool:
        self.now += after_s
        return self.liveness.is_dead("t", 1, version)


def test_three_silent_heartbeats_are_death() -> None:
    """A worker killed with -9 is noticed after three heartbeats of unchanged looks."""
    observer = Observer()
    assert [observer.look(1, "a") for _ in range(5)] == [False, False, False, False, True]


def test_slow_passes_still_notice_a_death() -> None:
    """Tens of thousands of open tasks make a pass long; the dead are found all the same."""
    observer = Observer()
    assert [observer.look(30, "a") for _ in range(5)] == [False, False, False, False, True]


def test_any_change_starts_the_window_anew() -> None:
    """A slow worker that still writes is alive."""
    observer = Observer()
    assert [observer.look(2, version) for version in ("a", "a", "b", "b")] == [False] * 4
    assert observer.look(2, "b")


def test_a_closed_lid_loses_no_attempt() -> None:
    """Worker and monitor slept together: the first look after a long gap proves nothing."""
    observer = Observer()
    observer.look(1, "a")
    assert not observer.look(3600, "a")
    assert not observer.look(2, "a")
    assert not observer.look(1, "b")


def test_a_look_that_failed_proves_nothing() -> None:
    """A store that cannot be read is no sign of death."""
    observer = Observer()
    observer.look(2, "a")
    assert not observer.look(2, None)
    assert not observer.look(2, "a")


def test_a_new_observer_starts_from_nothing() -> None:
    """A monitor that was restarted does not judge by what it has not seen."""
    assert not Observer().look(1000, "a")
