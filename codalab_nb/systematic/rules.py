"""Rules of systematic analysis: one TOML file each, written, read and shared by people. The text is kept as it came."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from codalab_nb.durable import make_folder, sync_folder
from codalab_nb.errors import CodalabError, InputError, UnavailableError
from codalab_nb.model.dataset import NAME
from codalab_nb.model.design import meant
from codalab_nb.systematic.rule import Budget, DatasetFilter, Rule, RuleMethod, parse_rule

__all__ = ["EVERYDAY", "Budget", "DatasetFilter", "Rule", "RuleBook", "RuleMethod", "decode", "parse_rule"]

_ENDING = ".toml"


class RuleBook:
    """The rules of one home: `NAME.toml` each in `folder`, which need not exist yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def names(self) -> list[str]:
        """Of all rules, also of damaged ones."""
        try:
            found = [path.name.removesuffix(_ENDING) for path in self.folder.glob(f"*{_ENDING}")]
        except OSError:
            return []
        return sorted(name for name in found if NAME.fullmatch(name))

    def all(self) -> list[Rule]:
        """Those that can be read, by priority, then by name; `damaged` tells of the others."""
        found = []
        for name in self.names():
            try:
                found.append(self.get(name))
            except CodalabError:
                continue
        return sorted(found, key=lambda rule: (-rule.priority, rule.name))

    def damaged(self) -> dict[str, CodalabError]:
        """Name of the file → what is wrong, for rules that somebody changed by hand and that are not followed."""
        found: dict[str, CodalabError] = {}
        for name in self.names():
            try:
                self.get(name)
            except CodalabError as error:
                found[name] = error
        return found

    def get(self, name: str) -> Rule:
        """Raises InputError (rule_unknown, or what is wrong with it), UnavailableError."""
        rule = parse_rule(self.text(name))
        if rule.name != name:
            raise InputError(
                "rule_name",
                f"The file {self._path(name)} holds a rule named {rule.name!r}.",
                f"Name it {name!r} in the file, or rename the file to {rule.name}{_ENDING}.",
            )
        return rule

    def text(self, name: str) -> str:
        """As it was given. Raises InputError (rule_unknown, rule_encoding), UnavailableError."""
        path = self._path(name)
        try:
            return decode(path.read_bytes(), str(path))
        except FileNotFoundError:
            raise self._unknown(name) from None
        except OSError as error:
            raise UnavailableError(
                "rule_unreadable", f"{path} cannot be read: {error.strerror}.", "Check its permissions."
            ) from error

    def add(self, text: str, *, replace: bool = False) -> Rule:
        """Raises InputError (what is wrong with it; rule_exists without `replace`), UnavailableError.

        The very same text again is no conflict.
        """
        rule = parse_rule(text)
        twin = next((name for name in self.names() if name.casefold() == rule.name.casefold()), None)
        if twin is not None and twin != rule.name:  # one file on disks that do not tell capitals apart
            raise InputError("rule_exists", f"There is a rule {twin!r} already.", "Choose another name.")
        try:
            self._write(self._path(rule.name), text.encode(), replace=replace)
        except FileExistsError:
            if self.text(rule.name) == text:
                return rule
            raise InputError(
                "rule_exists",
                f"There is a rule {rule.name!r} already, and it is another one.",
                "Choose another name, or say --replace.",
            ) from None
        except OSError as error:
            raise UnavailableError(
                "rules_not_writable",
                f"The rule cannot be written in {self.folder}: {error.strerror}.",
                "Is the disk full? May you write there?",
            ) from error
        return rule

    def remove(self, name: str) -> None:
        """Raises InputError(rule_unknown), UnavailableError."""
        try:
            self._path(name).unlink()
            sync_folder(self.folder)
        except FileNotFoundError:
            raise self._unknown(name) from None
        except OSError as error:
            raise UnavailableError(
                "rules_not_writable", f"{self._path(name)} cannot be removed: {error.strerror}.", "May you write there?"
            ) from error

    def _path(self, name: str) -> Path:
        if not NAME.fullmatch(name):
            raise self._unknown(name)
        return self.folder / f"{name}{_ENDING}"

    def _unknown(self, name: str) -> InputError:
        known = self.names()
        there = f"There are: {', '.join(known)}." if known else "There is none: `codalab-nb systematic rule add FILE`."
        return InputError("rule_unknown", f"There is no rule {name[:80]!r}.{meant(name, known)}", there)

    def _write(self, path: Path, data: bytes, *, replace: bool) -> None:
        make_folder(self.folder)
        fd, temporary = tempfile.mkstemp(dir=self.folder, prefix=".new-")
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(fd)
            if replace:
                Path(temporary).replace(path)
            else:
                os.link(temporary, path)
        finally:
            Path(temporary).unlink(missing_ok=True)
        sync_folder(self.folder)


def decode(data: bytes, path: str) -> str:
    """The text of a rule's file. Raises InputError(rule_encoding)."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError("rule_encoding", f"{path} is not UTF-8 text (line {line}).", "Save it as UTF-8.") from error


EVERYDAY = """\
# Every method with its defaults on every data set, a few at a time.
# It was added by `codalab-nb systematic start`, because there was no rule. Change it as you like:
# codalab-nb systematic rule show everyday > everyday.toml; codalab-nb systematic rule add --replace everyday.toml

name = "everyday"
description = "Every method with its defaults on every data set"

[budget]          # of the last 24 hours
cpu_hours = 4
tasks = 200
"""
"""What `systematic start` adds where there is no rule: the text, as `RuleBook.add` takes it."""
