"""Variables that travel to a worker and back: JSON values, numpy arrays, pandas DataFrames. Nothing is ever pickled.

A folder holds one file for each variable, and `variables.json`, which says what they are:

    NAME.json    None, bool, int, float, str, and lists and dicts (with text keys) of these
    NAME.npy     numpy arrays and numbers, read with `allow_pickle=False`
                 https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
    NAME.arrow   DataFrames with their dtypes and index, as Arrow IPC
                 https://arrow.apache.org/docs/format/Columnar.html#ipc-file-format

What comes back from a worker is data only: reading it runs nothing.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

INDEX = "variables.json"
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_DEEPEST = 100
_WHAT_CAN = "What can: None, bool, int, float, str, lists and dicts of these, numpy arrays, pandas DataFrames."
_SUFFIXES = {"json": ".json", "array": ".npy", "number": ".npy", "table": ".arrow"}


class NotPortableError(TypeError):
    """A variable that cannot travel, and why, in words. `problems`: one sentence each."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


def write(folder: str | Path, values: Mapping[str, Any]) -> None:
    """Writes `values` into `folder`, which is made. Raises NotPortableError with every variable that cannot travel."""
    problems = [why for name, value in values.items() if (why := _refused(name, value))]
    if problems:
        raise NotPortableError(problems)
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    index: dict[str, dict[str, str]] = {}
    taken: set[str] = set()
    for name, value in values.items():
        kind = _kind(value)
        file = name + _SUFFIXES[kind]
        while file.casefold() in taken:  # `x` and `X` are one file on some systems
            file = f"_{file}"
        taken.add(file.casefold())
        index[name] = {"kind": kind, "file": file}
        try:
            _WRITERS[kind](target / file, value)
        except NotPortableError as error:
            problems.extend(f"{name} {problem}" for problem in error.problems)
        except ValueError as error:  # an integer of thousands of digits
            problems.append(f"{name} cannot travel: {error}.")
    if problems:
        raise NotPortableError(problems)
    (target / INDEX).write_text(json.dumps({"version": 1, "variables": index}, indent=1), encoding="utf-8")


_prepared: list[Path] = []


def prepare(folder: str) -> None:
    """Settles where `hand_over` will write: whatever the notebook makes of its folder afterwards."""
    target = Path(folder).absolute()
    target.mkdir()
    _prepared[:] = [target]


def hand_over(names: Iterable[str], namespace: Mapping[str, Any] | None = None) -> None:
    """Writes the named variables (of the running notebook) where `prepare` settled.

    Raises NotPortableError also for those that were never set.
    """
    if namespace is None:
        from IPython import get_ipython

        namespace = get_ipython().user_ns
    names = list(names)
    unset = [f"The cell did not set {name}, which -o asks for." for name in names if name not in namespace]
    if unset:
        raise NotPortableError(unset)
    write(_prepared[0], {name: namespace[name] for name in names})


def read(folder: str | Path, names: Iterable[str] | None = None) -> dict[str, Any]:
    """The variables in `folder`, or those of them that are named. Raises ValueError for what is none of our files."""
    source = Path(folder)
    told = _sound(_read_json, source / INDEX)
    listed = told.get("variables") if isinstance(told, dict) and told.get("version") == 1 else None
    if not isinstance(listed, dict):
        raise ValueError(f"{source / INDEX} does not list variables")
    found = {}
    for name in listed if names is None else names:
        entry = listed.get(name)
        entry = entry if isinstance(entry, dict) else {}
        kind = entry.get("kind")
        if not isinstance(kind, str) or kind not in _SUFFIXES or not NAME.fullmatch(name):
            raise ValueError(f"{source / INDEX} does not hold {name!r}")
        file = str(entry.get("file", ""))
        if file.lstrip("_") != name.lstrip("_") + _SUFFIXES[kind]:
            raise ValueError(f"{file!r} is not a file of the variable {name!r}")
        found[name] = _sound(_READERS[kind], source / file)
    return found


def _sound(reader: Callable[[Path], Any], path: Path) -> Any:
    """What the reader makes of it. Raises ValueError in one sentence for whatever else a forged file makes it do."""
    try:
        return reader(path)
    except (NotPortableError, OSError):
        raise
    except Exception as error:  # noqa: BLE001 - the file came from a sandbox: any library may stumble over it
        raise ValueError(f"{path.name} is damaged ({type(error).__name__}: {str(error)[:200]})") from None


# --- what may travel


def _kind(value: object) -> str:
    module = type(value).__module__.partition(".")[0]
    if module == "pandas":
        return "table"
    if module == "numpy":
        import numpy as np

        return "number" if isinstance(value, np.generic) else "array"
    return "json"


def _refused(name: str, value: object) -> str | None:
    """Why this variable cannot travel; None when nothing speaks against it so far."""
    if not NAME.fullmatch(name):
        return f"{name!r} cannot travel: a name of plain letters, digits and _ is needed, at most 64."
    kind = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
    if _kind(value) == "table":
        import pandas as pd

        if type(value) is pd.DataFrame:
            return None
        near = f"{name}.to_frame()" if isinstance(value, pd.Series | pd.Index) else "a DataFrame"
        return f"{name} is a {kind}, which cannot travel. Send {near}."
    if _kind(value) in ("array", "number"):
        import numpy as np

        if type(value) is np.ndarray or isinstance(value, np.generic):
            if value.dtype.hasobject:
                return f"{name} is an array of Python objects, which would have to be pickled. Give it a plain dtype."
            return None
        near = f"Send numpy.asarray({name})." if isinstance(value, np.ndarray) else _WHAT_CAN
        return f"{name} is a {kind}, which cannot travel. {near}"
    if (why := _not_json(value, name, 0)) is not None:
        return why
    return None


