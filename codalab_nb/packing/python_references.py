"""What Python code mentions, read from its syntax tree."""

from __future__ import annotations

import ast
import posixpath

from codalab_nb.packing.constants import HOLE, Constants
from codalab_nb.packing.mentions import Kind, Reference, literal, text_references

# Calls whose text arguments name what is written, and calls whose texts are words for people or names of columns.
_WRITERS = frozenset(
    (
        *("savefig", "save", "savez", "savez_compressed", "savetxt", "dump", "imsave", "imwrite", "makedirs", "mkdir"),
        *("touch", "write_text", "write_bytes", "write_html", "write_image", "write_csv", "write_parquet"),
        *("write_json", "unlink", "remove", "rmdir", "rmtree"),
    )
)
_LABELS = frozenset(
    (
        *("print", "title", "suptitle", "xlabel", "ylabel", "set_title", "set_xlabel", "set_ylabel", "set", "legend"),
        *("text", "annotate", "groupby", "getattr", "setattr", "hasattr", "get", "pop", "display", "Markdown", "HTML"),
    )
)
_LISTERS = frozenset({"listdir", "walk", "scandir", "iterdir"})
_MODULES = frozenset({"glob", "io", "os", "gzip", "bz2", "lzma", "codecs", "builtins"})


def tree_references(tree: ast.Module, constants: Constants, source: str) -> list[Reference]:
    """The references of `tree`; `source` is its text, for expressions too deep to follow."""
    finder = _Finder(constants)
    try:
        finder.visit(tree)
    except RecursionError:  # an expression of thousands of terms; its texts can still be read
        return [*finder.found, *text_references(source)]
    return finder.found


class _Finder(ast.NodeVisitor):
    def __init__(self, constants: Constants) -> None:
        self.constants = constants
        self.found: list[Reference] = []
        self._kind = Kind.PATH
        self._word = False

    def visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.expr):
            holes: list[ast.expr] = []
            text = self.constants.text(node, holes)
            if text is not None and not isinstance(node, ast.Name):
                self.found += literal(text, kind=self._kind, word=self._word)
                for hole in holes:
                    self._look(hole)
                return
        super().visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        self.found += [Reference(Kind.MODULE, alias.name) for alias in node.names]

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        base = node.module or ""
        if base:
            self.found.append(Reference(Kind.MODULE, base, node.level))
        for alias in node.names:
            name = f"{base}.{alias.name}" if base else alias.name
            self.found.append(Reference(Kind.MODULE, name, node.level))

    def visit_Subscript(self, node: ast.Subscript) -> None:
        self._look(node.value)
        self._look(node.slice, word=True)

    def visit_Compare(self, node: ast.Compare) -> None:
        for part in (node.left, *node.comparators):
            self._look(part, word=True)

    def visit_Dict(self, node: ast.Dict) -> None:
        for key in node.keys:
            if key is not None:
                self._look(key, word=True)
        for value in node.values:
            self._look(value)

    def visit_Expr(self, node: ast.Expr) -> None:
        self._look(node.value, word=isinstance(node.value, ast.Constant))

    def visit_Call(self, node: ast.Call) -> None:
        function = node.func
        name = str(getattr(function, "attr", getattr(function, "id", "")))
        base = function.value if isinstance(function, ast.Attribute) else None
        folder = self.constants.text(base) if base is not None else None
        first = self.constants.text(node.args[0]) if node.args else None
        if name in ("glob", "iglob", "rglob") and first:
            self._glob(node, name, folder if base is not None and not _is_module(base) else None, first)
        elif listed := self._listed(node, name, folder, first):
            self.found.append(Reference(Kind.LISTED, listed))
        elif name in ("import_module", "__import__") and first:
            self.found.append(Reference(Kind.MODULE, first))
        elif name in ("append", "insert") and base is not None and ast.unparse(base) == "sys.path":
            added = self.constants.text(node.args[-1]) if node.args else None
            if added:
                self.found.append(Reference(Kind.SEARCHED, added))
        else:
            kind = Kind.WRITTEN if self._writes(node, name) else Kind.PATH
            self._look(function, kind=kind)
            for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
                self._look(argument, kind=kind, word=name in _LABELS)

    def _listed(self, node: ast.Call, name: str, folder: str | None, first: str | None) -> str | None:
        """The folder that `os.walk(first)`, `os.listdir()` or `folder.iterdir()` reads, where it is known."""
        if name not in _LISTERS or HOLE in (first or folder or ""):
            return None
        if isinstance(node.func, ast.Attribute) and not _is_module(node.func.value):
            return folder
        return first if node.args or name == "walk" else "."

    def _glob(self, node: ast.Call, name: str, folder: str | None, pattern: str) -> None:
        if pattern.startswith(HOLE):
            return
        for keyword in node.keywords:
            if keyword.arg == "root_dir":
                folder = self.constants.text(keyword.value)
        pattern = f"**/{pattern}" if name == "rglob" else pattern
        joined = posixpath.join(folder, pattern) if folder else pattern
        if not joined.startswith(HOLE):
            self.found.append(Reference(Kind.PATTERN, joined.replace(HOLE, "*")))

    def _writes(self, node: ast.Call, name: str) -> bool:
        if name == "open":
            on_path = isinstance(node.func, ast.Attribute) and not _is_module(node.func.value)
            modes = [keyword.value for keyword in node.keywords if keyword.arg == "mode"]
            modes += node.args[:1] if on_path else node.args[1:2]
            mode = modes[0].value if modes and isinstance(modes[0], ast.Constant) else "r"
            return isinstance(mode, str) and mode[:1] in ("w", "x") and "+" not in mode
        return name in _WRITERS or (name.startswith("to_") and name not in ("to_numeric", "to_datetime"))

    def _look(self, node: ast.AST, *, kind: Kind = Kind.PATH, word: bool = False) -> None:
        before = self._kind, self._word
        self._kind, self._word = kind, word
        self.visit(node)
        self._kind, self._word = before


def _is_module(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in _MODULES
