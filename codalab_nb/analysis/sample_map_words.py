"""The map, its groups and their markers in plain words, as Markdown."""

from __future__ import annotations

import pandas as pd

from codalab_nb.analysis.clustering import adjusted_rand
from codalab_nb.analysis.markers import FEWEST, top_markers
from codalab_nb.analysis.sample_map import SampleMap, usual_seconds
from codalab_nb.analysis.words import safe


def waiting_words(n_samples: int) -> str:
    """What is about to be computed and for how long, shown before it starts."""
    seconds = usual_seconds(n_samples)
    span = f"about {seconds:.0f} seconds" if seconds < 90 else f"about {seconds / 60:.0f} minutes"
    return f"Drawing the map of {n_samples:,} samples: usually {span}; the next cell then looks for markers."


def marker_table(table: pd.DataFrame, labels: pd.Series, most: int = 200, q: float = 0.05) -> pd.DataFrame:
    """The markers to take along: up to `most` of each group, highest auc first, with their names."""
    best = top_markers(table, most, q).copy()
    names = labels.to_dict()
    best.insert(2, "name", [names[gene] for gene in best["gene"]])
    return best.set_index("group")


def map_words(
    found: SampleMap,
    groups: pd.Series,
    table: pd.DataFrame,
    labels: pd.Series,
    scale: str,
    *,
    same: float,
    chance: float,
    searched: bool,
    silhouette: float,
    label: pd.Series | None,
    q: float = 0.05,
) -> str:
    """Result: groups, neighbours, markers, limits, methods. `label`: what is known, beside groups that were found."""
    lines = ["## What was found", ""]
    if searched:
        lines.append(
            f"* **The samples were divided into {groups.nunique()} groups** by their values (silhouette "
            f"{silhouette:.2f}, on a scale from −1 to 1; below 0.25 groups are hardly apart)."
        )
        if label is not None:
            agreement = adjusted_rand(groups, label)
            if agreement == agreement:
                lines.append(
                    f"* Their agreement with {safe(repr(str(label.name)))} is {agreement:.2f} (adjusted Rand index; 1 "
                    "is "
                    "the same, 0 is chance)."
                )
    else:
        lines.append(
            f"* Of the ten nearest neighbours of a sample, **{same:.0%} have its {safe(str(groups.name))}** "
            f"({chance:.0%} by chance)."
        )
    names = labels.to_dict()
    best = top_markers(table, 5, q)
    for group, part in list(best.groupby("group", sort=False))[:12]:
        pairs = zip(part["gene"], part["auc"], strict=True)
        genes = ", ".join(f"{safe(str(names[gene]))} ({auc:.2f})" for gene, auc in pairs)
        lines.append(f"* **{safe(str(group))}**: {genes}")
    if not len(best):
        lines.append("* **No gene marks any group** clearly enough to rule out chance.")
    else:
        lines.append(
            "\nIn brackets: the chance that a sample of the group has a higher value than one outside (1 always, 0.5 "
            "as "
            "often as not)."
        )
    small = [f"{safe(str(name))} ({n})" for name, n in groups.value_counts().items() if n < FEWEST]
    if small:
        lines.append(f"\nToo small to be compared (fewer than {FEWEST} samples): {', '.join(small[:8])}.")
    lines += ["", "## What this means, and what it does not", "", *_meaning(searched)]
    if found.n_left_out:
        lines.append(f"* {found.n_left_out:,} genes are not in the map: they do not vary or have missing values.")
    groups_from = "Groups were found by k-means on these components. " if searched else ""
    lines += [
        "",
        "## Methods paragraph",
        "",
        f"The {found.n_genes:,} genes of largest variance ({safe(scale)}) were reduced to {found.components.shape[1]} "
        f"principal components and laid out by t-SNE (van der Maaten and Hinton 2008; perplexity {found.perplexity:g}, "
        f"fixed seed). {groups_from}Each group was compared with all other samples by two-sided Wilcoxon rank-sum "
        "tests with corrections for ties and continuity; p values were adjusted over all genes and groups by "
        f"Benjamini and Hochberg (1995). Genes higher in the group with an adjusted p below {q:g} are called markers, "
        "ranked by the area under the ROC curve.",
    ]
    return "\n".join(lines)


def _meaning(searched: bool) -> list[str]:
    lines = [
        "* On the map only neighbourhood counts. How large a cloud is, and how far it lies from another, means "
        "nothing.",
        "* A map shows clouds in pure noise, too. Believe a group whose markers make sense and which another seed or "
        "perplexity shows again.",
    ]
    if searched:
        lines.append(
            "* **The p values of the markers are too small here:** the groups were made from the same values that are "
            "then compared (Zhang 2019, doi:10.1016/j.cels.2019.07.012). Rank genes by them, and prove nothing."
        )
    lines += [
        "* **Cells of one person are no replicates.** If the samples are cells, the p values speak of these cells, not "
        "of people or animals; to compare conditions, add the cells up per person first (Squair 2021, "
        "doi:10.1038/s41467-021-25960-2).",
        "* A marker is higher in the group than in all others taken together; a single other group can have it as "
        "high. "
        "See the dots.",
    ]
    return lines
