"""A comparison of groups in plain words: the answer, why this test, what it means, and what it does not."""

from __future__ import annotations

from codalab_nb.analysis.expression import ExpressionSet
from codalab_nb.analysis.groups import FEW_VARIABLES, GroupComparison
from codalab_nb.analysis.groups_choice import MEANS, RANKS, WELCH
from codalab_nb.analysis.groups_plots import answer
from codalab_nb.analysis.groups_tests import Omnibus
from codalab_nb.analysis.markdown import safe
from codalab_nb.analysis.style import group_sizes
from codalab_nb.analysis.variables import p_words

_SIZES = {
    "ω²": (0.01, 0.06, 0.14),
    "ε²": (0.01, 0.06, 0.14),
    "partial η²": (0.01, 0.06, 0.14),
    "Kendall's W": (0.1, 0.3, 0.5),
    "Hedges' g": (0.2, 0.5, 0.8),
    "standardised mean change (g)": (0.2, 0.5, 0.8),
    "rank-biserial correlation": (0.1, 0.3, 0.5),
}


def choice_words(found: GroupComparison) -> str:
    """Which test, why, and what was checked before."""
    test = "two-way analysis of variance" if found.two is not None else found.omnibus.name
    lines = [f"**Test: {safe(test)}.** {found.choice.why}", ""]
    if found.two is not None:
        lines = [
            f"**Test: {test}**, which looks at {safe(found.column)} and {safe(found.two.second)} together.",
            "",
        ]
    lines += [f"* {safe(check)}" for check in found.choice.checks]
    lines += [f"* {safe(note)}" for note in found.notes]
    return "\n".join(lines)


def effect_words(whole: Omnibus) -> str:
    """`ω² = 0.20, a large effect by the usual convention (Cohen)`"""
    small, medium, large = _SIZES[whole.effect_name]
    size = abs(whole.effect)
    word = "large" if size >= large else "medium" if size >= medium else "small" if size >= small else "negligible"
    share = ""
    if whole.effect_name in ("ω²", "partial η²", "ε²"):
        share = f" (the groups account for about {whole.effect:.0%} of the scatter)"
    if whole.letter == "U":  # two groups compared by ranks
        share = f" (a value of the second group is the higher one in {(whole.effect + 1) / 2:.0%} of all couples)"
    return f"{whole.effect_name} = {whole.effect:.2f}, {word} by the usual convention{share}"


def comparison_words(data: ExpressionSet, found: GroupComparison, alpha: float) -> str:
    """Answer, meaning, limits, methods; Markdown."""
    whole, two = found.omnibus, found.two
    lines = ["## What was found", "", f"**{safe(answer(found, alpha))}** ({_statistics(found)})."]
    if two is None:
        lines[-1] += f" Size of the effect: {safe(effect_words(whole))}."
    clear = found.pairs[found.pairs["p_adjusted"] < alpha]
    what = safe(found.measured.label)
    for _, row in clear.head(8).iterrows():
        under = f"{safe(two.second)} {safe(str(row[two.second]))}: " if two is not None else ""
        lines.append(
            f"* {under}{what} is {safe(row['direction'])}, by {abs(row['difference']):.4g} "
            f"(95 % interval of the difference {row['low_95']:.4g} to {row['high_95']:.4g}; "
            f"{p_words(row['p_adjusted'])})."
        )
    if len(clear) > 8:
        lines.append(f"* {len(clear) - 8} more pairs differ; see the table of pairs.")
    if found.p < alpha and not len(clear):
        lines.append(
            "* Between which groups the difference lies cannot be said: no single pair differs clearly enough."
        )
    if two is not None:
        told = (
            f"**{safe(found.column)} works differently depending on {safe(two.second)}** "
            f"(interaction {p_words(two.interaction_p)}); read each group of {safe(two.second)} by itself."
            if two.interaction_p < alpha
            else f"There is no clear sign that {safe(found.column)} works differently depending on {safe(two.second)} "
            f"(interaction {p_words(two.interaction_p)})."
        )
        lines += ["", told]
    if found.screen is not None:
        lines += ["", _screen_words(found, alpha)]
    lines += ["", "## What this means, and what it does not", ""]
    lines += _limits(data, found, alpha)
    lines += ["", "## Methods paragraph", "", _methods(found)]
    return "\n".join(lines)


def _statistics(found: GroupComparison) -> str:
    if found.two is None:
        p = p_words(found.omnibus.p)
        if found.screen is not None:
            p = f"{p}, adjusted for all {found.tested:,} measurements {p_words(found.p)}"
        return f"{safe(found.measured.label)}: {found.omnibus.formula}, {p}; {safe(group_sizes(found.groups))}"
    rows = [
        f"{safe(str(name))}: F({int(row['df'])}, {found.two.residual_df}) = {row['F']:.3f}, {p_words(row['p'])}, "
        f"partial η² {row['partial_eta2']:.2f}"
        for name, row in found.two.terms.iterrows()
    ]
    return "; ".join(rows)


