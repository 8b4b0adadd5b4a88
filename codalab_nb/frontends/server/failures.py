"""Errors as answers: one body for all of them, and which status says it to programs."""

from __future__ import annotations

import http

from pydantic import ValidationError

from codalab_nb.errors import CodalabError, InputError, UnavailableError
from codalab_nb.frontends.choosing.words import plainly
from codalab_nb.frontends.server.wire.common import Failure, Problem
from codalab_nb.stores.ports import NotFound

_STATUS = {
    "too_large": 413,
    "task_ambiguous": 409,
    "not_found": 404,
    "no_result": 404,
    "task_open": 409,
    "upload_open": 409,
    "result_damaged": 409,
    "report_open": 409,
}


def status_of(error: CodalabError) -> int:
    """By the code of the first problem: what is not there is 404, what is there in another form is 409."""
    if isinstance(error, NotFound):
        return 404
    if isinstance(error, UnavailableError):
        return 503
    if not isinstance(error, InputError):
        return 500
    code = error.code
    if code in _STATUS:
        return _STATUS[code]
    return 404 if code.endswith("_unknown") else 409 if code.endswith("_conflict") else 400


def of_error(error: CodalabError) -> Failure:
    return Failure(
        errors=tuple(
            Problem(code=one.code, message=one.message, fix=one.fix, at=one.at) for one in map(plainly, error.problems)
        )
    )


def of_request(error: ValidationError) -> Failure:
    """What does not fit the model of the request, field by field."""
    problems = []
    for one in error.errors(include_url=False, include_context=False, include_input=False)[:50]:
        at = ".".join(map(str, one["loc"])) or None
        message = f"{at or 'The request'}: {one['msg']}."
        problems.append(
            Problem(code="request", message=message, fix="openapi.json says what the request may have.", at=at)
        )
    return Failure(errors=tuple(problems))


def of_status(status: int, message: str = "") -> Failure:
    """For what the web server itself refuses."""
    phrase = http.HTTPStatus(status).phrase
    words = {
        403: ("forbidden", "This server does not know you, or does not let you do that.", "Log in again."),
        404: ("not_found", "There is nothing at this address.", ""),
        405: ("method_not_allowed", "That cannot be done at this address.", ""),
        413: ("too_large", "The request is too large.", "Send large files as uploads."),
        500: (
            "unforeseen",
            "Something went wrong in the server that nobody foresaw. Nothing of yours is lost.",
            "Try again. The log of the Jupyter server has what happened: please report it.",
        ),
    }
    code, text, fix = words.get(status, (phrase.lower().replace(" ", "_"), f"{phrase}.", ""))
    return Failure(errors=(Problem(code=code, message=message or text, fix=fix),))
