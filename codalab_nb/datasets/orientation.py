"""Are the genes in the rows, or the samples, or is it a general table? And which kind of values is it?

The sample table decides where there is one. Without it names decide, then numbers; the reason is kept in words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from codalab_nb.datasets.scan import Scan
from codalab_nb.model.dataset import Kind, Orientation
from codalab_nb.model.design import groups_from_names

GENE_HEADERS = frozenset(
    {
        "gene",
        "genes",
        "gene_id",
        "geneid",
        "gene_name",
        "gene_symbol",
        "symbol",
        "probe",
        "probe_id",
        "probeset",
        "id_ref",
    }
    | {"feature", "protein", "transcript", "ensembl", "ensembl_id", "entrez", "entrezid", "entrez_id"}
)
_GENE = re.compile(
    r"ENS[A-Z]*[GTP]\d{6,}.*|FBgn\d+|WBGene\d+|AT[1-5MC]G\d{5}|Y[A-P][LR]\d{3}[WC].*|\S+_at|ILMN_\d+|LOC\d+|N[MR]_\d+.*"
    r"|[A-Z][A-Z0-9]{1,8}(-[A-Z0-9]{1,4})?|C\d+orf\d+|[A-Z][a-z]{1,5}\d{1,4}[a-z]?"
)
_SAMPLE = re.compile(r"(GSM|SRR|ERR|DRR|SRS|SAMN|SAMEA)\d+|TCGA-.*|[ACGT]{8,}([-.]\d+)?")
# Rows called P01 under one of these are no genes.
_PEOPLE = frozenset({"patient", "subject", "donor", "animal", "mouse", "participant", "patient_id", "subject_id"})
WIDE = 100  # from so many columns of numbers on, a table with named rows is a matrix

MOST_COUNTED = 1e7  # no gene gets more reads of one sample; intensities of proteins (MaxQuant: LFQ) reach 1e10


def looks_like_genes(names: Sequence[str]) -> bool:
    """More than half of the (first 500) names are spelled like genes, transcripts or probes."""
    some = names[:500]
    return (
        bool(some) and sum(bool(_GENE.fullmatch(name)) and not _SAMPLE.fullmatch(name) for name in some) > len(some) / 2
    )


def looks_like_samples(names: Sequence[str]) -> bool:
    some = names[:500]
    accessions = sum(bool(_SAMPLE.fullmatch(name)) for name in some)
    return bool(some) and (accessions > len(some) / 2 or bool(groups_from_names(some)))


def orientation(
    scan: Scan, ids: Sequence[str] | None, columns: Sequence[str], sample_ids: Sequence[str] | None
) -> tuple[Orientation, str]:
    """`ids`: names of the rows, None if no column names them; `columns`: names of the columns of numbers."""
    if sample_ids is not None:
        known = set(sample_ids)
        across, down = len(known & set(columns)), len(known & set(ids or ()))
        if across or down:
            where = "columns" if across >= down else "rows"
            answer: Orientation = "genes_in_rows" if across >= down else "samples_in_rows"
            return answer, f"the names in the sample table are the names of the {where}"
    if ids is None or len(set(ids)) < 0.5 * len(ids) or len(columns) < 2:
        return "table", "no column gives every row a name of its own"
    if scan.header[0].casefold() in GENE_HEADERS:
        return "genes_in_rows", f"the first column is called {scan.header[0]!r}"
    if looks_like_genes(ids) and not looks_like_genes(columns) and scan.header[0].casefold() not in _PEOPLE:
        return "genes_in_rows", "the rows are named like genes or probes"
    if looks_like_genes(columns) and len(columns) >= 10 and not looks_like_genes(ids):
        return "samples_in_rows", "the columns are named like genes"
    if looks_like_samples(columns) and not looks_like_samples(ids):
        return "genes_in_rows", "the columns are named like samples"
    if looks_like_samples(ids) and len(columns) >= WIDE:
        return "samples_in_rows", "the rows are named like samples"
    if len(ids) < WIDE and len(columns) < WIDE:
        return "table", "it is small, and neither rows nor columns are named like genes"
    return _by_numbers(scan, len(ids), len(columns))


def _by_numbers(scan: Scan, n_rows: int, n_columns: int) -> tuple[Orientation, str]:
    """Genes differ from one another far more than samples do, whatever the unit."""
    places = [place for place in scan.number_columns if scan.numbers[place]]
    column_means = scan.total[places] / scan.numbers[places]
    row_means = np.concatenate(scan.row_means)
    rows_vary, columns_vary = float(np.nanstd(row_means)), float(np.std(column_means))
    if n_rows >= WIDE and rows_vary > 2 * columns_vary:
        return "genes_in_rows", "the rows differ far more than the columns, as genes do"
    if n_columns >= WIDE and columns_vary > 2 * rows_vary:
        return "samples_in_rows", "the columns differ far more than the rows, as genes do"
    return "table", "neither names nor numbers show which side the genes are on"


def kind_of_values(scan: Scan, places: Sequence[int]) -> Kind:
    """Whole numbers ≥ 0 reaching over 200, none over MOST_COUNTED: counts; else reaching over 200: linear intensities;
    else log-like.

    A rule of thumb that is right on the seven matrices it was tried on; `--kind` overrules it.
    """
    used = [place for place in places if scan.numbers[place]]
    if not used:
        return "none"
    highest, lowest = float(scan.highest[used].max()), float(scan.lowest[used].min())
    if bool(scan.whole[used].all()) and lowest >= 0 and 200 < highest <= MOST_COUNTED:
        return "counts"
    return "linear" if highest > 200 else "log"
