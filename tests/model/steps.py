"""The steps of everybody but the worker: what each process may do next, and what the outside world may do to it.

A process is a function from a state to its possible moves. The dispatcher, the monitor and the reconciler keep nothing
in memory, so killing one between two of its moves needs no move of its own; only a death between a send and the note of
it leaves a trace.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from .state import CRASHED, Budget, Mix, Order, Result, State, decide, is_alive, messages, with_message, without_message


class Move(NamedTuple):
    """One step. Faults are marked because liveness asks what happens once they have ended."""

    label: str
    after: State
    fault: bool = False


Process = Callable[[State, Mix], Iterator[Move]]


def submitter(state: State, mix: Mix) -> Iterator[Move]:
    """Bundle, then row, then "accepted": the row is the promise, so it must come after what it promises."""
    parts = ("bundle", "row", "told")
    if mix.mutant == "row_before_bundle":
        parts = ("row", "bundle", "told")
    elif mix.mutant == "told_before_row":
        parts = ("bundle", "told", "row")
    done, budget = state.submitter, state.budget
    if done in (CRASHED, len(parts)):
        if budget.resubmit:
            spent = budget._replace(resubmit=budget.resubmit - 1)
            yield Move("client submits the same id again", state._replace(submitter=0, budget=spent), fault=True)
        return
    part, after = parts[done], state._replace(submitter=done + 1)
    if part == "bundle":
        yield Move("submitter makes the bundle durable", after._replace(bundle=True))
    elif part == "told":
        yield Move("submitter says accepted", after._replace(accepted=True))
    elif state.row is None or mix.mutant == "resubmit_reopens":
        yield Move("submitter commits the row", after._replace(row="open"))
    else:
        yield Move("submitter finds its row", after)
    if budget.kill:
        spent = budget._replace(kill=budget.kill - 1)
        yield Move("submitter is killed", state._replace(submitter=CRASHED, budget=spent), fault=True)


def dispatcher(state: State, mix: Mix) -> Iterator[Move]:
    """Send attempt 1 of every row not yet noted as sent: the row is the outbox, whoever wrote it may be long dead."""
    if state.row != "open" or state.result is not None or state.sent:
        return
    if mix.mutant == "no_outbox" and state.submitter == CRASHED:
        return
    yield from _send(state, "dispatcher", 1)


def monitor(state: State, mix: Mix) -> Iterator[Move]:
    """Take a hint, read result.json, fold it into an open row. What the hint itself says does not matter."""
    for attempt in state.hints:
        row = state.row
        if row == "open":
            if mix.mutant == "row_from_hint":
                row = Result("succeeded", attempt)
            elif state.result is not None:
                row = state.result
        yield Move("monitor takes a hint", state._replace(row=row, hints=state.hints - {attempt}))


def reconciler(state: State, mix: Mix) -> Iterator[Move]:
    """Heal what a fault left behind: fold, expire, send again, send the next attempt, or give up with `lost`.

    Copies of it may run at once. A slow one is the dangerous case: it acts on a judgement that time has overtaken.
    """
    if mix.mutant == "no_reconciler":
        return
    if state.order is not None:
        yield from _carry_out(state._replace(order=None), "slow reconciler", state.order, mix)
    if state.row != "open":
        return
    if state.result is not None:
        yield Move("reconciler folds the result", state._replace(row=state.result))
    for order, budget in _judge(state, mix):
        wrong = budget is not state.budget
        judged = state._replace(budget=budget)
        for move in _carry_out(judged, "reconciler", order, mix):
            yield move._replace(fault=move.fault or wrong)
        if budget.stale and state.order is None:
            spent = budget._replace(stale=budget.stale - 1)
            yield Move(f"slow reconciler intends {order}", judged._replace(order=order, budget=spent), fault=True)


def _judge(state: State, mix: Mix) -> Iterator[tuple[Order, Budget]]:
    """What an open row calls for, with the budget that is left after the judgement (a wrong one costs a suspicion)."""
    n, budget = state.sent, state.budget
    if state.overdue and mix.mutant != "expiry_ignored":
        # Also with a verdict in the store: between looking and creating, somebody may have been faster.
        yield Order("expire", 0), budget
    if state.result is not None or not n:
        return
    if state.claimed < n:
        if mix.mutant == "resend_counts_up" and n < mix.max_attempts:
            yield Order("send", n + 1), budget
        elif n not in messages(state) and mix.mutant != "no_resend":
            yield Order("send", n), budget
        return
    if n in state.released:
        if mix.mutant == "released_ignored":
            return
        if mix.mutant == "released_same_attempt":
            if n not in messages(state):
                yield Order("send", n), budget
            return
    elif is_alive(state, n) and mix.mutant != "impatient":
        if not budget.suspicion:
            return
        budget = budget._replace(suspicion=budget.suspicion - 1)
    if n < mix.max_attempts or mix.mutant == "no_attempt_limit":
        yield Order("send", n + 1), budget
    elif mix.mutant != "never_lost":
        yield Order("lost", n), budget


def _carry_out(state: State, who: str, order: Order, mix: Mix) -> Iterator[Move]:
    if order.kind == "send":
        yield from _send(state, who, order.attempt)
    elif order.kind == "lost":
        yield Move(f"{who} commits lost", decide(state, Result("lost", order.attempt), mix))
    else:
        yield Move(f"{who} commits expired", decide(state, Result("expired", 0), mix))


def _send(state: State, who: str, n: int) -> Iterator[Move]:
    """Send, then note it. The two are not atomic: a sender that dies between them sends twice."""
    queue = with_message(state, n)
    yield Move(f"{who} sends attempt {n}", state._replace(queue=queue, sent=max(state.sent, n)))
    if state.budget.kill:
        spent = state.budget._replace(kill=state.budget.kill - 1)
        yield Move(f"{who} sends attempt {n}, is killed", state._replace(queue=queue, budget=spent), fault=True)


def canceller(state: State, mix: Mix) -> Iterator[Move]:
    """Somebody allowed to writes the verdict `cancelled`, whenever they like."""
    budget = state.budget
    if budget.cancel and state.row is not None:
        after = decide(state, Result("cancelled", 0), mix)
        if after is not state:
            yield Move("cancel", after._replace(budget=budget._replace(cancel=budget.cancel - 1)), fault=True)


def deadline(state: State, mix: Mix) -> Iterator[Move]:
    """Time runs out. From here on some copy of the reconciler may see it, and another not yet."""
    budget = state.budget
    if budget.expiry and state.row == "open" and not state.overdue:
        spent = budget._replace(expiry=budget.expiry - 1)
        yield Move("the deadline passes", state._replace(overdue=True, budget=spent), fault=True)


def queue_faults(state: State, mix: Mix) -> Iterator[Move]:
    """What brokers do to messages and hints. Reordering costs nothing: a worker may receive any message as it is."""
    budget = state.budget
    if budget.duplicate:
        spent = budget._replace(duplicate=budget.duplicate - 1)
        for n in sorted(set(messages(state))):
            copied = state._replace(queue=with_message(state, n), budget=spent)
            yield Move(f"message {n} is duplicated", copied, fault=True)
    if budget.drop:
        spent = budget._replace(drop=budget.drop - 1)
        for n in sorted(set(state.queue)):
            gone = state._replace(queue=without_message(state, n), budget=spent)
            yield Move(f"message {n} is lost", gone, fault=True)
        for n in state.hints:
            yield Move("a hint is lost", state._replace(hints=state.hints - {n}, budget=spent), fault=True)
    if budget.forge:
        spent = budget._replace(forge=budget.forge - 1)
        yield Move("a hint is forged", state._replace(hints=state.hints | {1}, budget=spent), fault=True)
