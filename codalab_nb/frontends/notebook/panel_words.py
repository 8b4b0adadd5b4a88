"""A data set in words and small tables, as HTML for the panel. All that comes from files goes through `safe`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath as Path

from codalab_nb.frontends.choosing.words import groups, plain, size
from codalab_nb.frontends.cli.text import count
from codalab_nb.frontends.notebook.panel_look import safe
from codalab_nb.model.dataset import KIND_WORDS, Profile
from codalab_nb.model.questions import open_points

# These have controls of their own in the panel.
ASKED_BY_CONTROLS = frozenset({"role_proposed", "reference_proposed", "samples_renamed", "levels_look_alike"})


def sentence(text: str) -> str:
    """A sentence of the site as HTML, `plain`; what stands in backquotes is set as code."""
    return re.sub(r"`([^`]{1,80})`", r"<code>\1</code>", safe(plain(text)))


def line(profile: Profile) -> str:
    """One line for a list: size and groups."""
    told = groups(profile.by_role("condition"))
    return size(profile) + (f"; {told}" if told else "")


def about(profile: Profile) -> str:
    """What it is and everything odd, as HTML."""
    said = [f"<p><b>{safe(size(profile))}.</b> {safe(_orientation(profile))} {safe(_values(profile))}</p>"]
    said += [
        f"<div class='codalab-odd'>{sentence(note.text)}</div>"
        for note in profile.notes()
        if note.code not in ASKED_BY_CONTROLS
    ]
    return "".join(said)


def reading(profile: Profile) -> str:
    """What was done while the file was read, as HTML; empty where it was plain."""
    return "".join(f"<li>{sentence(note.text)}</li>" for note in profile.reading)


def caption(profile: Profile, path: str) -> str:
    """The caption of a preview: a table that was made clean is called by the file it came from."""
    original = profile.original
    return f"First rows of {path}" if original is None else f"First rows of {Path(path).stem}, as read from {original}"


def questions(profile: Profile) -> list[str]:
    """What looks like a slip of spelling and may be put right with one click, in words."""
    asked = ("samples_renamed", "levels_look_alike")
    return [point.said for point in open_points(profile) if point.code in asked]


def table(rows: Sequence[Sequence[str]], columns: int, title: str) -> str:
    """The first rows of a file, cut to `columns` columns, as an HTML table with a caption for screen readers."""
    if not rows:
        return ""
    wide = max(len(row) for row in rows)
    head = "".join(f"<th scope='col'>{safe(cell)}</th>" for cell in rows[0][:columns])
    more = "<th>…</th>" if wide > columns else ""
    body = ""
    for row in rows[1:]:
        cells = "".join(f"<td{_number(cell)}>{safe(cell)}</td>" for cell in row[:columns])
        body += f"<tr>{cells}{'<td>…</td>' if wide > columns else ''}</tr>"
    return (
        f"<p class='codalab-soft'>{safe(title)}</p><div class='codalab-table' tabindex='0' role='region' "
        f"aria-label='{safe(title)}'><table><thead><tr>{head}{more}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _number(cell: str) -> str:
    return " class='codalab-number'" if re.fullmatch(r"\s*[-+]?[\d.,]+([eE][-+]?\d+)?\s*", cell) else ""


def _orientation(profile: Profile) -> str:
    sides = {
        "genes_in_rows": "Each row is a gene, each column a sample",
        "samples_in_rows": "Each row is a sample, each column a gene",
        "table": "A general table: each row is one case",
        "files": "No table of numbers was found",
    }
    why = f" ({profile.orientation_why})" if profile.orientation_why else ""
    return f"{sides[profile.orientation]}{why}."


def _values(profile: Profile) -> str:
    missing = f"{count(profile.missing, 'value')} missing" if profile.missing else "no value is missing"
    if not profile.is_matrix:
        return f"{missing[0].upper()}{missing[1:]}."
    between = (
        f", from {profile.value_min:g} to {profile.value_max:g}"
        if profile.value_min is not None and profile.value_max is not None
        else ""
    )
    said = " (as you said)" if profile.kind_source == "user" else ""
    return f"The values look like {KIND_WORDS[profile.kind]}{said}{between}; {missing}."
