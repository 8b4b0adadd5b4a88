"""What travels between the page and the server, as JSON: the one place that says so.

`openapi.json` is made from these models and from `routes.py` (`python -m codalab_nb.frontends.server.openapi`), and
the extension's TypeScript types from that. Times are ISO 8601 in UTC, sizes bytes, durations seconds. Text is text:
nothing in here is HTML.
"""
