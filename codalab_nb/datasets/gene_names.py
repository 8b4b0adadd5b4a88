"""By what the rows of a matrix are named: symbols, which gene sets use, or ids of a data base or of an array."""

from __future__ import annotations

import re
from collections.abc import Sequence

# Words for a person; the first that most names match.
_KINDS = {
    "Ensembl ids": r"ENS[A-Z]*[GTP]\d{6,}(\.\d+)?(_.+)?",
    "FlyBase ids": r"FBgn\d+",
    "WormBase ids": r"WBGene\d+",
    "Affymetrix probes": r".+_at",
    "Illumina probes": r"ILMN_\d+",
    "Agilent probes": r"A_\d+_P\d+",
    "RefSeq ids": r"[NX][MR]_\d+(\.\d+)?",
    "UniProt ids": r"[OPQ]\d[A-Z0-9]{3}\d(-\d+)?|[A-NR-Z]\d[A-Z][A-Z0-9]{2}\d([A-Z][A-Z0-9]{2}\d)?(-\d+)?",
    "numbers, as Entrez ids are": r"\d+",
    "symbols": r"[A-Za-z][A-Za-z0-9]*([-./@][A-Za-z0-9]+)*",
}
_SYMBOL_COLUMNS = frozenset({"symbol", "gene_symbol", "genesymbol", "gene_name", "genename", "gene", "hgnc_symbol"})
_LOOKED_AT = 500


def gene_names(features: Sequence[str], annotations: Sequence[str]) -> str:
    """The kind of names, in words; "symbols" also if a column besides is called so; "" if none is known."""
    if any(re.sub(r"[ .-]+", "_", name.casefold()) in _SYMBOL_COLUMNS for name in annotations):
        return "symbols"
    some = [name for name in features if name][:: max(1, len(features) // _LOOKED_AT)]
    for kind, pattern in _KINDS.items():
        if sum(bool(re.fullmatch(pattern, name)) for name in some) > len(some) / 2:
            return kind
    return ""
