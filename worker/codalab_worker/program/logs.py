"""The worker's log on standard error: lines for people, or JSON objects for programs; no credential in either."""

from __future__ import annotations

import datetime as dt
import json
import logging
import sys
from typing import Literal

from codalab_nb.redaction import RedactingFormatter, redact

LogFormat = Literal["text", "json"]


class JsonFormatter(logging.Formatter):
    """One JSON object a line: at (ISO 8601, UTC), level, logger, message, process, and error where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(record.getMessage()),
            "process": record.process,
        }
        if record.exc_info:
            line["error"] = redact(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


def configure(form: LogFormat) -> None:
    handler = logging.StreamHandler(sys.stderr)
    text = RedactingFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    handler.setFormatter(JsonFormatter() if form == "json" else text)
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for talkative in ("asyncio", "azure"):  # the SDK tells each request
        logging.getLogger(talkative).setLevel(logging.WARNING)
