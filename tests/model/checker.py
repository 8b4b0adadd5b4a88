"""Walk every reachable state breadth first, then look backwards for states that are not bound to come to a good end.

Liveness is asked in its strong form. Once faults have ended, *every* order of the remaining steps must lead to rest,
with no fairness assumed: no dead end, no circle. (That some order leads there would follow.)
"""

import time
from collections.abc import Iterator
from typing import NamedTuple

from .invariants import WORDS, broken_by, broken_in, is_at_rest, is_promised
from .state import Mix, State, first_state
from .steps import Process, canceller, deadline, dispatcher, monitor, queue_faults, reconciler, submitter
from .worker import worker

# The reconciler stands apart: L3 asks what it achieves alone.
OTHERS: tuple[Process, ...] = (submitter, dispatcher, monitor, worker, canceller, deadline, queue_faults)


class Violation(NamedTuple):
    """A broken invariant, with one of the shortest ways to it."""

    invariant: str
    trace: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.invariant} ({WORDS[self.invariant]}) is broken after: {' > '.join(self.trace)}"


class Report(NamedTuple):
    """What one walk found; the figures cover what was seen until the violation, if there is one."""

    states: int
    transitions: int
    seconds: float
    violation: Violation | None

    def __str__(self) -> str:
        return f"{self.states:,} states, {self.transitions:,} transitions, {self.seconds:.1f} s"


class Unfinished(Exception):
    """A walk met more states than allowed: a mix too large, or a rule that lets something grow without end."""


class _Graph:
    """The states met, numbered in the order of meeting, with the fault-free steps between them seen from their ends."""

    def __init__(self, first: State) -> None:
        self.number = {first: 0}
        self.states = [first]
        self.came_by: list[tuple[int, str]] = [(0, "")]
        self.steps = 0
        self.calm = _Backwards()
        self.healing = _Backwards()

    def meet(self, state: State, source: int, label: str) -> int:
        """The number of a state, which is new exactly if it is the last one."""
        number = self.number.setdefault(state, len(self.states))
        if number == len(self.states):
            self.states.append(state)
            self.came_by.append((source, label))
        return number

    def trace(self, number: int) -> tuple[str, ...]:
        labels = []
        while number:
            number, label = self.came_by[number]
            labels.append(label)
        return tuple(reversed(labels))


class _Backwards:
    """The predecessors of each state in one kind of steps, and how many steps lead out of it."""

    def __init__(self) -> None:
        self.sources: dict[int, list[int]] = {}
        self.ways_out: dict[int, int] = {}

    def add(self, source: int, target: int) -> None:
        self.sources.setdefault(target, []).append(source)
        self.ways_out[source] = self.ways_out.get(source, 0) + 1

    def bound_for(self, goal: set[int]) -> set[int]:
        """The states from which every run of these steps reaches the goal, however it is scheduled."""
        open_ways = dict(self.ways_out)
        bound, todo = set(goal), list(goal)
        while todo:
            for source in self.sources.get(todo.pop(), ()):
                open_ways[source] -= 1
                if not open_ways[source] and source not in bound:
                    bound.add(source)
                    todo.append(source)
        return bound


def check(mix: Mix, limit: int = 5_000_000) -> Report:
    """Walk the whole mix; stop at the first broken safety invariant, judge liveness if there is none."""
    began = time.perf_counter()
    graph = _Graph(first_state(mix))
    violation = _walk(graph, mix, limit) or _unhealed(graph)
    return Report(len(graph.states), graph.steps, time.perf_counter() - began, violation)


def _walk(graph: _Graph, mix: Mix, limit: int) -> Violation | None:
    here = 0
    while here < len(graph.states):  # meeting states makes the list longer: it is the queue of the breadth-first search
        state = graph.states[here]
        for label, after, fault, by_reconciler in _moves(state, mix):
            there = graph.meet(after, here, label)
            if there == here:
                continue  # a lost race changes nothing, and a step that changes nothing is no step
            graph.steps += 1
            if not fault:
                graph.calm.add(here, there)
                if by_reconciler:
                    graph.healing.add(here, there)
            broken = broken_by(state, after, fault=fault)
            if broken:
                return Violation(broken, (*graph.trace(here), label))
            if there == len(graph.states) - 1:
                broken = broken_in(after, mix)
                if broken:
                    return Violation(broken, graph.trace(there))
        if len(graph.states) > limit:
            raise Unfinished(f"more than {limit:,} states")
        here += 1
    return None


def _moves(state: State, mix: Mix) -> Iterator[tuple[str, State, bool, bool]]:
    for label, after, fault in reconciler(state, mix):
        yield label, after, fault, True
    for process in OTHERS:
        for label, after, fault in process(state, mix):
            yield label, after, fault, False


def _unhealed(graph: _Graph) -> Violation | None:
    """The first state met that breaks L1 or L3."""
    everywhere = list(enumerate(graph.states))
    at_rest = graph.calm.bound_for({i for i, s in everywhere if is_at_rest(s)})
    folded = graph.healing.bound_for({i for i, s in everywhere if s.row not in (None, "open")})
    for i, s in everywhere:
        if is_promised(s) and i not in at_rest:
            return Violation("L1", graph.trace(i))
        if s.overdue and i not in folded:
            return Violation("L3", graph.trace(i))
    return None
