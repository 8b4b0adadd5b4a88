"""AnnData files (.h5ad): the matrix X, the sample table `obs`, the columns about genes `var`. Nothing else is opened.

The file is read with h5py. Soft links stay inside a file; links to other files, values stored in other files, and
virtual data sets made of them are refused. Sizes are looked at before anything is unpacked; there is no pickle in HDF5.
Source of the layout: https://anndata.readthedocs.io/en/stable/fileformat-prose.html (and the older one of 0.7).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import numpy.typing as npt
import pandas as pd

from codalab_nb.datasets.reading import ReadTable
from codalab_nb.errors import InputError

if TYPE_CHECKING:
    import h5py

SIGNATURE = b"\x89HDF\r\n\x1a\n"
MOST_VALUES = 60_000_000  # of the dense matrix: 480 MB as float64, three times that while it is written as a table
MOST_LABELS = 5_000_000


def read_h5ad(path: Path) -> ReadTable:
    """Genes in rows, cells or samples in columns; `samples` is `obs`. Raises InputError: missing_import,
    damaged_h5ad, h5ad_too_large."""
    try:
        import h5py
    except ImportError as error:
        raise InputError(
            "missing_import",
            f"{path.name} is an AnnData file, and the library that reads it (h5py) is not installed.",
            "Install it: pip install 'codalab-nb[analysis]'",
        ) from error
    try:
        with h5py.File(path, "r") as file:
            return _read(path, file)
    except (OSError, KeyError, ValueError, TypeError, IndexError, RuntimeError) as error:
        _refuse(path, str(error).splitlines()[0] if str(error) else type(error).__name__)


def _read(path: Path, file: h5py.File) -> ReadTable:
    for name in ("X", "obs", "var"):
        if name not in file:
            _refuse(path, f"it has no {name!r}")
    obs, var = _frame(path, file, "obs"), _frame(path, file, "var")
    values = _matrix(path, file, (len(obs), len(var)))
    id_name = str(var.index.name or "gene")
    id_name = id_name if id_name not in {"index", "_index"} else "gene"
    about = var.loc[:, [column for column in var.columns if _describes(var[column])]]
    about.columns = pd.Index([str(name) for name in about.columns])
    ids = pd.DataFrame({id_name: pd.Series([str(name) for name in var.index], dtype="object")})
    measured = pd.DataFrame(values.T, columns=pd.Index([str(name) for name in obs.index]))
    frame = pd.concat([ids, about.reset_index(drop=True), measured], axis=1)
    first = 1 + about.shape[1]
    samples = obs.reset_index(drop=True)
    samples.insert(0, "sample" if "sample" not in samples else "sample name", [str(name) for name in obs.index])
    return ReadTable(
        path.name,
        frame,
        "matrix",
        id_place=0,
        values=tuple(range(first, frame.shape[1])),
        attributes=pd.DataFrame(index=pd.Index([str(name) for name in obs.index])),
        orientation="genes_in_rows",
        orientation_why="the file is an AnnData file, whose variables are taken as genes",
        samples=samples,
    )


def _describes(column: pd.Series) -> bool:
    """Text about genes is kept; numbers about genes (means, dispersions) would be taken for samples."""
    return not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column)


def _open(path: Path, parent: Any, name: str) -> Any:
    """A member of a group. Links are followed inside the file only."""
    import h5py

    for part in name.split("/"):
        link = parent.get(part, getlink=True)
        if not isinstance(link, h5py.HardLink):
            _refuse(path, f"{name!r} is a link, which AnnData does not write and which is not followed")
        parent = parent[part]
    if isinstance(parent, h5py.Dataset) and (parent.is_virtual or parent.external):
        _refuse(path, f"the values of {name!r} are stored in another file")
    return parent


def _matrix(path: Path, file: h5py.File, shape: tuple[int, int]) -> npt.NDArray[np.float64]:
    """X as a dense array of shape (samples, genes)."""
    if shape[0] * shape[1] > MOST_VALUES:
        raise InputError(
            "h5ad_too_large",
            f"{path.name} holds {shape[0]:,} samples × {shape[1]:,} genes; at most {MOST_VALUES:,} values are read.",
            "Keep the samples or genes you need (highly variable genes, pseudo-bulk sums), and save a smaller file.",
        )
    node = _open(path, file, "X")
    if hasattr(node, "keys"):
        return _sparse(path, node, shape)
    if node.shape != shape:
        _refuse(path, f"X is {node.shape}, but obs and var name {shape}")
    return np.asarray(node[()], dtype=np.float64)


def _sparse(path: Path, node: Any, shape: tuple[int, int]) -> npt.NDArray[np.float64]:
    kind = _attribute(node, "encoding-type") or _attribute(node, "h5sparse_format")
    by_row = "csr" in kind
    if not by_row and "csc" not in kind:
        _refuse(path, f"X is stored as {kind or 'something'!r}, which is not known here")
    parts = {name: _open(path, node, name) for name in ("data", "indices", "indptr")}
    if parts["data"].size > shape[0] * shape[1] or parts["indices"].size != parts["data"].size:
        _refuse(path, "X holds more values than it has cells")
    data, indices, starts = (np.asarray(parts[name][()]) for name in ("data", "indices", "indptr"))
    n_outer, n_inner = shape if by_row else shape[::-1]
    if len(starts) != n_outer + 1 or starts[0] != 0 or starts[-1] != len(data) or (np.diff(starts) < 0).any():
        _refuse(path, "the rows of X do not begin where it says")
    if len(indices) and not 0 <= indices.min() <= indices.max() < n_inner:
        _refuse(path, "X names a gene or sample that does not exist")
    dense = np.zeros((n_outer, n_inner))
    dense[np.repeat(np.arange(n_outer), np.diff(starts)), indices] = data
    return dense if by_row else dense.T


def _frame(path: Path, file: h5py.File, name: str) -> pd.DataFrame:
    node = _open(path, file, name)
    if not hasattr(node, "keys"):
        return _old_frame(path, node)
    index_name = _attribute(node, "_index") or "_index"
    index = _column(path, node, index_name, None)
    order = [str(one) for one in node.attrs.get("column-order", [])] or [one for one in node if one != index_name]
    columns = {}
    for column in order:
        if column != "__categories" and column in node:
            values = _column(path, node, column, len(index))
            if values is not None:
                columns[column] = values
    return pd.DataFrame(columns, index=pd.Index(index, name=index_name if index_name != "_index" else None))


def _column(path: Path, parent: Any, name: str, length: int | None) -> Any:
    """Values of one column: numbers, or text with NaN; None for what is no column (nested tables)."""
    node = _open(path, parent, name)
    if hasattr(node, "keys"):
        if "codes" in node and "categories" in node:
            codes, labels = _open(path, node, "codes"), _open(path, node, "categories")
            return _decoded(path, codes, labels, length)
        if "values" in node and "mask" in node:  # nullable numbers or texts
            values, mask = _plain(path, _open(path, node, "values")), _plain(path, _open(path, node, "mask"))
            return np.where(mask, np.nan, values if values.dtype == object else values.astype(np.float64))
        return None
    if "categories" in node.attrs and "__categories" in parent:  # AnnData 0.7
        return _decoded(path, node, _open(path, parent, f"__categories/{name}"), length)
    return _plain(path, node)


def _decoded(path: Path, codes: Any, labels: Any, length: int | None) -> Any:
    known, places = _plain(path, labels), np.asarray(_plain(path, codes), dtype=np.int64)
    if (length is not None and len(places) != length) or (len(places) and places.max() >= len(known)):
        _refuse(path, "a column names a group that does not exist")
    texts = np.array([*map(str, known), np.nan], dtype=object)
    return texts[np.where(places < 0, len(known), places)]


def _plain(path: Path, node: Any) -> Any:
    if node.size is None or node.ndim != 1:
        _refuse(path, f"{node.name} is no column")
    if node.size > MOST_LABELS:
        _refuse(path, f"{node.name} has {node.size:,} entries")
    values = node[()]
    if values.dtype.kind in "OS":
        return np.array(
            [v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in values], dtype=object
        )
    return values


def _old_frame(path: Path, node: Any) -> pd.DataFrame:
    """AnnData before 0.7 wrote tables as one record per row."""
    if node.size > MOST_LABELS or not node.dtype.names:
        _refuse(path, f"{node.name} is no table")
    frame = pd.DataFrame.from_records(node[()])
    for name in frame.columns:
        if frame[name].dtype == object:
            frame[name] = [v.decode("utf-8", "replace") if isinstance(v, bytes) else v for v in frame[name]]
    return frame.set_index("index" if "index" in frame else frame.columns[0]).rename_axis(None)


def _attribute(node: Any, name: str) -> str:
    value = node.attrs.get(name, "")
    return value.decode() if isinstance(value, bytes) else str(value)


def _refuse(path: Path, why: str) -> NoReturn:
    raise InputError(
        "damaged_h5ad",
        f"{path.name} is no AnnData file that can be read here: {why.rstrip('.')}.",
        "Open it with anndata and write it again (`adata.write_h5ad`), or export X and obs as CSV.",
    )
