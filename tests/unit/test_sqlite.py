"""A database that several threads use."""

from __future__ import annotations

import threading
from pathlib import Path

from codalab_nb.sqlite import Database

# Counts for about half a second, in C: whoever closes the connection meanwhile ends the process.
_LONG = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000000) SELECT count(*) AS n FROM n"


def test_closing_it_leaves_a_thread_its_answer(tmp_path: Path) -> None:
    for number in range(3):
        database = Database(tmp_path / f"{number}.db", "CREATE TABLE t (x);", rebuild_hint="")
        asking, answers = threading.Event(), []

        def ask(database: Database = database, asking: threading.Event = asking, answers: list[int] = answers) -> None:
            database.query("SELECT 1")
            asking.set()
            answers.append(database.query(_LONG)[0]["n"])

        thread = threading.Thread(target=ask)
        thread.start()
        asking.wait()
        database.close()
        thread.join()
        assert answers == [3_000_000]
