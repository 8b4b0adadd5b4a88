"""Which walks are worth their time, and which broken rule breaks which invariant."""

from typing import NamedTuple

from .state import Budget, Mix, Mutant

# A few seconds in all: every kind of fault, and those pairs which meet at the same step of the protocol.
SMALL: dict[str, Mix] = {
    "no fault": Mix(Budget()),
    "duplicates only": Mix(Budget(duplicate=3, forge=1), max_attempts=3),
    "kills": Mix(Budget(kill=3), max_attempts=3),
    "at most one attempt": Mix(Budget(kill=1, lock=1, duplicate=1, suspicion=1, release=1), max_attempts=1),
    "lossy broker": Mix(Budget(kill=1, lock=1, duplicate=1, drop=1)),
    "cancel race": Mix(Budget(kill=1, suspicion=1, cancel=1, forge=1)),
    "expiry race": Mix(Budget(kill=1, suspicion=1, cancel=1, expiry=1)),
    "releases": Mix(Budget(release=3, suspicion=1, drop=1), max_attempts=3),
    "release and expiry": Mix(Budget(kill=1, release=1, expiry=1, drop=1)),
    "same id again": Mix(Budget(kill=1, resubmit=1, cancel=1)),
    "slow reconciler": Mix(Budget(kill=1, suspicion=1, release=1, expiry=1, stale=1), max_attempts=1),
    "three workers": Mix(Budget(kill=1, duplicate=1, suspicion=1), workers=3),
}

_SIX = Budget(kill=1, lock=1, duplicate=1, suspicion=1, drop=1, cancel=1)
_ATTEMPT = Budget(kill=1, lock=1, suspicion=1, drop=1, cancel=1, release=1, expiry=1)

# By hand, before a release or after a change of the protocol: minutes, and some gigabytes of memory.
LARGE: dict[str, Mix] = {
    **{f"broker, kill, suspicion, cancel; {n} attempts": Mix(_SIX, n) for n in (1, 2, 3)},
    **{f"release, expiry, kill, suspicion, cancel; {n} attempts": Mix(_ATTEMPT, n) for n in (1, 2, 3)},
    "slow reconciler; 3 attempts": Mix(Budget(kill=1, suspicion=1, release=1, expiry=1, stale=1), 3),
    "same id again, all along": Mix(Budget(kill=2, cancel=1, expiry=1, forge=1, resubmit=1), 2),
    "many kills, releases, suspicions": Mix(Budget(kill=3, release=2, suspicion=2), 3),
    "three workers": Mix(Budget(kill=1, lock=1, duplicate=1, suspicion=1, release=1), 3, workers=3),
}


class Broken(NamedTuple):
    """A rule left out, the invariant that falls with it, and faults enough to bring it about."""

    mutant: Mutant
    invariant: str
    budget: Budget
    why: str


MUTANTS: tuple[Broken, ...] = (
    Broken("told_before_row", "I1", Budget(), "the user holds a promise that a crash erases"),
    Broken("overwrite", "I2", Budget(cancel=1), "a cancel replaces a finished result"),
    Broken("expiry_overwrites", "I2", Budget(expiry=1), "the deadline replaces a finished result"),
    Broken("verdict_before_files", "I3", Budget(), "a reader finds a verdict that points nowhere"),
    Broken("row_from_hint", "I4", Budget(cancel=1), "a loser of the race tells the ledger that it won"),
    Broken("resubmit_reopens", "I5", Budget(resubmit=1), "the same id sent again opens a finished row"),
    Broken("ack_before_claim", "I6", Budget(), "the message is gone and nobody owns the task"),
    Broken("claim_not_exclusive", "I8", Budget(duplicate=1), "two workers run one attempt"),
    Broken("no_attempt_limit", "I8", Budget(release=2), "a task that kills its workers is sent for ever"),
    Broken("row_before_bundle", "I9", Budget(), "a worker starts with half of its inputs"),
    Broken("no_second_look", "I10", Budget(cancel=1), "a cancelled task starts all the same"),
    Broken("resend_counts_up", "I12", Budget(), "a message that merely waits is taken for a dead attempt"),
    Broken("impatient", "I12", Budget(), "a living attempt is taken for dead at the first look"),
    Broken("no_outbox", "L1", Budget(kill=1), "the submitter died and nobody else sends its task"),
    Broken("no_reconciler", "L1", Budget(kill=1), "a worker died and nobody notices"),
    Broken("no_resend", "L1", Budget(drop=1), "a message was lost and nobody sends it again"),
    Broken("never_lost", "L1", Budget(kill=2), "the attempts are used up and nobody says so"),
    Broken("released_ignored", "L1", Budget(release=1), "a released attempt counts as neither living nor dead"),
    Broken("released_same_attempt", "L1", Budget(release=1), "the attempt is sent again that can no longer be claimed"),
    Broken("expiry_ignored", "L3", Budget(expiry=1), "past its deadline the task still waits for a worker"),
)
