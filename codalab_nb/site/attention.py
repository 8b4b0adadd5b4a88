"""Which tasks one pass over a pool looks at, where each look costs two requests to a store far away.

What runs is looked at each time. Of ten thousand tasks that merely wait, those that are next in line, because they are
the ones that somebody takes; and a few of the others, in turn, because a hint about any of them may have been lost.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from codalab_nb.model.task import Priority, State
from codalab_nb.site.ledger import TaskRow

_HEAD = 16  # so many in a row that still wait, and those behind them wait, too
_IN_TURN_S = 900.0  # each one that waits is looked at so often, however many there are
_LEAST_IN_TURN = 16
_CONFIRMED_AT_ONCE = 100


class Attention:
    """Remembers whose turn it was. `pass_s`: between two passes."""

    def __init__(self, pass_s: float) -> None:
        self._pass_s = pass_s
        self._after = ""

    def give(self, rows: Sequence[TaskRow], is_due: Callable[[TaskRow], bool], look: Callable[[TaskRow], bool]) -> None:
        """Calls `look` for those whose turn it is; it returns whether the task still waits for a worker.

        `is_due` tells, from the row alone, who must be looked at now.
        """
        waiting: list[TaskRow] = []
        unconfirmed = 0
        for row in rows:
            unconfirmed += not row.confirmed
            new = not row.confirmed and unconfirmed <= _CONFIRMED_AT_ONCE
            if row.state is not State.QUEUED or new or is_due(row):
                look(row)
            else:
                waiting.append(row)
        seen: set[str] = set()
        for priority in Priority:
            in_line = sorted((row for row in waiting if row.priority is priority and row.sent_at), key=_place)
            seen |= self._head(in_line, look)
        self._in_turn([row for row in waiting if row.id not in seen], len(waiting), look)

    def _head(self, in_line: Iterable[TaskRow], look: Callable[[TaskRow], bool]) -> set[str]:
        seen: set[str] = set()
        still_waiting = 0
        for row in in_line:
            seen.add(row.id)
            still_waiting = still_waiting + 1 if look(row) else 0
            if still_waiting >= _HEAD:
                break
        return seen

    def _in_turn(self, rows: Sequence[TaskRow], of: int, look: Callable[[TaskRow], bool]) -> None:
        number = max(_LEAST_IN_TURN, math.ceil(of * self._pass_s / _IN_TURN_S))
        by_id = sorted(rows, key=lambda row: row.id)
        ahead = [row for row in by_id if row.id > self._after]
        for row in [*ahead, *by_id[: len(by_id) - len(ahead)]][:number]:
            look(row)
            self._after = row.id


def _place(row: TaskRow) -> float:
    return max(row.sent_at or 0.0, row.send_after)
