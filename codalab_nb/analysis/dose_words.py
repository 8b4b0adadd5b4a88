"""Dose and response in plain words."""

from __future__ import annotations

from codalab_nb.analysis.dose import ALL, MOST_GROUPS, DoseResponse
from codalab_nb.analysis.dose_plots import answer, has_pattern, told
from codalab_nb.analysis.expression import ExpressionSet
from codalab_nb.analysis.markdown import safe
from codalab_nb.analysis.variables import p_words

_MEANING = {
    "Km": "Km is the dose at which half of the highest response (Vmax) is reached",
    "EC50": "EC50 is the dose at which half of the change from dose 0 to very high doses is reached",
}


def choice_words(found: DoseResponse) -> str:
    """Which curve, why, and what was left out."""
    lines = [f"**Curve: {found.model.title}.** {safe(found.why)}", ""]
    lines += [f"* {safe(note)}" for note in found.notes]
    return "\n".join(lines)


def dose_words(data: ExpressionSet, found: DoseResponse, alpha: float) -> str:
    """Answer, meaning, limits, methods; Markdown."""
    half = found.half
    lines = ["## What was found", "", f"**{safe(answer(found, alpha))}.** {_MEANING[half]}."]
    for group, one in found.fits.items():
        where = "" if group == ALL else f"{safe(group)}: "
        rest = ", ".join(
            f"{name.replace('_', ' ')} {one.estimates[name]:.4g} ± {one.errors[name]:.3g}"
            for name in found.model.names
            if name != half
        )
        lines.append(f"* {where}{told(found, group)}, standard error {one.errors[half]:.3g}; {rest}.")
        if one.effect_p >= alpha:
            lines.append(
                f"  **A flat line describes these values as well as the curve** ({p_words(one.effect_p)}): its {half} "
                "means nothing."
            )
        if not one.inside:
            lines.append(
                f"  **This {half} lies outside the doses that were measured**: it is a guess beyond the data. "
                "Measure doses around it."
            )
    for _, row in found.compared.iterrows():
        lines.append(
            f"* The {half} of {safe(row['group'])} is {row[f'{half}_ratio']:.3g} times that of "
            f"{safe(row['compared_with'])} (95 % interval {row['low_95']:.3g} to {row['high_95']:.3g})."
        )
    if found.same_half_p is not None and found.same_curve_p is not None:
        lines += [
            f"* One curve for all groups: {p_words(found.same_curve_p)}; one {half} for all groups: "
            f"{p_words(found.same_half_p)} (small p: they differ)."
        ]
    if found.screen is not None:
        n = len(found.screen)
        lines += [
            "",
            f"No single measurement was asked for; of {n:,}, **the one that follows the dose most closely was picked** "
            f"(rank correlation {found.screen['rank_correlation'].iloc[0]:.2f}, "
            f"adjusted {p_words(float(found.screen['p_adjusted'].iloc[0]))}). The best of many looks better than it "
            "is.",
        ]
    lines += ["", "## What this means, and what it does not", ""]
    lines += [
        f"* The curve assumes one bend: the response changes in one direction and levels off. The {half} holds for "
        "this experiment and this readout; another readout may have another.",
        "* The band is where the mean response lies, not where single values lie.",
        "* Every value counts as an independent one. Wells of the same plate or culture are not; average them first.",
    ]
    if has_pattern(found):
        lines.append(
            "* **The values deviate from the curve more than their repeats explain** (lack of fit, p below 0.01). "
            "Look at the second figure, or choose another model."
        )
    unsure = [group for group, one in found.fits.items() if one.high[half] > 10 * one.low[half]]
    if unsure:
        where = "" if unsure == [ALL] else f" of {', '.join(map(safe, unsure))}"
        lines.append(f"* **The {half}{where} is hardly known**: its interval spans more than tenfold.")
    batch = data.column_with_role("batch")
    if batch and batch != found.column:
        lines.append(f"* **{safe(batch)} (batch) was not taken into account.**")
    told_apart = [] if found.column else [safe(name) for name in _groupings(data, found)]
    if told_apart:
        lines.append(
            f"* **All values were taken together: {', '.join(told_apart)} {'was' if len(told_apart) == 1 else 'were'} "
            "not told apart.** If different drugs, cells or treatments hide there, set `group` to that column."
        )
    lines += ["", "## Methods paragraph", "", _methods(found)]
    return "\n".join(lines)


def _groupings(data: ExpressionSet, found: DoseResponse) -> list[str]:
    """Columns of groups by which there could be a curve each."""
    return [
        str(one["name"])
        for one in data.profile["columns"]
        if one["name"] not in (found.dose, found.measured.name)
        and one["role"] not in ("batch", "pair", "dose")
        and (one["type"] == "groups" or one["role"])
        and 1 < len(one["levels"]) <= MOST_GROUPS
    ]


def _methods(found: DoseResponse) -> str:
    formula = {
        "michaelis-menten": "response = Vmax · dose / (Km + dose)",
        "4pl": "response = A + (B − A) / (1 + (EC50 / dose)^slope), A at dose 0, B at infinite dose",
    }[found.model.name]
    text = (
        f"{safe(found.measured.axis)} was fitted over {safe(found.dose)} (n = {len(found.response)}) by least squares "
        f"with a {found.model.title} curve ({safe(formula)}). {safe(found.why)} Standard errors come from the linear "
        f"approximation at the optimum; 95 % limits of the {found.half} were computed on the log scale."
    )
    if len(found.fits) > 1:
        text += " Curves were compared between groups by extra sum of squares F tests."
    return text