def _not_json(value: object, where: str, depth: int) -> str | None:
    if value is None or type(value) in (bool, int, float, str):
        return None
    if depth >= _DEEPEST:
        return f"{where} is nested more than {_DEEPEST} deep, which cannot travel."
    if type(value) is list:
        parts: Iterable[tuple[str, object]] = ((f"{where}[{i}]", part) for i, part in enumerate(value))
    elif type(value) is dict:
        odd = next((key for key in value if type(key) is not str), None)
        if odd is not None:
            return f"{where} has the key {odd!r}; only text keys can travel."
        parts = ((f"{where}[{key!r}]", part) for key, part in value.items())
    elif type(value) in (tuple, set, frozenset):
        return f"{where} is a {type(value).__name__}, which cannot travel. Send list({where})."
    else:
        return f"{where} is a {type(value).__name__}, which cannot travel. {_WHAT_CAN}"
    return next((why for name, part in parts if (why := _not_json(part, name, depth + 1))), None)


# --- how each kind is written


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=True), encoding="ascii")


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _write_array(path: Path, value: Any) -> None:
    import numpy as np

    with path.open("wb") as file:
        np.lib.format.write_array(file, np.asanyarray(value), allow_pickle=False)


def _read_array(path: Path) -> Any:
    import numpy as np

    with path.open("rb") as file:
        version = np.lib.format.read_magic(file)
        reader = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = reader(file)
        if math.prod(shape) * dtype.itemsize > path.stat().st_size:
            raise ValueError("its header names more values than the file holds")
        file.seek(0)
        return np.lib.format.read_array(file, allow_pickle=False)


def _read_number(path: Path) -> Any:
    return _read_array(path)[()]


def _write_table(path: Path, frame: Any) -> None:
    arrow = _arrow()
    _check_columns(frame, arrow)
    with arrow.OSFile(str(path), "wb") as sink:
        table = _to_arrow(frame, arrow)
        with arrow.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)


def _read_table(path: Path) -> Any:
    arrow = _arrow()
    with arrow.memory_map(str(path)) as source:
        # Copied out of the map: the file may go while the frame is used.
        return arrow.ipc.open_file(source).read_all().to_pandas(split_blocks=False)


def _check_columns(frame: Any, arrow: Any) -> None:
    """What would come back different is refused: an empty copy is sent to Arrow and back first."""
    odd = "is a DataFrame whose column names are not all of one kind; rename them: df.columns = df.columns.map(str)."
    if len({type(label) for label in frame.columns}) > 1:
        raise NotPortableError([odd])
    try:
        back = _to_arrow(frame.head(0), arrow).to_pandas()
        same = back.columns.equals(frame.columns) and back.index.names == frame.index.names
    except NotPortableError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever Arrow and pandas say about labels and dtypes they do not know
        raise NotPortableError([f"is a DataFrame that cannot travel: {error}."]) from None
    if not same:
        raise NotPortableError([odd])
    changed = [str(name) for name, old, new in zip(frame.columns, frame.dtypes, back.dtypes, strict=True) if old != new]
    if changed:
        raise NotPortableError([f"is a DataFrame whose column {changed[0]!r} would come back with another dtype."])


def _to_arrow(frame: Any, arrow: Any) -> Any:
    try:
        table = arrow.Table.from_pandas(frame, nthreads=1)
    except UnicodeEncodeError:
        raise NotPortableError(["is a DataFrame with text that is no valid Unicode (lone surrogates)."]) from None
    except (ValueError, arrow.ArrowInvalid, arrow.ArrowTypeError, arrow.ArrowNotImplementedError) as error:
        words = str(error.args[-1] if len(error.args) > 1 else error).removeprefix("Conversion failed for ").rstrip(".")
        raise NotPortableError([f"is a DataFrame that cannot travel: {words}."]) from None
    for field in table.schema:
        if arrow.types.is_nested(field.type):
            raise NotPortableError([f"is a DataFrame whose column {field.name!r} holds lists or dicts; make it text."])
    kept = (arrow.types.is_boolean, arrow.types.is_integer, arrow.types.is_floating, arrow.types.is_temporal)
    for field, dtype in zip(table.schema, frame.dtypes, strict=False):  # columns of the index come behind
        # Plain dates and times of day stay objects; numbers and moments would come back with a dtype of their own.
        plain = arrow.types.is_date(field.type) or arrow.types.is_time(field.type)
        if dtype.kind == "O" and str(dtype) == "object" and any(test(field.type) for test in kept) and not plain:
            told = f"is a DataFrame whose column {field.name!r} has dtype object but holds {field.type}"
            raise NotPortableError([f"{told}; give it that dtype (df.convert_dtypes())."])
    return table


def _arrow() -> Any:
    try:
        import pyarrow
        import pyarrow.ipc
        import pyarrow.types
    except ModuleNotFoundError:
        raise NotPortableError(["is a DataFrame, and DataFrames travel by pyarrow: pip install pyarrow."]) from None
    return pyarrow


_WRITERS = {"json": _write_json, "array": _write_array, "number": _write_array, "table": _write_table}
_READERS = {"json": _read_json, "array": _read_array, "number": _read_number, "table": _read_table}
