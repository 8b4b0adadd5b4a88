"""Genes that go together, in plain words, as Markdown, and the tables to take along."""

from __future__ import annotations

import pandas as pd

from codalab_nb.analysis.correlation import Network, Partners
from codalab_nb.analysis.correlation_plots import samples
from codalab_nb.analysis.network import connected_parts
from codalab_nb.analysis.words import safe


def named_edges(found: Network, labels: pd.Series) -> pd.DataFrame:
    """The passing pairs with the names of both genes and the direction in words."""
    names = labels.to_dict()
    table = found.edges.copy()
    table.insert(1, "name_1", [names[gene] for gene in table["gene_1"]])
    table.insert(3, "name_2", [names[gene] for gene in table["gene_2"]])
    table.insert(5, "direction", table["r"].map(lambda r: "together" if r > 0 else "opposite"))
    return table.set_index("gene_1")


def hubs(found: Network, labels: pd.Series) -> pd.DataFrame:
    """Genes of the network, those with most lines first: name, lines, and the part (1 is the largest)."""
    part = {gene: number for number, genes in enumerate(connected_parts(found.edges), start=1) for gene in genes}
    lines = pd.concat([found.edges["gene_1"], found.edges["gene_2"]]).value_counts()
    table = pd.DataFrame({"name": labels.reindex(lines.index), "pairs": lines, "part": lines.index.map(part)})
    return table.sort_values(["pairs", "part"], ascending=[False, True], kind="stable").rename_axis("gene")


def named_partners(found: Partners, labels: pd.Series) -> pd.DataFrame:
    table = found.table.copy()
    table.insert(0, "name", labels.loc[table.index])
    table.insert(2, "direction", table["r"].map(lambda r: "together" if r > 0 else "opposite"))
    return table.rename_axis("gene")


def network_words(found: Network, labels: pd.Series, condition: pd.Series | None, prepared: str) -> str:
    """Result of the network: answer, meaning, limits, methods."""
    n, n_pairs = len(found.edges), len(found.coefficients)
    lines = ["## What was found", ""]
    if n:
        rising = int((found.edges["r"] > 0).sum())
        lines.append(
            f"**{n:,} of {n_pairs:,} pairs of genes go together** (|r| > {found.min_r:g}, BH-adjusted p < "
            f"{found.q:g}): "
            f"{rising:,} rise and fall together, in {n - rising:,} one rises where the other falls. They join "
            f"{len({*found.edges['gene_1'], *found.edges['gene_2']}):,} genes into {len(connected_parts(found.edges))} "
            "separate parts."
        )
        pairs = "; ".join(
            f"{safe(str(labels[one]))} – {safe(str(labels[other]))} ({r:.2f})"
            for one, other, r in found.edges[["gene_1", "gene_2", "r"]].head(3).itertuples(index=False)
        )
        lines.append(f"The closest: {pairs}.")
    else:
        lines.append(
            f"**No pair of genes surely goes together** (|r| > {found.min_r:g}, BH-adjusted p < "
            f"{found.q:g}), of {n_pairs:,} pairs. Lower `min_r`, or take more genes."
        )
    left = _left(found.edges, found.min_r)
    meaning = _meaning(left, n, found.df, found.within, condition)
    return "\n".join([*lines, *meaning, *_methods(found, prepared, n_pairs)])


def partner_words(found: Partners, labels: pd.Series, condition: pd.Series | None, prepared: str) -> str:
    """Result for one gene: answer, meaning, limits, methods."""
    passing = found.found
    name = safe(str(labels[found.seed]))
    lines = ["## What was found", ""]
    if len(passing):
        up = int((passing["r"] > 0).sum())
        names = labels.to_dict()
        best = ", ".join(f"{safe(str(names[gene]))} ({r:+.2f})" for gene, r in passing["r"].head(5).items())
        lines.append(
            f"**{len(passing):,} of {len(found.table):,} genes go with {name}** (|r| > {found.min_r:g}, BH-adjusted p "
            "< "
            f"{found.q:g}): {up:,} rise with it, {len(passing) - up:,} fall when it rises. The closest: {best}."
        )
    else:
        lines.append(
            f"**No gene surely goes with {name}** (|r| > {found.min_r:g}, BH-adjusted p < {found.q:g}), "
            "of "
            f"{len(found.table):,}. The table lists the closest all the same."
        )
    if found.others:
        listed = ", ".join(safe(one) for one in found.others[:6])
        lines.append(
            f"{name} is meant by {len(found.others) + 1} rows; {safe(found.seed)}, which varies most, was taken. The "
            f"others: {listed}{' …' if len(found.others) > 6 else ''}."
        )
    left = _left(passing, found.min_r)
    meaning = _meaning(left, len(passing), found.df, found.within, condition, samples(found))
    return "\n".join([*lines, *meaning, *_methods(found, prepared, len(found.table))])


def _left(table: pd.DataFrame, min_r: float) -> int | None:
    return int((table["r_within"].abs() > min_r).sum()) if "r_within" in table else None


def _meaning(
    left: int | None, n: int, df: int, within: str, condition: pd.Series | None, n_samples: int | None = None
) -> list[str]:
    lines = ["", "## What this means, and what it does not", ""]
    lines += [
        "* r says how closely two genes rise and fall together over the samples: 1 exactly, 0 not at all, −1 exactly "
        "opposite. It says nothing about which gene acts on which, or whether either does.",
    ]
    if within:
        lines.append(
            f"* Each group of {safe(repr(within))} was set to the same mean first, so a difference between the groups "
            "is "
            "not what was found here."
        )
    elif left is not None and n:
        name = safe(repr(str(condition.name))) if condition is not None else "the groups"
        strong = "**Most of it is the difference between the groups.** " if left < 0.5 * n else ""
        lines.append(
            f"* {strong}Genes that differ between the groups of {name} go together for that reason alone. Within the "
            f"groups, the number beyond the limit falls from {n:,} to {left:,} (column `r_within`). Set `within` to "
            "look "
            "there only."
        )
    else:
        lines.append(
            "* Genes that differ between groups of samples (treatment, sex, batch) go together for that reason alone. "
            "Set `within` to a column to look inside its groups."
        )
    lines += [
        "* Several rows may measure the same gene; that such rows go together shows that the measurement works.",
        "* One odd sample can make a high r. Look at the samples before you believe a pair; `spearman` is less easily "
        "led astray.",
    ]
    total = n_samples or df + 2
    if total < 15:
        lines.append(
            f"* **With {total} samples, r is uncertain:** 15 or more are advised. Take the list as a hint only."
        )
    return lines


def _methods(found: Network | Partners, prepared: str, tests: int) -> list[str]:
    kind = "Spearman's rank" if found.method == "spearman" else "Pearson's"
    what = f"between the {len(found.genes):,} genes of largest variance" if isinstance(found, Network) else (
        f"of {safe(found.seed)} with every other gene"
    )  # fmt: skip
    within = f", after the mean of each group of {safe(repr(found.within))} was taken off," if found.within else ""
    return [
        "",
        "## Methods paragraph",
        "",
        f"{kind} correlations {what} were computed ({safe(prepared)}){within} and tested by t tests with {found.df} "
        "degrees "
        f"of freedom. P values were adjusted for {tests:,} tests by Benjamini and Hochberg (1995); those with |r| > "
        f"{found.min_r:g} and an adjusted p < {found.q:g} are reported.",
    ]
