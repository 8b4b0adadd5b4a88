"""Which test suits the data, and why, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from codalab_nb.analysis.expression import AnalysisError
from codalab_nb.analysis.groups_tests import Floats
from codalab_nb.analysis.variables import p_words

MEANS, WELCH, RANKS = "means", "welch", "ranks"
TESTS = ("auto", MEANS, WELCH, RANKS)
MANY = 30  # values per group from which a mean is close to normal whatever the values look like
DOUBTFUL = 0.05


@dataclass(frozen=True)
class Choice:
    """kind: means, welch or ranks; why: one sentence; checks: what was looked at, one sentence each."""

    kind: str
    why: str
    checks: tuple[str, ...]


def choose_test(samples: Sequence[Floats], asked: str = "auto") -> Choice:
    """For independent groups. Raises AnalysisError for a test that does not exist."""
    samples = [one for one in samples if len(one) > 1]  # one value has no scatter
    spreads = np.array([one.std(ddof=1) for one in samples] or [0.0])
    alike, told_spread = _alike(samples, spreads)
    # Bell curves of different width make no bell curve together: they are brought to one width first.
    widths = np.ones(len(samples)) if alike or spreads.min() <= 0 else spreads
    residuals = [(one - one.mean()) / width for one, width in zip(samples, widths, strict=True)]
    around = np.concatenate([*residuals, np.empty(0)])
    normal, told_normal = _normal(around, "the values around the mean of their group")
    checks = (told_normal, told_spread)
    if asked != "auto":
        return Choice(_known(asked), "This test was chosen by the person who started the analysis.", checks)
    smallest = min(map(len, samples))
    if not normal and smallest < MANY:
        why = (
            "The values are far from a bell curve and a group has fewer than "
            f"{MANY} values, so that ranks are compared instead of means."
        )
        return Choice(RANKS, why, checks)
    bell = "the values look close enough to a bell curve" if normal else f"every group has {MANY} or more values"
    if not alike:
        return Choice(WELCH, f"Means are compared because {bell}; each group keeps a scatter of its own.", checks)
    if len(samples) == 2:  # six small and twenty large scatters pass for alike and give 10 false alarms in 100, not 5
        why = f"Means are compared because {bell}; each group keeps a scatter of its own, as is always done for two."
        return Choice(WELCH, why, checks)
    return Choice(
        MEANS, f"Means are compared because {bell}; one common scatter is used, because the groups agree in it.", checks
    )


def choose_paired(blocks: Floats, asked: str = "auto") -> Choice:
    """For repeated measurements: by means unless the changes are far from normal and the subjects few."""
    residuals = blocks - blocks.mean(axis=1, keepdims=True) - blocks.mean(axis=0) + blocks.mean()
    looked_at = blocks[:, 1] - blocks[:, 0] if blocks.shape[1] == 2 else residuals.ravel()
    normal, told = _normal(looked_at, "the changes within the pairs")
    if asked != "auto":
        kind = RANKS if _known(asked) == RANKS else MEANS
        return Choice(kind, "This test was chosen by the person who started the analysis.", (told,))
    if not normal and len(blocks) < MANY:
        why = f"The changes are far from a bell curve and there are fewer than {MANY} pairs, so ranks are compared."
        return Choice(RANKS, why, (told,))
    return Choice(MEANS, "The changes within the pairs look close enough to a bell curve for comparing means.", (told,))


def _known(asked: str) -> str:
    if asked not in TESTS:
        raise AnalysisError(f"There is no test {asked!r}; choose one of {', '.join(TESTS)}.")
    return asked


def _normal(values: Floats, what: str) -> tuple[bool, str]:
    if len(values) < 8:
        return True, f"With {len(values)} values nobody can tell whether {what} follow a bell curve; it is assumed."
    if np.ptp(values) <= 1e-12 * max(1e-300, float(np.abs(values).max())):
        return True, f"There is no scatter at all in {what}."
    # Shapiro and Wilk's p is not trusted beyond 5000 values; evenly spread ones of the sorted values stand for all.
    some = values if len(values) <= 5000 else np.sort(values)[np.linspace(0, len(values) - 1, 5000).astype(int)]
    p = float(stats.shapiro(some).pvalue)
    if p >= DOUBTFUL:
        return True, f"Bell curve: no sign against it in {what} (Shapiro-Wilk {p_words(p)})."
    return False, f"Bell curve: {what} deviate from it (Shapiro-Wilk {p_words(p)})."


def _alike(samples: Sequence[Floats], spreads: Floats) -> tuple[bool, str]:
    # Equal values leave a scatter of their last digit, by which nothing may be divided.
    spreads = np.where(spreads <= 1e-12 * max((float(np.abs(one).max()) for one in samples), default=0.0), 0.0, spreads)
    if spreads.max() <= 0:
        return True, "No group has any scatter."
    if spreads.min() <= 0:
        return False, "Scatter: at least one group has none at all."
    p = float(stats.levene(*samples, center="median").pvalue)
    ratio = float(spreads.max() / spreads.min())
    told = f"largest standard deviation {ratio:.1f} times the smallest; Brown-Forsythe {p_words(p)}"
    if p < DOUBTFUL:
        return False, f"Scatter: it differs between the groups ({told})."
    # With few values the test sees nothing; a ratio of 3 is too much to rely on that.
    if ratio > 3:
        return False, f"Scatter: too different between the groups to call it equal ({told})."
    return True, f"Scatter: similar in all groups ({told})."
