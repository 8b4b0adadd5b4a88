"""The steps of a worker, one function per phase, and the faults that may strike it in any of them.

The attempt number comes with the message. A worker counts nothing and judges nobody: it claims, or it walks away.
"""

from collections.abc import Iterator

from .state import Mix, Phase, Result, State, Worker, decide, swap_worker, with_message, without_message
from .steps import Move

IDLE = Worker()
# Until its claim a worker has nothing to give back; after its commit there is nothing left that could fail.
_CAN_RELEASE: tuple[Phase, ...] = ("ack", "look", "start", "run", "files", "commit")


def worker(state: State, mix: Mix) -> Iterator[Move]:
    """Every move of every worker; of two workers in the same situation one is enough."""
    for at, me in enumerate(state.workers):
        if at and me == state.workers[at - 1]:
            continue
        if me.phase == "idle":
            yield from _receive(state, at, mix)
        else:
            yield _next_step(state, at, me, mix)
            if me.phase == "run" and state.result is not None:
                yield Move(f"heartbeat sees the verdict, stops attempt {me.attempt}", _go(state, at, IDLE))
            yield from _faults(state, at, me, mix)


def _receive(state: State, at: int, mix: Mix) -> Iterator[Move]:
    for n in sorted(set(state.queue)):
        me = Worker("claim", n, holds=mix.mutant != "ack_before_claim")
        after = state._replace(workers=swap_worker(state, at, me), queue=without_message(state, n))
        yield Move(f"worker receives message {n}", after)


def _next_step(state: State, at: int, me: Worker, mix: Mix) -> Move:
    """The one step that the phase allows."""
    n = me.attempt
    if me.phase == "claim":
        return _claim(state, at, me, mix)
    if me.phase == "ack":
        return Move(f"worker acks message {n}", _go(state, at, me._replace(phase="look", holds=False)))
    if me.phase == "look":
        return _second_look(state, at, me, mix)
    if me.phase == "start":
        return Move(f"worker starts attempt {n}", _go(state._replace(starts=state.starts + 1), at, me, "run"))
    # Files first, so that whoever can read the verdict can read what it speaks of.
    hasty = mix.mutant == "verdict_before_files"
    if me.phase == "run":
        return Move(f"worker ends the run of attempt {n}", _go(state, at, me, "commit" if hasty else "files"))
    if me.phase == "files":
        after = state._replace(files=state.files | {n})
        return Move(f"worker makes the files of attempt {n} durable", _go(after, at, me, "hint" if hasty else "commit"))
    if me.phase == "commit":
        after = decide(state, Result("succeeded", n), mix)
        return Move(f"worker commits attempt {n}", _go(after, at, me, "files" if hasty else "hint"))
    return Move(f"worker sends the hint of attempt {n}", _go(state._replace(hints=state.hints | {n}), at, IDLE))


def _claim(state: State, at: int, me: Worker, mix: Mix) -> Move:
    """The claim is create-if-absent; a claim that exists means the message has done its work already."""
    n = me.attempt
    if state.claimed >= n and mix.mutant != "claim_not_exclusive":
        return Move(f"worker finds claim {n}, acks, forgets", _go(state, at, IDLE))
    return Move(f"worker claims attempt {n}", _go(state._replace(claimed=max(state.claimed, n)), at, me, "ack"))


def _second_look(state: State, at: int, me: Worker, mix: Mix) -> Move:
    """The message may have waited for hours. A verdict that comes after this look is left to the heartbeats."""
    decided = state.result is not None
    if decided and mix.mutant != "no_second_look":
        return Move(f"worker sees the verdict, stops attempt {me.attempt}", _go(state, at, IDLE))
    after = _go(state, at, me._replace(phase="start", decided=decided))
    return Move(f"worker goes on with attempt {me.attempt}", after)


def _go(state: State, at: int, me: Worker, phase: Phase | None = None) -> State:
    return state._replace(workers=swap_worker(state, at, me if phase is None else me._replace(phase=phase)))


def _faults(state: State, at: int, me: Worker, mix: Mix) -> Iterator[Move]:
    n, budget = me.attempt, state.budget
    # A message whose holder is gone, or whose lock has ended, is simply there again.
    queue = with_message(state, n) if me.holds else state.queue
    if budget.kill:
        spent = budget._replace(kill=budget.kill - 1)
        after = _go(state._replace(queue=queue, budget=spent), at, IDLE)
        yield Move(f"worker of attempt {n} is killed in {me.phase}", after, fault=True)
    if budget.lock and me.holds:
        spent = budget._replace(lock=budget.lock - 1)
        after = _go(state._replace(queue=queue, budget=spent), at, me._replace(holds=False))
        yield Move(f"worker of attempt {n} loses its lock", after, fault=True)
    if budget.release and me.phase in _CAN_RELEASE:
        spent = budget._replace(release=budget.release - 1)
        after = state._replace(queue=queue, budget=spent, released=state.released | {n})
        yield Move(f"worker releases attempt {n} in {me.phase}", _go(after, at, IDLE), fault=True)
        if me.phase == "commit":
            # The store took the verdict, every answer was lost: the worker gives back what is in truth finished.
            after = decide(after, Result("succeeded", n), mix)
            yield Move(f"worker commits attempt {n} unknowingly, releases it", _go(after, at, IDLE), fault=True)
