"""Gene sets: the 50 Hallmark sets that come along (genesets/SOURCE.md), or a person's own .gmt file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from codalab_nb.analysis.expression import AnalysisError

HALLMARK = Path(__file__).parent / "h.all.v7.0.symbols.gmt"
HALLMARK_SOURCE = "Liberzon et al. (2015), doi:10.1016/j.cels.2015.12.004; MSigDB v7.0, CC BY 4.0"
# How gene families and pathways are usually written; everything else in a Hallmark name is an ordinary word.
_SPELLED = {
    "p53": "p53", "v1": "v1", "v2": "v2", "nfkb": "NF-kB", "tnfa": "TNF-alpha", "tgf": "TGF", "beta": "beta",
    "dn": "down", "myc": "MYC", "kras": "KRAS", "wnt": "WNT", "notch": "NOTCH", "akt": "AKT", "mtor": "mTOR",
    "mtorc1": "mTORC1", "pi3k": "PI3K", "jak": "JAK", "dna": "DNA", "uv": "UV",
}  # fmt: skip


@dataclass(frozen=True)
class GeneSets:
    """sets: name → genes, in upper case, each once. name: what they are called; source: whom to cite, or the file."""

    name: str
    source: str
    sets: dict[str, tuple[str, ...]]

    @property
    def genes(self) -> frozenset[str]:
        return frozenset(gene for genes in self.sets.values() for gene in genes)


def choose(wanted: str, folder: str | Path) -> GeneSets:
    """`hallmark`; `own`: the .gmt file of the data set in `folder`; `auto`: that file if there is one, else Hallmark.

    Raises AnalysisError for another word, and for `own` without a file or with several.
    """
    if wanted not in ("auto", "hallmark", "own"):
        raise AnalysisError(f"`gene_sets` cannot be {wanted!r}: choose auto, hallmark or own.")
    files = sorted(Path(folder).rglob("*.gmt")) if wanted != "hallmark" else []
    if len(files) > 1:
        names = ", ".join(path.name for path in files)
        raise AnalysisError(f"The data set has several .gmt files ({names}); keep one, or choose `hallmark`.")
    if files:
        return GeneSets(files[0].stem, f"file {files[0].name} of the data set", read_gmt(files[0]))
    if wanted == "own":
        raise AnalysisError("The data set has no .gmt file. Put it beside the table, and add the folder as a data set.")
    return GeneSets("Hallmark", HALLMARK_SOURCE, read_gmt(HALLMARK))


def read_gmt(path: Path) -> dict[str, tuple[str, ...]]:
    """A .gmt file: one set per line, separated by tabs: name, description, genes. Raises AnalysisError."""
    sets: dict[str, tuple[str, ...]] = {}
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise AnalysisError(f"{path.name} is not a text file; a .gmt file is text with tabs.") from None
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        name, _, *genes = (*line.split("\t"), "") if "\t" not in line else line.split("\t")
        kept = tuple(dict.fromkeys(gene.strip().upper() for gene in genes if gene.strip()))
        if not kept or not name.strip():
            raise AnalysisError(
                f"Line {number} of {path.name} is no gene set: it needs a name, a description and genes, with tabs "
                "between them."
            )
        if name.strip() in sets:
            raise AnalysisError(
                f"{path.name} has two sets called {name.strip()!r} (line {number}); give each its name."
            )
        sets[name.strip()] = kept
    if not sets:
        raise AnalysisError(f"{path.name} holds no gene set.")
    return sets


def readable(name: str) -> str:
    """`HALLMARK_TNFA_SIGNALING_VIA_NFKB` → `TNF-alpha signaling via NF-kB`; names of other collections without `_`."""
    if not name.startswith("HALLMARK_"):
        return name.replace("_", " ")
    words = name.removeprefix("HALLMARK_").lower().split("_")
    spelled = [_SPELLED.get(word, word.upper() if re.search(r"\d", word) else word) for word in words]
    text = " ".join(spelled)
    return text if words[0] in _SPELLED else text[0].upper() + text[1:]
