"""Survival in plain words."""

from __future__ import annotations

import numpy as np

from codalab_nb.analysis.expression import ExpressionSet
from codalab_nb.analysis.markdown import safe
from codalab_nb.analysis.survival import ALL, FEW_EVENTS, Survival, share_at
from codalab_nb.analysis.survival_plots import answer, median_words
from codalab_nb.analysis.variables import p_words


def read_words(found: Survival) -> str:
    """How the columns were read, which a person must be able to correct."""
    lines = [
        f"**Time** is {safe(found.time)}; **the event happened** where {safe(found.event)} is "
        f"**{safe(found.event_level)}** ({int(found.happened.sum())} of {len(found.happened)}). "
        "If that is wrong, set `happened`: everything below would be turned round.",
        "",
    ]
    return "\n".join([*lines, *(f"* {safe(note)}" for note in found.notes)])


def survival_words(data: ExpressionSet, found: Survival, alpha: float, unit: str) -> str:
    """Answer, meaning, limits, methods; Markdown."""
    lines = ["## What was found", "", f"**{safe(answer(found, alpha, unit))}.**"]
    if found.logrank is not None:
        chi2, df, p = found.logrank
        lines[-1] += f" Log-rank χ² = {chi2:.2f}, {df} degree{'s' if df > 1 else ''} of freedom, {p_words(p)}."
    for group, one in found.curves.items():
        where = "" if group == ALL else f"{safe(found.called(group))}: "
        lines.append(f"* {where}{median_words(found, group, safe(unit))}; {one.n} samples, {one.events} events.")
    clear = found.pairs[found.pairs["p_adjusted"] < alpha] if len(found.pairs) else found.pairs
    for _, row in clear.head(6).iterrows():
        pair = f"{safe(found.called(row['group']))} and {safe(found.called(row['compared_with']))}"
        lines.append(f"* {pair} differ ({p_words(row['p_adjusted'])}, adjusted by Bonferroni).")
    lines += _cox_words(found, alpha)
    lines += ["", "## What this means, and what it does not", "", *_limits(data, found)]
    lines += ["", "## Methods paragraph", "", _methods(found)]
    return "\n".join(lines)


def _cox_words(found: Survival, alpha: float) -> list[str]:
    if found.cox is None:
        return ["", f"No Cox model: {safe(found.why_no_cox)}"] if found.why_no_cox else []
    lines = ["", f"Cox model ({found.cox.n} samples, {found.cox.events} events):", ""]
    for name, row in found.cox.table.iterrows():
        ratio = float(row["hazard_ratio"])
        way = "no higher or lower" if ratio == 1 else f"{'higher' if ratio > 1 else 'lower'} by {abs(ratio - 1):.0%}"
        sure = "" if row["p"] < alpha else " (not clear)"
        each = "" if "(against " in str(name) else " for one unit more"
        lines.append(
            f"* **{safe(str(name))}**: at any time the risk of the event is {way}{each}{sure}; hazard ratio "
            f"{ratio:.3g} (95 % interval {row['low_95']:.3g} to {row['high_95']:.3g}), {p_words(row['p'])}."
        )
    lines += ["", _constancy(found)]
    return lines


def _constancy(found: Survival) -> str:
    assert found.cox is not None
    table = found.cox.table
    changing = [str(name) for name in table.index[(table["constant_p"] < 0.05).to_numpy()]]
    if changing:
        listed = ", ".join(f"{safe(name)} ({p_words(float(table['constant_p'][name]))})" for name in changing)
        return (
            f"**Do the ratios hold at all times? Not for {listed}**: early and late on the influence is a different "
            "one, and the hazard ratio is only an average. Trust the curves more than the number."
        )
    smallest = float(table["constant_p"].min())
    return (
        "Do the ratios hold at all times? There is no sign against it (test of proportional hazards, smallest "
        f"{p_words(smallest)}). With few events such a sign is easily missed."
    )


def _limits(data: ExpressionSet, found: Survival) -> list[str]:
    lines = [
        "* Samples without the event count until they were watched last. That is right only if they were not lost "
        "because of how they were doing.",
        "* A difference between groups is not yet an effect of the group: groups may differ in age, stage or "
        "treatment, too. Put such columns into `adjust_for`.",
    ]
    few = [group for group, one in found.curves.items() if one.events < FEW_EVENTS]
    if few:
        where = "" if few == [ALL] else f" in {safe(', '.join(found.called(group) for group in few))}"
        lines.append(f"* **Fewer than {FEW_EVENTS} events{where}**: the curve and the p are uncertain.")
    if found.cox is not None and found.cox.events < FEW_EVENTS * len(found.cox.table):
        lines.append(
            f"* **The Cox model has fewer than {FEW_EVENTS} events for each of its {len(found.cox.table)} terms**: "
            "its ratios look surer and larger than they are."
        )
    if len(set(data.groups(found.event).dropna())) > 2:
        lines.append(
            f"* **{safe(found.event)} has more than two values**; all but {safe(found.event_level)} count as not (yet) "
            "happened. If another event makes this one impossible, the curves say too little survives."
        )
    if set(found.curves) == {"low", "high"}:
        lines.append(
            "* The cut at the median was fixed beforehand. Trying many cuts and keeping the best finds differences "
            "that are not there."
        )
    if found.logrank is not None and _cross(found):
        lines.append(
            "* **The curves cross**: the log-rank test then misses differences, and one ratio does not describe them."
        )
    batch = data.column_with_role("batch")
    if batch and batch != found.column:
        lines.append(f"* **{safe(batch)} (batch) was not taken into account** unless it stands in `adjust_for`.")
    return lines


def _cross(found: Survival) -> bool:
    """Whether two curves lie a tenth or more apart both ways while ten of both groups were still watched."""
    groups = list(found.curves)
    for place, first in enumerate(groups):
        for second in groups[place + 1 :]:
            one, other = found.curves[first], found.curves[second]
            times = np.union1d(one.times, other.times)
            times = times[(found.at_risk(first, times) >= 10) & (found.at_risk(second, times) >= 10)]
            gap = share_at(one, times) - share_at(other, times)
            if (gap > 0.1).any() and (gap < -0.1).any():
                return True
    return False


def _methods(found: Survival) -> str:
    text = (
        f"Survival was estimated by the method of Kaplan and Meier (time: {safe(found.time)}; event: "
        f"{safe(found.event)} = {safe(found.event_level)}; n = {len(found.durations)}, "
        f"{int(found.happened.sum())} events)"
    )
    if found.logrank is not None:
        text += f" and compared between the groups of {safe(found.column)} by the log-rank test (Mantel 1966)"
    text += "."
    if found.cox is not None:
        text += (
            f" Hazard ratios come from a Cox proportional hazards model (Cox 1972; Efron's treatment of ties; terms: "
            f"{safe(', '.join(map(str, found.cox.table.index)))}; concordance {found.cox.concordance:.2f}); whether "
            "they are constant was tested by scaled Schoenfeld residuals (Grambsch and Therneau 1994)."
        )
    return text + " Computed with lifelines (Davidson-Pilon 2019)."
