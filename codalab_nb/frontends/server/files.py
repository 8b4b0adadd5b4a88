"""The files of a result: listed with what they are, and taken away one by one."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePosixPath
from typing import Literal

from codalab_nb.errors import InputError
from codalab_nb.frontends.server.context import Context
from codalab_nb.frontends.server.operations import Download, operation
from codalab_nb.frontends.server.outgoing import plain
from codalab_nb.frontends.server.results import Bundle, Reported, bundle_of, reported
from codalab_nb.frontends.server.wire import results
from codalab_nb.model.bundle import RESERVED_FOLDER, FileRef

Kind = Literal["figure", "table", "notebook", "report", "other"]
_FIGURES = frozenset({".png", ".svg", ".jpg", ".jpeg", ".gif", ".pdf", ".tif", ".tiff", ".webp"})
TABLES = frozenset({".csv", ".tsv"})
WORKBOOKS = frozenset({".xlsx"})
_EXCEL = "For other programs. Opened in Excel, gene names as SEPT2 turn into dates; take the .xlsx for that."
_PICTURES = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}
_LARGEST_PICTURE = 20 << 20


@operation("listFiles", slow=True)
def list_files(context: Context, task: str) -> results.ResultFiles:
    bundle = bundle_of(context, task)
    own = [ref for ref in bundle.manifest.files if not ref.path.startswith(f"{RESERVED_FOLDER}/")]
    told = {file: one for one in reported(bundle) for file in one.files}
    # Files that differ in their ending only belong together, also where nobody reported them.
    stems = Counter(_stem(ref.path) for ref in own)
    listed = [_file(bundle, ref, told.get(ref.path), stems[_stem(ref.path)] > 1) for ref in own]
    order = {one: place for place, one in enumerate(told)}
    ranks = ["figure", "table", "report", "notebook", "other"]
    listed.sort(key=lambda one: (ranks.index(one.kind), order.get(one.path, len(order)), one.path))
    return results.ResultFiles(
        files=tuple(listed), skipped=tuple(map(plain, bundle.manifest.skipped)), folder=str(bundle.folder)
    )


@operation("getFile", slow=True)
def get_file(context: Context, task: str, path: str) -> Download:
    ref, place = bundle_of(context, task).file(path)
    return Download(place, PurePosixPath(ref.path).name)


@operation("getFigure")
def get_figure(context: Context, task: str, path: str) -> Download:
    """Shown by the page, so it is what its first bytes say, not its name; SVG may run scripts and is none of them."""
    ref, place = bundle_of(context, task).file(path)
    if ref.size > _LARGEST_PICTURE:
        told = f"The picture has {ref.size >> 20} MB; up to {_LARGEST_PICTURE >> 20} MB are shown."
        raise InputError("figure_size", told, "Download it.")
    with place.open("rb") as file:
        first = file.read(16)
    media = next((media for start, media in _PICTURES.items() if first.startswith(start)), None)
    if media is None:
        raise InputError("figure_unknown", f"{path} is no PNG, JPEG or GIF picture.", "Download it.")
    return Download(place, PurePosixPath(ref.path).name, media, inline=True)


def _file(bundle: Bundle, ref: FileRef, told: Reported | None, in_several: bool) -> results.ResultFile:
    kind = _kind(bundle, ref.path, told)
    group = f"{told.kind}:{told.name}" if told else _stem(ref.path) if in_several and kind != "notebook" else None
    return results.ResultFile(
        path=ref.path,
        size=ref.size,
        kind=kind,
        title=plain(told.title) if told else None,
        alt=plain(told.alt) if told and kind == "figure" else None,
        group=plain(group),
        note=_EXCEL if kind == "table" and PurePosixPath(ref.path).suffix.lower() in TABLES else "",
    )


def _kind(bundle: Bundle, path: str, told: Reported | None) -> Kind:
    ending = PurePosixPath(path).suffix.lower()
    if path == bundle.manifest.notebook:
        return "notebook"
    if told is not None:
        return "figure" if told.kind == "figure" else "table"
    if ending in _FIGURES:
        return "figure"
    if ending in TABLES | WORKBOOKS:
        return "table"
    return "report" if path == "report.html" else "other"


def _stem(path: str) -> str:
    return str(PurePosixPath(path).with_suffix(""))
