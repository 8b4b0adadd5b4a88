"""Texts and paths that are known before the code runs, worked out from its syntax tree."""

from __future__ import annotations

import ast
import posixpath
import re
from collections import Counter
from collections.abc import Iterable

HOLE = "\0"  # stands for a part that only the run will know

_PATHS = frozenset({"Path", "PurePath", "PosixPath", "PurePosixPath"})
_SAME = frozenset({"abspath", "realpath", "normpath", "expanduser", "fspath", "str", "resolve", "absolute", "as_posix"})
_HERE = frozenset({"cwd", "getcwd"})
_FORMAT = re.compile(r"\{[^{}]*\}")
_PERCENT = re.compile(r"%(?:\(\w+\))?[-+ 0#]*[\d.]*[a-zA-Z]")


class Constants:
    """Names assigned exactly once, at the top level, to something known. `file` is what `__file__` stands for."""

    def __init__(
        self, trees: Iterable[ast.Module], *, unknown: frozenset[str] = frozenset(), file: str | None = None
    ) -> None:
        self.names: dict[str, str] = {} if file is None else {"__file__": file}
        known = list(trees)
        stores = Counter(
            node.id
            for tree in known
            for node in ast.walk(tree)
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)
        )
        for tree in known:
            for statement in tree.body:
                if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
                    target: ast.expr = statement.targets[0]
                elif isinstance(statement, ast.AnnAssign):
                    target = statement.target
                else:
                    continue
                if isinstance(target, ast.Name) and stores[target.id] == 1 and target.id not in unknown:
                    text = self.text(statement.value) if statement.value else None
                    if text is not None:
                        self.names[target.id] = text

    def text(self, node: ast.expr, holes: list[ast.expr] | None = None) -> str | None:
        """What `node` evaluates to, with HOLE for unknown parts, or None. Unknown parts are added to `holes`."""
        found: list[ast.expr] = []
        try:
            text = self._text(node, found)
        except RecursionError:
            return None
        if text is None or not text.replace(HOLE, ""):
            return None
        if holes is not None:
            holes += found
        return text

    def _text(self, node: ast.expr, holes: list[ast.expr]) -> str | None:
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str) and HOLE not in node.value else None
        if isinstance(node, ast.Name):
            return self.names.get(node.id)
        if isinstance(node, ast.JoinedStr):
            return "".join(self._part(part, holes) for part in node.values)
        if isinstance(node, ast.BinOp):
            return self._operation(node, holes)
        if isinstance(node, ast.Attribute) and node.attr == "parent":
            inner = self._text(node.value, holes)
            return None if inner is None else posixpath.dirname(inner) or "."
        if isinstance(node, ast.Call):
            return self._call(node, holes)
        return None

    def _part(self, node: ast.expr, holes: list[ast.expr]) -> str:
        inner = node.value if isinstance(node, ast.FormattedValue) else node
        text = self._text(inner, holes)
        if text is None:
            holes.append(inner)
            return HOLE
        return text

    def _join(self, nodes: list[ast.expr], holes: list[ast.expr]) -> str | None:
        """The parts joined with slashes; a part that is unknown may hold slashes of its own."""
        parts = [self._part(node, holes) for node in nodes if not isinstance(node, ast.Starred)]
        return posixpath.join(*parts) if parts and len(parts) == len(nodes) else None

    def _operation(self, node: ast.BinOp, holes: list[ast.expr]) -> str | None:
        if isinstance(node.op, ast.Mod):
            left = self._text(node.left, holes)
            holes.append(node.right)
            return None if left is None else _PERCENT.sub(HOLE, left)
        if not isinstance(node.op, ast.Add | ast.Div):
            return None
        parts = [self._part(node.left, holes), self._part(node.right, holes)]
        if parts == [HOLE, HOLE] or parts[0] == HOLE:
            return None
        return posixpath.join(*parts) if isinstance(node.op, ast.Div) else "".join(parts)

    def _call(self, node: ast.Call, holes: list[ast.expr]) -> str | None:
        function = node.func
        if isinstance(function, ast.Name):
            if function.id in _PATHS:
                return self._join(node.args, holes) if node.args else "."
            return self._text(node.args[0], holes) if function.id in _SAME and len(node.args) == 1 else None
        if not isinstance(function, ast.Attribute):
            return None
        base = ast.unparse(function.value) if isinstance(function.value, ast.Name | ast.Attribute) else ""
        if function.attr in _PATHS and base == "pathlib":
            return self._join(node.args, holes) if node.args else "."
        if function.attr == "join" and base in ("os.path", "path", "osp", "posixpath"):
            return self._join(node.args, holes)
        if function.attr == "joinpath":
            return self._join([function.value, *node.args], holes)
        if function.attr in _HERE and base in ("Path", "pathlib.Path", "os"):
            return "."
        if function.attr == "home" and base in ("Path", "pathlib.Path"):
            return "~"
        if function.attr in _SAME and base in ("os", "os.path", "path", "osp"):
            return self._text(node.args[0], holes) if len(node.args) == 1 else None
        if function.attr in _SAME and not node.args:
            return self._text(function.value, holes)
        if function.attr == "format":
            left = self._text(function.value, holes)
            holes += node.args
            return None if left is None else _FORMAT.sub(HOLE, left)
        return None
