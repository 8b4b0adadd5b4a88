"""Text from a file as text in Markdown."""

from __future__ import annotations


def safe(text: str) -> str:
    """Nothing in it becomes HTML, a link or emphasis."""
    for char in "\\&<>`*_[]|#":
        text = text.replace(char, {"<": "&lt;", ">": "&gt;", "&": "&amp;"}.get(char, "\\" + char))
    return text.replace("\n", " ")
