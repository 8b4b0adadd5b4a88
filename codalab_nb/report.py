"""What a notebook calls to hand over its results: numbers, figures and tables.

    from codalab_nb import report
    report.metric("genes_found", 691)
    report.figure(fig, "volcano", alt="Each dot is a gene …")
    report.table(frame, "genes")

Files are written into the current folder, which is the task's own; everything is shown in the notebook too.
"""

from __future__ import annotations

import base64
import contextlib
import io
import math
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codalab_nb import workbook

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

REPORT_TYPE = "application/vnd.codalab.report+json"  # the mime type by which a worker finds what was reported
MOST_CELLS = 1_000_000  # of a workbook
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@dataclass
class Captured:
    """What was reported inside `captured`, the last of each name; tables as they were given."""

    metrics: dict[str, float] = field(default_factory=dict)
    figures: list[str] = field(default_factory=list)
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)


_captured: Captured | None = None


@contextlib.contextmanager
def captured() -> Iterator[Captured]:
    """Inside it nothing is written or shown: what is reported is kept, for who runs a notebook's cells to compare."""
    global _captured
    before, _captured = _captured, Captured()
    try:
        yield _captured
    finally:
        _captured = before


def metric(name: str, value: float) -> None:
    """Reports one finite number. Raises ValueError for another value, or a name that is none."""
    _check_name(name)
    if hasattr(value, "item") and getattr(value, "size", 1) == 1:  # numpy's numbers
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"metric {name!r} must be a finite number; found {value!r}")
    if _captured is not None:
        _captured.metrics[name] = value
        return
    _publish({REPORT_TYPE: {"metric": name, "value": value}, "text/plain": f"{name} = {value}"})


def figure(fig: Figure, name: str, *, title: str | None = None, alt: str | None = None) -> None:
    """Saves a matplotlib figure as NAME.png (150 dpi) and NAME.svg, and shows it; `alt` is for those who cannot see it.

    Raises ValueError for a name that cannot be a file name.
    """
    import matplotlib as mpl

    _check_name(name)
    if _captured is not None:
        _captured.figures.append(name)
        return
    description = alt or title or name
    image = io.BytesIO()
    fig.savefig(image, format="png", dpi=150, facecolor="white", metadata={"Description": description})
    Path(f"{name}.png").write_bytes(image.getvalue())
    # Text stays text, and two runs give the same bytes.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        fig.savefig(f"{name}.svg", dpi=150, facecolor="white", metadata={"Date": None, "Description": description})
    reported = {"figure": name, "title": title or name, "alt": description, "files": [f"{name}.png", f"{name}.svg"]}
    width, height = (round(float(inches) * 96) for inches in fig.get_size_inches())
    _publish(
        {"image/png": base64.b64encode(image.getvalue()).decode(), REPORT_TYPE: reported, "text/plain": description},
        {"image/png": {"alt": description, "width": width, "height": height}},
    )


def table(df: pd.DataFrame, name: str, *, title: str | None = None, rows: int = 20) -> None:
    """Writes the whole table as NAME.csv and, for Excel, NAME.xlsx; shows its first `rows` rows.

    In the workbook, text stays text: `SEPT2` never becomes a date, `=1+1` no formula, `007` no number. It is left out
    for a table of more than a million cells, which would take seconds; the line above the table then says so. In the
    .csv, text that a spreadsheet would run as a formula gets a leading apostrophe. The row names are written if they
    have a name. Two runs give the same bytes. Raises ValueError for a name that cannot be a file name.
    """
    _check_name(name)
    if _captured is not None:
        _captured.tables[name] = df
        return
    with_index = any(label is not None for label in df.index.names)
    whole = df.reset_index() if with_index else df
    safe = whole.copy(deep=False)
    for place, dtype in enumerate(whole.dtypes):
        if dtype.kind not in "biufcmM":
            safe.isetitem(place, list(map(_harmless, whole.iloc[:, place])))
    safe.columns = [_harmless(column) for column in whole.columns]
    safe.to_csv(f"{name}.csv", index=False, lineterminator="\n")
    files = [f"{name}.csv"]
    if whole.size <= MOST_CELLS and whole.shape[1] <= workbook.MAX_COLUMNS and len(whole) < workbook.MAX_ROWS:
        workbook.write(Path(f"{name}.xlsx"), [workbook.from_frame(whole, name)])
        files.append(f"{name}.xlsx")
    where = " and ".join(files) + ("" if len(files) > 1 else " (too large for a workbook)")
    shown = df.head(rows)
    left = (
        f"{len(df):,} rows; the first {len(shown)} are shown. All: {where}"
        if len(df) > rows
        else f"All rows; also in {where}"
    )
    caption = f"{title}. {left}" if title else left
    reported = {"table": name, "title": title or name, "rows": len(df), "files": files}
    html = _html(shown, caption, with_index)
    _publish(
        {"text/html": html, REPORT_TYPE: reported, "text/plain": f"{caption}\n{shown.to_string(index=with_index)}"}
    )


def _html(shown: pd.DataFrame, caption: str, with_index: bool) -> str:
    import html

    plain = shown.reset_index() if with_index else shown
    return f"<p>{html.escape(caption)}</p>\n" + plain.to_html(
        index=False, escape=True, float_format=_short, border=0, na_rep=""
    )


def _short(number: float) -> str:
    return f"{number:.3g}" if abs(number) < 1e-3 or abs(number) >= 1e6 else f"{number:,.3f}".rstrip("0").rstrip(".")


def _harmless(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_STARTS) else value


def _check_name(name: str) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(
            f"not a name to report under: {name!r} (a letter, then letters, digits, '_', '.', '-'; at most 64)"
        )


def _publish(data: dict[str, Any], metadata: dict[str, Any] | None = None) -> None:
    """Into the notebook where there is one, else as text to standard output."""
    if "IPython" in sys.modules:
        from IPython import get_ipython
        from IPython.display import publish_display_data

        if get_ipython() is not None:
            publish_display_data(data, metadata or {})
            return
    sys.stdout.write(data["text/plain"] + "\n")
