"""What stands beside the measurements and is none: columns that describe genes or compare samples, tallies of reads.

featureCounts writes Start, End and Length before the counts, DESeq2 and limma log2FC and padj behind them, HTSeq and
STAR rows of reads that belong to no gene. Read as samples or genes they would turn a result upside down.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_DESCRIBES = frozenset(
    {"length", "start", "end", "width", "gene_length", "effective_length", "transcript_length", "exon_length"}
    | {"chr", "chrom", "chromosome", "strand", "gc", "gc_content", "gene_start", "gene_end"}
    | {"entrez", "entrezid", "entrez_id", "entrez_gene", "entrez_gene_id", "entrezgene", "entrezgene_id"}
    | {"ncbi_gene_id", "ncbi_geneid", "gene_id", "geneid", "hgnc_id"}
)
_COMPARES = frozenset(
    {"logfc", "log_fc", "log2fc", "log2_fc", "log2foldchange", "log2_fold_change", "lfc", "lfcse", "log2ratio"}
    | {"logfoldchange", "log_fold_change", "foldchange", "fold_change", "fc", "basemean", "aveexpr", "logcpm"}
    | {"pvalue", "p_value", "pval", "p_val", "padj", "p_adj", "p_adjust", "p_adjusted", "adj_p_val", "adj_p_value"}
    | {"adj_pval", "adj_pvalue", "adjusted_p_value", "adjusted_pvalue", "pvalue_adj", "p_value_adj", "p_val_adj"}
    | {"fdr", "qvalue", "q_value", "qval", "q_val", "bonferroni"}
)
_COMPARING_FIRST = re.compile(
    r"(log2?_?(fc|fold_?change)|fold_?change|p_?val(ue)?|p_?adj|adj_p(_?val(ue)?)?|fdr|q_?val(ue)?)_"
)
_SUMS_UP = frozenset({"mean", "means", "avg", "average", "median", "sd", "stdev", "stddev", "sem", "cv"})
_TALLY = re.compile(
    r"__(no_feature|ambiguous|too_low_aqual|not_aligned|alignment_not_unique)"
    r"|n_(unmapped|multimapping|nofeature|ambiguous)|unassigned_[a-z_]+",
    re.IGNORECASE,
)


def plain_name(name: str) -> str:
    """`Entrez Gene ID`, `entrez.gene-id` → `entrez_gene_id`."""
    return re.sub(r"[\s._-]+", "_", name.strip().casefold()).strip("_")


def beside_measurements(names: Sequence[str]) -> list[int]:
    """Places of the columns of numbers that are no samples, by their names.

    mean_ctrl and the like only where more columns than these are left: else they may be the measurements. SD_1 and
    SD_2 are rats.
    """
    plain = [plain_name(name) for name in names]
    found = [at for at, name in enumerate(plain) if name in _DESCRIBES | _COMPARES or _COMPARING_FIRST.match(name)]
    sums = [at for at, name in enumerate(plain) if at not in found and _sums_up(name)]
    return sorted([*found, *sums]) if len(sums) < len(names) - len(found) - len(sums) else found


def is_tally(name: str) -> bool:
    """Whether a row of this name counts reads that belong to no gene."""
    return _TALLY.fullmatch(name.strip()) is not None


def _sums_up(name: str) -> bool:
    words = name.split("_")
    return len(words) > 1 and not words[-1].isdigit() and (words[0] in _SUMS_UP or words[-1] in _SUMS_UP)
