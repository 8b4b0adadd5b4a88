"""What must hold, numbered as everywhere in this project: I… in every state and across every step, L… in the end.

I7, I11, I13 and I14 speak of nonces, event lines and rights, which this model does not have; the tests of the real code
judge them.
"""

from .state import Budget, Mix, State, messages

WORDS = {
    "I1": "accepted, so row and bundle are durable",
    "I2": "a verdict never changes",
    "I3": "a readable verdict has its files",
    "I4": "a terminal row equals the verdict",
    "I5": "a terminal row never changes",
    "I6": "a worker deletes a message only once its claim exists",
    "I8": "no more starts than claims, no more claims than attempts allowed",
    "I9": "nothing starts that was not recorded whole",
    "I10": "no start after a second look at a decided task",
    "I12": "every start beyond the first has its kill, release or wrong suspicion",
    "L1": "once faults end, the task is decided, folded and nothing is left over, whatever the order of steps",
    "L3": "a task past its deadline is decided and folded by the reconciler alone",
}

# The faults that may cost an extra start (I12).
_EXCUSES = tuple(Budget._fields.index(fault) for fault in ("kill", "release", "suspicion"))


def broken_in(state: State, mix: Mix) -> str | None:
    """The safety invariant this state breaks."""
    whole = state.row is not None and state.bundle
    result, spent = state.result, state.budget
    if state.accepted and not whole:
        return "I1"
    if result is not None and result.verdict == "succeeded" and result.attempt not in state.files:
        return "I3"
    if state.row not in (None, "open", result):
        return "I4"
    if state.starts:
        if state.starts > state.claimed:
            return "I8"
        if not whole:
            return "I9"
        excused = sum(mix.budget[i] - spent[i] for i in _EXCUSES)
        if state.starts > 1 + excused:
            return "I12"
        if any(w.decided and w.phase == "run" for w in state.workers):
            return "I10"
    return "I8" if state.claimed > mix.max_attempts else None


def broken_by(before: State, after: State, *, fault: bool) -> str | None:
    """The safety invariant this step breaks, although each of the two states may look innocent."""
    if after.result != before.result and before.result is not None:
        return "I2"
    if after.row != before.row and before.row not in (None, "open"):
        return "I5"
    if not fault and after.workers != before.workers:
        left = messages(after)
        had = messages(before)
        if any(n > after.claimed and left.count(n) < had.count(n) for n in had):
            return "I6"
    return None


def is_promised(state: State) -> bool:
    """From here on the task must come to its end; whether the user has heard of it yet makes no difference."""
    return state.row is not None and state.bundle


def is_at_rest(state: State) -> bool:
    """Decided, folded, and nothing under way that could still cost somebody work."""
    return (
        state.row not in (None, "open")
        and not state.queue
        and not state.hints
        and state.order is None
        and all(w.phase == "idle" for w in state.workers)
    )
