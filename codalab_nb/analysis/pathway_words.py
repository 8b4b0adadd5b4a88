"""Pathways in plain words, as Markdown."""

from __future__ import annotations

import pandas as pd

from codalab_nb.analysis import cautions
from codalab_nb.analysis.expression import ExpressionSet
from codalab_nb.analysis.genesets import GeneSets, readable
from codalab_nb.analysis.markdown import safe
from codalab_nb.analysis.pathways import LARGEST, Enrichment, Ranking, usable_sets, usual_seconds
from codalab_nb.analysis.words import direction


def before(ranking: Ranking, sets: GeneSets, smallest: int, permutations: int) -> str:
    """What was ranked by which rule, and how long the next cell will take."""
    usable = usable_sets(ranking, sets, smallest)
    text = (
        f"{direction(ranking.comparison)}\n\n{len(ranking.table):,} genes are ranked by their moderated t. "
        f"Their symbols come from {_place(ranking)}."
    )
    if ranking.doubled:
        text += f" {_rows(ranking.doubled)} left out because another row of the same gene has higher values."
    if ranking.unnamed:
        text += f" {_rows(ranking.unnamed)} left out for want of a symbol."
    seconds = usual_seconds(ranking, sets, smallest, permutations)
    told = f"{seconds:.0f} seconds" if seconds < 100 else f"{seconds / 60:.0f} minutes"
    return (
        f"{text}\n\n{len(usable):,} of {len(sets.sets):,} sets ({safe(sets.name)}) have {smallest} to {LARGEST} "
        f"measured genes and are tested now: about {told}."
    )


def conclusion(
    data: ExpressionSet, ranking: Ranking, enrichment: Enrichment, listed: pd.DataFrame, sets: GeneSets, alpha: float
) -> str:
    """Answer, meaning, limits, methods."""
    comparison, table = ranking.comparison, enrichment.table
    treated, reference = safe(comparison.treated), safe(comparison.reference)
    sure = enrichment.found(alpha)
    lines = ["## What was found", ""]
    if len(sure):
        for word, part in (("Higher", sure[sure["nes"] > 0]), ("Lower", sure[sure["nes"] < 0])):
            names = ", ".join(f"{safe(row['label'])} ({row['nes']:+.2f})" for _, row in part.head(6).iterrows())
            more = f", and {len(part) - 6} more" if len(part) > 6 else ""
            lines.append(f"* **{word} in {treated} than in {reference}**: {names or 'no set'}{more}.")
        best = sure.iloc[0]
        lines.append(
            f"* In {safe(best['label'])}, the genes that drive this are {safe(', '.join(best['leading'].split()[:8]))}."
        )
    else:
        lines.append(
            f"**No set of genes is clearly shifted between {treated} and {reference}.** It comes nearest to it in "
            f"{safe(table.iloc[0]['label'])} (adjusted p {table.iloc[0]['p_adjusted']:.2g} against random genes, "
            f"{table.iloc[0]['p_samples_adjusted']:.2g} between the samples)."
        )
    loud = int((table["p_adjusted"] < alpha).sum()) - int((sure["p_adjusted"] < alpha).sum())
    if loud:
        lines.append(
            f"* {'Another set stands' if loud == 1 else f'{loud} more sets stand'} out against random genes, but the "
            "samples differ too little, or too much within the groups, to be sure."
        )
    lines += ["", _list_words(ranking, listed, alpha), ""]
    lines += [f"* {text}" for text in cautions.of_comparison(data, comparison)]
    lines += ["", "## What this means, and what it does not", ""]
    lines += [
        f"* Higher means: many genes of the set are somewhat higher in {treated} than in {reference}, even if none of "
        "them stands out alone. The score (NES) says how far they are shifted, compared with random sets of as many "
        "genes.",
        "* The name of a set is a label that curators gave to a list of genes. A shift does not prove that the process "
        "is more active: look at the genes that drive it.",
        "* Sets share genes, so neighbours in the list are often the same finding twice.",
        "* Two tests must agree. Against random genes: is the set shifted more than any genes are? Between the "
        "samples: is the mean of its genes in each sample different? The first alone is blind to genes that go "
        "together, and finds sets even where the groups are shuffled.",
        "* A process whose genes are not measured, or are not among these sets, cannot be found.",
    ]
    if ranking.counts:
        lines.append(
            "* These are counts. For the ranking they were taken as log2 counts per million; for the list of genes "
            "itself use the method for counts."
        )
    in_sets = len(sets.genes.intersection(ranking.table.index))
    if in_sets < 0.05 * len(ranking.table):
        lines.append(
            f"* **Only {in_sets:,} of {len(ranking.table):,} genes are in any set.** Do the sets fit your organism?"
        )
    lines += ["", "## Methods paragraph", "", _methods(ranking, enrichment, sets, alpha)]
    return "\n".join(lines)


def _list_words(ranking: Ranking, listed: pd.DataFrame, alpha: float) -> str:
    n_list = int((ranking.table["p_adjusted"] < alpha).sum())
    if not n_list:
        return "No gene differs clearly by itself, so there is no list of genes in which a set could be frequent."
    sure = listed[listed["p_adjusted"] < alpha]
    if not len(sure):
        return f"Among the {n_list:,} genes that differ, no set is more frequent than chance would have it."
    named = ", ".join(
        f"{safe(readable(str(name)))} ({row['listed']} of {row['size']}, {row['expected']:.0f} expected; "
        f"{safe(row['direction'])})"
        for name, row in sure.head(3).iterrows()
    )
    return f"Among the {n_list:,} genes that differ, these are more frequent than chance would have it: {named}."


def _methods(ranking: Ranking, enrichment: Enrichment, sets: GeneSets, alpha: float) -> str:
    comparison = ranking.comparison
    adjusted = f", adjusted for {safe(comparison.adjusted_for)}" if comparison.adjusted_for else ""
    return (
        f"{safe(comparison.prepared)} Genes were ranked by moderated t statistics (Smyth 2004, "
        f"doi:10.2202/1544-6115.1027; {safe(comparison.sizes)}{adjusted}). Of several rows with one symbol the one "
        "with the highest mean was kept. Gene set enrichment analysis (Subramanian et al. 2005, "
        f"doi:10.1073/pnas.0506580102) of {len(enrichment.table):,} sets with {enrichment.smallest} to {LARGEST} of "
        f"{len(ranking.table):,} measured genes ({safe(sets.name)}: {safe(sets.source)}) was done on this ranking with "
        "gseapy (Fang et al. 2023, doi:10.1093/bioinformatics/btac757) by the multilevel method of fgsea "
        f"({enrichment.permutations:,} permutations, seed {enrichment.seed}). Over-representation among genes with an "
        f"adjusted p below {alpha:g} was tested by the hypergeometric distribution against all ranked genes, up and "
        f"down apart. P values were adjusted by Benjamini and Hochberg (1995); sets with an adjusted p below {alpha:g} "
        "are reported."
    )


def _place(ranking: Ranking) -> str:
    return "the row names" if ranking.column == "row names" else f"the column {safe(ranking.column)}"


def _rows(number: int) -> str:
    return "1 row was" if number == 1 else f"{number:,} rows were"