def _screen_words(found: GroupComparison, alpha: float) -> str:
    assert found.screen is not None
    table = found.screen.dropna(subset=["p_adjusted"])
    n_clear = int((table["p_adjusted"] < alpha).sum())
    text = (
        f"No single measurement was asked for, so all {len(table):,} were tested: {n_clear:,} differ between the "
        f"groups at an adjusted p below {alpha:g} (Benjamini-Hochberg). **What is shown here is the surest of them, "
        "picked because it is the surest**: judge it by its adjusted p "
        f"({p_words(found.p)}), not by the p of its own test."
    )
    still = found.screen.index[found.screen["p"].notna() & found.screen["p_adjusted"].isna()]
    if len(still):
        text += (
            f" **Not judged: {safe(', '.join(map(str, still[:5])))}{', …' if len(still) > 5 else ''}**, whose values "
            "differ between the groups but not within: is the group itself written there once more, as a code?"
        )
    if len(table) > FEW_VARIABLES and found.choice.kind == WELCH:
        text += " One and the same test (Welch's) was used for all of them."
    return text


def _limits(data: ExpressionSet, found: GroupComparison, alpha: float) -> list[str]:
    smallest = min(map(len, found.samples()))
    lines = [
        "* A small p says that the difference is hardly chance. Whether it is large enough to matter is told by the "
        "difference and its interval, in the units of the measurement.",
    ]
    if found.still:
        lines.append(
            "* **All values within a group are the same**, so that there is no scatter to judge the difference by. "
            "Were they rounded, copied, or cut off at a limit of the instrument? The p means nothing here."
        )
    if data.is_matrix and found.screen is not None:
        other = "de-counts" if data.kind == "counts" else "de-continuous"
        lines.append(
            f"* **For all genes of an expression matrix use the method `{other}`**: it learns the usual scatter "
            "from all genes together and finds more with few samples. This one is made for one measurement or a few."
        )
    if found.p >= alpha:
        lines.append(
            "* **No clear difference is not the same as no difference.** The intervals show which differences are "
            "still possible with so few values."
        )
    if smallest < 3:
        lines.append(f"* **The smallest group has only {smallest} values**; three or more are needed to judge scatter.")
    if found.choice.kind == RANKS and not found.pair:
        lines.append("* A rank test asks where the values lie; groups that differ in scatter only can set it off, too.")
    if found.two is not None and "differs" in found.choice.checks[1]:
        lines.append("* **The scatter differs between the combinations**, which this test does not allow for.")
    if found.pair:
        lines.append(f"* Each subject ({safe(found.pair)}) was compared with itself.")
    elif found.averaged:
        lines.append(f"* Each subject ({safe(found.averaged)}) counts once, with the mean of its values.")
    else:
        lines.append(
            "* The values are taken to be independent: one per animal, patient or culture. Repeats of the same one "
            "make the p too small; average them first, or name their column as `pair`."
        )
    role = data.column_with_role("pair")
    if role and role not in (found.pair, found.averaged):
        lines.append(f"* **{safe(role)} is marked as the pair and was not used.** Set `pair` to it.")
    batch = data.column_with_role("batch")
    if batch and (found.two is None or found.two.second != batch):
        lines.append(f"* **{safe(batch)} (batch) was not taken into account.** Set `second` to it and compare.")
    lines.append("* If the groups also differ in something else (age, day, operator), the difference may come from it.")
    return lines


def _methods(found: GroupComparison) -> str:
    what = f"{safe(found.measured.axis)} was compared between {len(found.levels)} groups of {safe(found.column)} "
    what += f"({safe(group_sizes(found.groups))}) "
    if found.two is not None:
        return (
            what + f"by a two-way analysis of variance with {safe(found.two.second)} and the interaction (sums of "
            f"squares of type II; Langsrud 2003). Groups were compared within each level of {safe(found.two.second)} "
            "by t tests with the common residual scatter, adjusted by Bonferroni."
        )
    if found.averaged:
        what = f"The values of each {safe(found.averaged)} were averaged first. {what}"
    after = {
        (MEANS, False): "Pairs were compared by Tukey's honestly significant differences (Tukey-Kramer).",
        (WELCH, False): "Pairs were compared by the test of Games and Howell (1976).",
        (RANKS, False): "Pairs were compared by Dunn's test (1964), differences are Hodges-Lehmann shifts; p "
        "values and intervals were adjusted by Bonferroni.",
        (MEANS, True): "Pairs were compared by paired t tests, adjusted by Bonferroni.",
        (RANKS, True): "Pairs were compared by Wilcoxon's signed ranks, adjusted by Bonferroni.",
    }[found.choice.kind, bool(found.pair)]
    text = what + f"(test: {safe(found.omnibus.name)}; {found.omnibus.formula}, {p_words(found.omnibus.p)}; "
    text += f"{safe(effect_words(found.omnibus))}). The test was chosen by looking at scatter and distribution: "
    text += f"{found.choice.why} "
    return text + (after if len(found.levels) > 2 else "")
