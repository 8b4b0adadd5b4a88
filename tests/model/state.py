"""What the world of one task looks like between two steps: store, ledger, queues, processes, and faults still to come.

Everything is a tuple of small immutable values, because a walk hashes each state several times. Whatever can be derived
is not stored: two states that no process can tell apart should be one state.
"""

from typing import Literal, NamedTuple

Verdict = Literal["succeeded", "cancelled", "expired", "lost"]
Phase = Literal["idle", "claim", "ack", "look", "start", "run", "files", "commit", "hint"]
Mutant = Literal[
    "row_before_bundle",
    "told_before_row",
    "no_outbox",
    "no_reconciler",
    "claim_not_exclusive",
    "no_second_look",
    "verdict_before_files",
    "overwrite",
    "ack_before_claim",
    "no_resend",
    "resend_counts_up",
    "impatient",
    "no_attempt_limit",
    "never_lost",
    "released_ignored",
    "released_same_attempt",
    "expiry_overwrites",
    "expiry_ignored",
    "row_from_hint",
    "resubmit_reopens",
]

CRASHED = -1  # in State.submitter: killed before its last step


class Budget(NamedTuple):
    """How many faults of each kind may still happen; a walk is finite because every fault costs one."""

    kill: int = 0  # kill -9 of the submitter, a worker, or a sender between sending and noting it
    lock: int = 0  # a message lock ends although its holder lives
    duplicate: int = 0  # the broker delivers one message twice
    suspicion: int = 0  # a living attempt is judged dead (suspended, or cut off)
    drop: int = 0  # a message or a hint vanishes
    cancel: int = 0  # somebody cancels (a lost race is free: it changes nothing)
    release: int = 0  # the infrastructure fails a worker, which gives its attempt back
    expiry: int = 0  # the deadline passes
    forge: int = 0  # a hint that no worker sent
    resubmit: int = 0  # the client sends the same task id once more
    stale: int = 0  # a copy of the reconciler judges now and acts at any later time


class Result(NamedTuple):
    """The content of result.json; `attempt` is 0 where no attempt brought the verdict about."""

    verdict: Verdict
    attempt: int


class Worker(NamedTuple):
    """One worker. `phase` is the step it takes next, `holds` whether it has the lock on its message.

    `decided` is the truth at the second look (was there a verdict?), not what the worker
    made of it; I10 is judged by it.
    """

    phase: Phase = "idle"
    attempt: int = 0
    holds: bool = False
    decided: bool = False


class Order(NamedTuple):
    """What a reconciler made up its mind to do; a slow copy may carry it out long after it stopped being sensible."""

    kind: Literal["send", "lost", "expire"]
    attempt: int


class State(NamedTuple):
    """One state. Workers and messages are kept sorted: they have no identity, so order must not multiply states."""

    budget: Budget
    workers: tuple[Worker, ...]
    submitter: int = 0  # steps done, or CRASHED
    bundle: bool = False  # task document and blobs are durable
    row: Result | Literal["open"] | None = None  # ledger; a Result once folded
    accepted: bool = False  # the user was told so
    sent: int = 0  # ledger: highest attempt noted as sent
    queue: tuple[int, ...] = ()  # attempts named by the messages nobody holds
    claimed: int = 0  # store: highest claim; there are no gaps, n+1 is sent only once claim n exists
    released: frozenset[int] = frozenset()  # attempts whose last event is `released`
    files: frozenset[int] = frozenset()  # attempts whose files and manifest are durable
    result: Result | None = None
    hints: frozenset[int] = frozenset()  # the attempts that responses under way speak of
    overdue: bool = False
    order: Order | None = None  # what the slow copy of the reconciler still intends to do
    starts: int = 0  # sandboxes ever started


class Mix(NamedTuple):
    """One walk: the rules of the site and the faults allowed. `mutant` names the rule that is broken on purpose."""

    budget: Budget
    max_attempts: int = 2
    workers: int = 2
    mutant: Mutant | None = None


def first_state(mix: Mix) -> State:
    """Nothing has happened and every fault is still to come."""
    return State(budget=mix.budget, workers=(Worker(),) * mix.workers)


def is_alive(state: State, attempt: int) -> bool:
    """Whether a worker still beats for this attempt; before its claim a worker is nobody's business."""
    return any(w.attempt == attempt and w.phase not in ("idle", "claim") for w in state.workers)


def messages(state: State) -> list[int]:
    """The attempts named by all messages the broker has, held ones included; sorted."""
    return sorted([*state.queue, *(w.attempt for w in state.workers if w.holds)])


def with_message(state: State, attempt: int) -> tuple[int, ...]:
    """The queue with one more free message."""
    return tuple(sorted((*state.queue, attempt)))


def without_message(state: State, attempt: int) -> tuple[int, ...]:
    """The queue with one free message for `attempt` less."""
    at = state.queue.index(attempt)
    return state.queue[:at] + state.queue[at + 1 :]


def swap_worker(state: State, at: int, worker: Worker) -> tuple[Worker, ...]:
    """The workers with the one at `at` replaced."""
    return tuple(sorted((*state.workers[:at], worker, *state.workers[at + 1 :])))


def decide(state: State, result: Result, mix: Mix) -> State:
    """Create result.json if absent. Having lost the race, the state comes back as the same object."""
    if state.result is None or mix.mutant == "overwrite":
        return state._replace(result=result)
    if mix.mutant == "expiry_overwrites" and result.verdict == "expired":
        return state._replace(result=result)
    return state
