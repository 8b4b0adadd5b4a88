"""What to run next: of all cells that a rule asks for, the one that is expected to teach most for its time.

Rules of higher priority come first. Among their cells counts how much one more run usually improves on what is known
of a data set (the first runs much, later ones less and less; read off the runs on other data sets), divided by how long
it takes. Which configuration it is says the recommender, as it would to a person.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from codalab_nb.systematic.board import NO_RULE, USUAL_S, Board
from codalab_nb.systematic.evidence import Evidence, Floats
from codalab_nb.systematic.knowledge import Knowledge
from codalab_nb.systematic.portfolio import Portfolio
from codalab_nb.systematic.recommend import Recommender

_STEPS = 12  # of the curve of what one more run brings; later ones bring as much as the last
_LEAST = 1e-3  # of the first run's worth: every cell is worth something
_FALLS = 0.5  # what each further run brings of the one before, where nothing is known


@dataclass(frozen=True)
class Step:
    """A task to submit. `row`, `column`: of the board; a profile has no column. `rule`: whose budget it uses."""

    kind: Literal["run", "score", "profile"]
    row: int
    column: int | None
    rule: int


class Planner:
    """Chooses on one board. `learn` it anew when much has been run since."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._recommenders: dict[str, Recommender] = {}
        self._gains: dict[str, Floats] = {}
        self._knowledge: Knowledge | None = None
        self._seconds: dict[str, float] = {}

    def learn(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge
        self._recommenders, self._gains = {}, {}
        self._seconds = knowledge.usual_seconds()

    def next(self) -> Step | None:
        """The next task, or None while there is none: all is done, or over budget."""
        board = self._board
        free = self._free()
        if not free.any():
            return self._next_score()
        if (score := self._next_score()) is not None:  # it completes what was paid for
            return score
        values = np.where(free, self._values(), -np.inf)
        row, column = np.unravel_index(int(values.argmax()), values.shape)
        rule = int(board.asked[row, column])
        if self._needs_profile(int(row)):
            return Step("profile", int(row), None, rule)
        chosen = self._choose(int(row), int(column), free)
        return Step("run", int(row), chosen, int(board.asked[row, chosen]))

    # --- what may run

    def _free(self) -> NDArray[np.bool_]:
        """(n, m): asked for, fitting, not settled, by a rule with budget; of those only the highest priority."""
        board = self._board
        able = [place for place in range(len(board.rules)) if board.has_budget(place)]
        free = board.fit & ~board.settled & np.isin(board.asked, able)
        if not free.any():
            return free
        priorities = np.array([rule.priority for rule in board.rules])
        there = np.unique(board.asked[free])
        first = there[priorities[there] == priorities[there].max()]
        return np.asarray(free & np.isin(board.asked, first))

    def _next_score(self) -> Step | None:
        board = self._board
        for row, column in board.unscored:
            rule = int(board.asked[row, column])
            if rule != NO_RULE and board.has_budget(rule):
                return Step("score", row, column, rule)
        return None

    def _needs_profile(self, row: int) -> bool:
        """A data set is measured before anything else runs there; once, however that ends."""
        entry = self._board.journal.entries.get(self._board.profile_id(row))
        return entry is None or (entry.state is None and not self._board.is_open(entry))

    # --- what is worth most

    def _values(self) -> Floats:
        """(n, m) how much is gained by one more run there, for each second."""
        board = self._board
        questions = [board.question(one) for one in board.configurations]
        kinds = list(dict.fromkeys(questions))
        of = np.array([kinds.index(question) for question in questions])
        seconds = np.array([self.seconds_of(column) for column in range(len(questions))])
        values = np.zeros(board.fit.shape)
        for kind, question in enumerate(kinds):
            columns = np.flatnonzero(of == kind)
            done = np.minimum(board.settled[:, columns].sum(axis=1), _STEPS - 1)
            values[:, columns] = self._gain(question)[done][:, None]
        return np.asarray(values / seconds)

    def seconds_of(self, column: int) -> float:
        """How long a run of that configuration is expected to take."""
        one = self._board.configurations[column]
        known = self._seconds.get(one.key)
        return max(0.1, known or self._board.templates[one.method].method.usual_seconds or USUAL_S)

    def _gain(self, question: str) -> Floats:
        """(_STEPS,) what the first, second, … run on a data set brings, in units of the first."""
        if question not in self._gains:
            self._gains[question] = _gains(self._evidence(question))
        return self._gains[question]

    def _evidence(self, question: str) -> Evidence | None:
        return self._knowledge.evidence(question) if self._knowledge is not None else None

    def _choose(self, row: int, column: int, free: NDArray[np.bool_]) -> int:
        """The configuration of that data set and kind of question: the recommended one; without evidence the first."""
        board, knowledge = self._board, self._knowledge
        question = board.question(board.configurations[column])
        columns = {
            one.key: j for j, one in enumerate(board.configurations) if free[row, j] and board.question(one) == question
        }
        if knowledge is None or len(columns) == 1:
            return column
        if question not in self._recommenders:
            self._recommenders[question] = Recommender(knowledge.evidence(question), way="alike")
        dataset = board.documents[row].reference
        seen = {name: one.score for name, one in knowledge.seen(dataset, question).items()}
        picks = self._recommenders[question].recommend(
            knowledge.features(dataset), seen=seen, allowed=set(columns), k=1
        )
        return columns[picks[0].configuration] if picks else column


def _gains(evidence: Evidence | None) -> Floats:
    guess = _FALLS ** np.arange(_STEPS)
    if evidence is None or len(evidence) < 2 or len(evidence.configurations) < 2:
        return np.asarray(np.maximum(guess, _LEAST))
    regrets = evidence.regrets()
    order = Portfolio(evidence).order(np.full(len(evidence), 1 / len(evidence)), {}, _STEPS)
    reached = np.minimum.accumulate(regrets[:, order], axis=1).mean(axis=0)
    # Without any run one has, at worst, the worst of them all.
    drops = -np.diff(np.concatenate([[regrets.max(axis=1).mean()], reached]))
    gains = np.zeros(_STEPS)
    gains[: len(drops)] = drops / drops[0] if drops[0] > 0 else guess[: len(drops)]
    return np.asarray(np.maximum(gains, _LEAST))
