"""Which processes do the genes belong to: gene set enrichment of the ranking, over-representation in the list.

A set counts as shifted when two tests agree, since either alone answers half of the question:

* More than random genes? Subramanian A et al. (2005) PNAS 102:15545, doi:10.1073/pnas.0506580102, on a ranking, with
  the p values of fgsea (Korotkevich G et al. (2021) bioRxiv 060012, doi:10.1101/060012) as gseapy computes them. Genes
  of one process rise and fall together, random ones do not: on shuffled labels this alone called 18 of 49 sets.
* More than samples differ by themselves? The mean of the standardised genes of a set in each sample (Lee E et al.
  (2008) PLoS Comput Biol 4:e1000217, doi:10.1371/journal.pcbi.1000217), compared by moderated t, which sees that genes
  go together.

Over-representation: hypergeometric test, one-sided.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from codalab_nb.analysis.compare import Comparison, choose_column, choose_groups, compare
from codalab_nb.analysis.expression import AnalysisError, ExpressionSet
from codalab_nb.analysis.genesets import GeneSets, readable
from codalab_nb.analysis.limma import Moderated, benjamini_hochberg, design_matrix, moderated_t

LARGEST = 500  # genes in a set; larger ones say too little
_KINDS_OF_IDS = {
    r"ENS[A-Z]*[GTP]\d{6,}.*": "Ensembl ids", r"FBGN\d+": "FlyBase ids", r"WBGENE\d+": "WormBase ids",
    r".+_AT": "Affymetrix probes", r"ILMN_\d+": "Illumina probes", r"A_\d+_P\d+": "Agilent probes",
    r"[NX][MR]_\d+.*": "RefSeq ids", r"\d+": "numbers, as Entrez ids are",
    r"[OPQ]\d[A-Z0-9]{3}\d|[A-NR-Z]\d[A-Z][A-Z0-9]{2}\d": "UniProt ids",
}  # fmt: skip


@dataclass(frozen=True)
class Ranking:
    """The genes from most higher to most lower in the group of interest.

    table: one row per gene symbol (upper case), ordered, with row (its name in the data), t, difference, p_adjusted.
    measured: rows that were tested; unnamed: rows without a symbol; doubled: rows left out because another row of the
    same symbol has higher values. column: where the symbols were read. counts: whether it was made from counts.
    """

    comparison: Comparison
    design: npt.NDArray[np.float64]
    table: pd.DataFrame
    column: str
    measured: int
    unnamed: int
    doubled: int
    counts: bool


@dataclass(frozen=True)
class Enrichment:
    """table: one row per set, surest first: label, size (measured genes), direction, es, nes, p and p_adjusted against
    random genes, t, p_samples and p_samples_adjusted from the samples, leading (genes that make the score, separated
    by a space). scores: sets × samples, mean of the standardised genes; tested: their comparison, in the same order.
    sets: name → measured genes. permutations, seed, smallest: as computed."""

    table: pd.DataFrame
    scores: pd.DataFrame
    tested: Moderated
    sets: dict[str, tuple[str, ...]]
    permutations: int
    seed: int
    smallest: int

    def found(self, alpha: float) -> pd.DataFrame:
        """The rows of which both tests say so, and in the same direction."""
        table = self.table
        agree = np.sign(table["nes"]) == np.sign(table["t"])
        return pd.DataFrame(table[agree & (table["p_adjusted"] < alpha) & (table["p_samples_adjusted"] < alpha)])


def rank_genes(
    data: ExpressionSet,
    sets: GeneSets,
    *,
    condition: str = "",
    treated: str = "",
    reference: str = "",
    adjust_for: str = "",
    floor: float = 20.0,
) -> Ranking:
    """Moderated t of every gene, one row per symbol. Counts are taken as log2 counts per million. Raises AnalysisError.

    Of several rows with one symbol the one with the highest mean is kept: which it is does not depend on the groups.
    """
    counts = data.kind == "counts"
    if counts:
        data = _per_million(data, condition, treated, reference)
    comparison = compare(
        data, condition=condition, treated=treated, reference=reference, adjust_for=adjust_for, floor=floor,
        log_base="2" if counts else "unknown",
    )  # fmt: skip
    if counts:
        comparison = replace(comparison, prepared="Counts were taken as log2 counts per million.")
    column, symbols = gene_symbols(data, sets)
    tested = comparison.result.table.dropna(subset=["t"])
    table = tested[["t", "difference", "p", "p_adjusted", "mean"]].assign(
        symbol=symbols.loc[tested.index], row=tested.index
    )
    named = table[table["symbol"] != ""]
    kept = named.sort_values(["mean", "row"], ascending=[False, True], kind="stable").drop_duplicates("symbol")
    ordered = kept.set_index("symbol").sort_index().sort_values("t", ascending=False, kind="stable")
    adjust = data.groups(adjust_for).loc[comparison.groups.index] if adjust_for else None
    design = design_matrix((comparison.groups == comparison.treated).to_numpy(), adjust)
    return Ranking(
        comparison, design, ordered.drop(columns="mean"), column, len(tested), len(table) - len(named),
        len(named) - len(kept), counts,
    )  # fmt: skip


def gene_symbols(data: ExpressionSet, sets: GeneSets) -> tuple[str, pd.Series]:
    """Where the symbols are (`row names`, or a column of the features) and the symbol of each row, upper case.

    It is the place that names most genes of the sets. Of `A /// B` the first is taken. Raises AnalysisError if no set
    has five of its genes there, with what the names look like.
    """
    names = {"row names": data.values.index.to_series(), **{str(name): data.features[name] for name in data.features}}
    known = sets.genes
    read = {name: _as_symbols(column) for name, column in names.items()}
    shared = {name: len(known.intersection(symbols)) for name, symbols in read.items()}
    best = max(shared, key=lambda name: shared[name])
    measured = set(read[best])
    if not any(len(measured.intersection(genes)) >= 5 for genes in sets.sets.values()):
        raise AnalysisError(_why_unknown(names["row names"], sets))
    return best, read[best]


def enrich(
    ranking: Ranking, sets: GeneSets, *, permutations: int = 1000, seed: int = 1, smallest: int = 15
) -> Enrichment:
    """Enrichment of every set with `smallest` to 500 measured genes. Raises AnalysisError if there is none."""
    import gseapy

    usable = usable_sets(ranking, sets, smallest)
    treated = ranking.comparison.treated
    with _silenced():
        found = gseapy.prerank(
            rnk=ranking.table["t"], gene_sets={name: list(genes) for name, genes in usable.items()}, outdir=None,
            no_plot=True, min_size=1, max_size=len(ranking.table), permutation_num=permutations, seed=seed, threads=1,
            ascending=None, method="multilevel",
        ).res2d.set_index("Term")  # fmt: skip
    found = found.reindex(list(usable))
    nes, p = found["NES"].astype(float), found["NOM p-val"].astype(float)
    scores = sample_scores(ranking, usable)
    tested = moderated_t(scores, ranking.design)
    table = pd.DataFrame(
        {
            "label": [readable(name) for name in usable],
            "size": [len(genes) for genes in usable.values()],
            "direction": np.where(nes.isna(), "", np.where(nes > 0, f"higher in {treated}", f"lower in {treated}")),
            "es": found["ES"].astype(float),
            "nes": nes,
            "p": p,
            "p_adjusted": benjamini_hochberg(p.to_numpy(np.float64)),
            "t": tested.table["t"],
            "p_samples": tested.table["p"],
            "p_samples_adjusted": tested.table["p_adjusted"],
            "leading": found["Lead_genes"].fillna("").str.replace(";", " "),
        }
    ).rename_axis("set")
    table["worst"] = table[["p", "p_samples"]].max(axis=1, skipna=False)
    table = table.sort_values(["worst", "label"], kind="stable").drop(columns="worst")
    return Enrichment(table, scores, tested, usable, permutations, seed, smallest)


def sample_scores(ranking: Ranking, sets: dict[str, tuple[str, ...]]) -> pd.DataFrame:
    """sets × samples: the mean over the genes of a set of (value − mean) / standard deviation, each over the samples.

    A gene that does not vary, and a missing value, count for nothing; NaN where a set has no value in a sample.
    """
    values = ranking.comparison.values.loc[ranking.table["row"]].to_numpy(np.float64)
    spread = np.nanstd(values, axis=1, ddof=1, keepdims=True)
    centred = values - np.nanmean(values, axis=1, keepdims=True)
    scaled = np.divide(centred, spread, out=np.full_like(values, np.nan), where=spread > 0)
    present = np.isfinite(scaled)
    member = np.vstack([ranking.table.index.isin(genes) for genes in sets.values()]).astype(np.float64)
    total, n = member @ np.where(present, scaled, 0.0), member @ present
    mean = np.divide(total, n, out=np.full_like(total, np.nan), where=n > 0)
    return pd.DataFrame(mean, index=pd.Index(list(sets), name="set"), columns=ranking.comparison.values.columns)


def usable_sets(ranking: Ranking, sets: GeneSets, smallest: int) -> dict[str, tuple[str, ...]]:
    """The measured genes of each set that has `smallest` to 500 of them. Raises AnalysisError if none has."""
    measured = set(ranking.table.index)
    usable = {name: tuple(gene for gene in genes if gene in measured) for name, genes in sets.sets.items()}
    usable = {name: genes for name, genes in usable.items() if smallest <= len(genes) <= LARGEST}
    if not usable:
        raise AnalysisError(
            f"No set of {sets.name} has {smallest} to {LARGEST} genes among the {len(measured):,} measured ones. Set "
            "`smallest_set` lower, or use the table with all genes."
        )
    return usable


def over_represented(ranking: Ranking, enrichment: Enrichment, alpha: float) -> pd.DataFrame:
    """Sets of which more genes stand in the list (adjusted p < alpha) than chance puts there; up and down apart.

    Background: all ranked genes. Columns set, label, direction, listed (genes of the set in the list), size, expected,
    fold, p, p_adjusted (Benjamini-Hochberg over all rows), genes. Empty when the list is empty.
    """
    table, treated = ranking.table, ranking.comparison.treated
    found = table["p_adjusted"] < alpha
    rows = []
    for direction, mine in (("higher", found & (table["t"] > 0)), ("lower", found & (table["t"] < 0))):
        chosen = set(table.index[mine])
        for name, genes in enrichment.sets.items() if chosen else ():
            both = [gene for gene in genes if gene in chosen]
            expected = len(genes) * len(chosen) / len(table)
            rows.append(
                {
                    "set": name,
                    "label": readable(name),
                    "direction": f"{direction} in {treated}",
                    "listed": len(both),
                    "size": len(genes),
                    "expected": expected,
                    "fold": len(both) / expected,
                    # the chance to draw as many or more without putting back
                    "p": float(stats.hypergeom.sf(len(both) - 1, len(table), len(genes), len(chosen))),
                    "genes": " ".join(both),
                }
            )
    columns = ["set", "label", "direction", "listed", "size", "expected", "fold", "p", "genes"]
    result = pd.DataFrame(rows, columns=columns)
    result.insert(8, "p_adjusted", benjamini_hochberg(result["p"].to_numpy(np.float64)))
    return result.sort_values(["p", "label"], kind="stable").set_index("set")


def running_score(ranking: Ranking, genes: tuple[str, ...]) -> npt.NDArray[np.float64]:
    """The enrichment score after each ranked gene: up by |t| at a gene of the set, down at any other (2005, fig. 1)."""
    weight = ranking.table["t"].abs().to_numpy(np.float64)
    member = ranking.table.index.isin(genes)
    up = np.where(member, weight, 0.0)
    total = up.sum()
    step = up / total if total > 0 else member / max(member.sum(), 1)
    return np.asarray(np.cumsum(step - ~member / max(int((~member).sum()), 1)), np.float64)


def usual_seconds(ranking: Ranking, sets: GeneSets, smallest: int, permutations: int) -> float:
    """About how long `enrich` takes, in seconds, measured on one busy core."""
    return max(2.0, 0.5 + 0.04 * len(usable_sets(ranking, sets, smallest)) * permutations / 1000)


@contextlib.contextmanager
def _silenced() -> Iterator[None]:
    """Nothing reaches standard error, where remarks on ties would look like a failure: gseapy writes them by Python's
    logging and, from compiled code, straight to the descriptor."""
    kept = os.dup(2)
    try:
        with contextlib.redirect_stderr(io.StringIO()), Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _per_million(data: ExpressionSet, condition: str, treated: str, reference: str) -> ExpressionSet:
    """log2((count + 0.5) / (sum + 1) · 10⁶); genes with ten counts in as many samples as the smaller group has."""
    column = choose_column(data, condition)
    treated, reference, _ = choose_groups(data, column, treated, reference)
    groups = data.groups(column)
    used = data.values.loc[:, groups.isin([treated, reference]).to_numpy()]
    if bool((used < 0).to_numpy().any()):
        raise AnalysisError(
            "These are said to be counts, but values under zero occur; check the file, or set its kind."
        )
    smaller = int(groups[groups.isin([treated, reference])].value_counts().min())
    kept = (used >= 10).sum(axis=1) >= smaller
    if int(kept.sum()) < 2:
        raise AnalysisError("Hardly a gene has ten counts or more in a whole group; there is nothing to rank.")
    values = np.log2((data.values + 0.5) / (data.values.sum(axis=0) + 1) * 1e6)
    return replace(
        data, values=pd.DataFrame(values[kept]), features=data.features[kept], profile={**data.profile, "kind": "log"}
    )


def _as_symbols(column: pd.Series) -> pd.Series:
    text = column.where(column.notna(), "").astype(str).str.strip()
    return pd.Series(text.str.split(r"\s*///\s*|\s*;\s*", n=1, regex=True).str[0].str.upper(), index=column.index)


def _why_unknown(names: pd.Series, sets: GeneSets) -> str:
    example = str(names.iloc[0]) if len(names) else ""
    kinds = [kind for pattern, kind in _KINDS_OF_IDS.items() if re.fullmatch(pattern, example.upper())]
    looks = (
        f" Rows are named like {example}: {kinds[0]}."
        if kinds
        else f" Rows are named like {example}."
        if example
        else ""
    )
    return (
        f"The genes of the sets ({sets.name}) are not found among the rows.{looks} The sets name genes by symbol, as "
        f"{min(sets.genes)}: add a column `symbol` to the table, or a .gmt file with the same names as the rows."
    )
