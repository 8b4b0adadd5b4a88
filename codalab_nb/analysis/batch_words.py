"""What a batch does to the data, in plain words, as Markdown."""

from __future__ import annotations

import pandas as pd

from codalab_nb.analysis.batch import MIXED_UP, BatchCheck, Explained
from codalab_nb.analysis.words import safe


def design_words(check: BatchCheck) -> str:
    """Which columns are looked at, and whether the design can tell batch from biology: read before any result."""
    text = f"**Batch:** {_name(check.batch)} ({safe(_sizes(check.batch))})."
    if check.n_unknown:
        text += f" {check.n_unknown} samples whose batch or group is not known were left out."
    if check.condition is None:
        return text + " No condition is known, so it cannot be said what becomes of the biology."
    text += f" **Condition:** {_name(check.condition)} ({safe(_sizes(check.condition))})."
    if check.refused:
        return f"{text}\n\n> **Warning: the values were not corrected.** {safe(check.refused)}"
    if check.uneven:
        strong = "mixed up" if check.v >= MIXED_UP else "not evenly spread over each other"
        text += (
            f"\n\n> **Warning: {_name(check.batch)} and {_name(check.condition)} are {strong}** (Cramér's V "
            f"{check.v:.2f}; 0 is evenly spread, 1 means that one tells the other).{safe(_one_sided(check))} What goes "
            "with both cannot be assigned to either, by this or by any other method."
        )
    return text


def batch_words(check: BatchCheck) -> str:
    """Result of the batch check: answer, meaning, limits, methods."""
    before, after = check.before, check.after
    batch = _name(check.batch)
    lines = ["## What was found", "", f"* {_shares(before.batch, after.batch if after else None)}"]
    lines.append(
        f"* {before.batch.genes:,} of {before.batch.tested:,} genes differ between the batches."
        + ("" if check.visible else _hardly_seen(before.batch))
    )
    if before.condition is not None:
        lines.append(f"* {_shares(before.condition, after.condition if after else None)}")
        lost = _lost(check)
        if lost:
            lines.append(lost)
    if check.refused:
        lines.append(f"* **The values were not corrected.** {safe(check.refused)}")
    if check.corrected is not None and not check.corrected.adjusted.all():
        stayed = int((~check.corrected.adjusted).sum())
        lines.append(f"* {stayed:,} genes stayed as they were: they do not vary, or have no two values, in some batch.")
    lines += ["", "## What this means, and what it does not", ""]
    lines += _meaning(check)
    lines += ["", "## Methods paragraph", "", _methods(check, batch)]
    return "\n".join(lines)


def _meaning(check: BatchCheck) -> list[str]:
    lines = []
    if check.uneven and check.condition is not None:
        lines.append(
            f"* **{_name(check.batch)} and {_name(check.condition)} go together (Cramér's V {check.v:.2f}).** Part of "
            "what looks like biology may be batch, and part of what was taken out as batch may be biology. Only "
            "samples of each kind measured within one batch can tell."
        )
    if check.after is not None:
        if not check.visible:
            few = check.before.batch.genes > 0
            seen = (
                "most genes show no batch effect, there is little"
                if few
                else "no batch effect is seen, there is no need"
            )
            lines.append(f"* As {seen} to correct: prefer the values as measured.")
        lines.append(
            "* The corrected values are for maps, heat maps and clustering. **To find genes that differ, do not test "
            "the corrected values** as if there had been no batch: take the values as measured and adjust for the "
            "batch (`adjust_for`), which keeps count of what is not known."
        )
        lines.append(
            f"* {'The condition was kept' if check.kept else 'Nothing was kept'}: "
            + (
                "differences between its groups were protected. If batches are uneven, groups look further apart after "
                "this than they are; use it for figures, and prove nothing by it."
                if check.kept
                else "whatever goes with the batch was taken out, biology included. `keep_condition` protects the "
                "groups, at the price of making them look further apart than they are."
            )
        )
    lines.append(
        "* That no batch effect is seen is no proof that there is none: with few samples per batch it stays hidden."
    )
    lines.append("* Only the batches named in the sample table are looked at. Day, operator or kit may be others.")
    return lines


def _methods(check: BatchCheck, batch: str) -> str:
    text = (
        "The share of each gene's variance that lies between the groups of a factor (R²) was computed by one-way "
        f"analysis of variance on {check.before.batch.tested:,} genes of {len(check.batch)} samples "
        f"({safe(check.scale)}); the median over genes is given, and genes with a Benjamini-Hochberg-adjusted p below "
        "0.05 are counted. "
    )
    if check.condition is not None:
        text += f"The association of {batch} with {_name(check.condition)} is Cramér's V ({check.v:.3f}). "
    if check.after is not None:
        kept = f", with {_name(check.condition)} as a covariate" if check.kept and check.condition is not None else ""
        text += (
            f"Values were adjusted for {batch} by ComBat with parametric priors{kept} (Johnson, Li and Rabinovic 2007, "
            "doi:10.1093/biostatistics/kxj037)."
        )
    return text


def _shares(before: Explained, after: Explained | None) -> str:
    text = (
        f"**{safe(repr(before.name))} explains {before.typical:.1%} of the scatter of a typical gene** (a meaningless "
        f"grouping would explain about {before.by_chance:.1%})"
    )
    return text + (f"; after ComBat {after.typical:.1%}." if after else ".")


def _hardly_seen(batch: Explained) -> str:
    if not batch.genes:
        return " **No batch effect is seen.**"
    these = "this one is" if batch.genes == 1 else "these are"
    return (
        f" **Most genes show no batch effect**; but by chance alone hardly any would be found, so {these} probably "
        "touched by the batch, or by what goes with it."
    )


def _lost(check: BatchCheck) -> str:
    """That the biology shrinks with the batch, where it does."""
    before, after = check.before.condition, check.after.condition if check.after else None
    if before is None or after is None or check.kept or after.typical > 0.9 * before.typical:
        return ""
    share = 1 - after.typical / before.typical
    return (
        f"* **The biology shrinks, too:** what {safe(repr(before.name))} explains falls by {share:.0%}, and the genes "
        f"that differ between its groups from {before.genes:,} to {after.genes:,}."
    )


def _one_sided(check: BatchCheck) -> str:
    """` Batch 1: only Cancer. Batch 3: only Normal.`, at most six."""
    crossed: pd.DataFrame = check.crossed()
    only = [f"{name}: only {row.idxmax()}" for name, row in crossed.iterrows() if (row > 0).sum() == 1]
    return f" Batch {'; batch '.join(only[:6])}." if only else ""


def _sizes(groups: pd.Series) -> str:
    """`1: 11, 2: 18`, the first eight by name. Other templates say `11 1`, which numbers as names make unreadable."""
    counts = groups.value_counts().sort_index()
    listed = ", ".join(f"{name}: {n}" for name, n in counts.iloc[:8].items())
    return "samples in " + listed + (f", and {len(counts) - 8} more" if len(counts) > 8 else "")


def _name(groups: pd.Series) -> str:
    return safe(repr(str(groups.name)))
