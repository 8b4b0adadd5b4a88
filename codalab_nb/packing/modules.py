"""Local modules: the files behind an `import`, where Python would look in the notebook's folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from codalab_nb.packing.folder import Folder


def find_module(folder: Folder, name: str, roots: Iterable[str]) -> Iterator[str]:
    """The file or the whole package that `import name` would load from the first of `roots` that has it.

    A package comes whole, with the data in it. In a folder without `__init__.py` only the module itself is taken.
    """
    parts = name.split(".")
    if not all(part.isidentifier() for part in parts):
        return
    for root in roots:
        found = list(_below(folder, "" if root == "." else root, parts))
        if found:
            yield from found
            return


def _below(folder: Folder, root: str, parts: list[str]) -> Iterator[str]:
    path = f"{root}/{parts[0]}" if root else parts[0]
    if path.startswith(("/", "..")):
        return
    if folder.at(f"{path}/__init__.py").is_file():
        yield path
    elif folder.at(f"{path}.py").is_file():
        yield f"{path}.py"
    elif folder.is_dir(path) and parts[1:]:
        yield from _below(folder, path, parts[1:])
    elif folder.is_dir(root or "."):
        yield from (match for match in folder.expand(f"{path}.*.so"))  # compiled for one machine, but for this one too
