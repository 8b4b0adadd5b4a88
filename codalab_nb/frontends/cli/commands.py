"""Every command with its flags: the words that scripts rely on."""

from __future__ import annotations

from codalab_nb.frontends.cli.grammar import Command, Grammar

_EXITS = """
Exit codes: 0 succeeded; 1 failed, cancelled or expired; 2 refused, nothing was
queued; 3 lost, or something needed is not available; 130 Ctrl-C: you stopped
watching, and what was submitted goes on."""

_POOL = """
Without a connection string, and without an account key, it is done as who is
signed in with Microsoft Entra (`az login`). Secrets are never flags: name the
variable or the file that holds them."""


def build_parser() -> Grammar:
    """The one grammar of command line and magics. `build_parser().parse(words)` gives what was asked."""
    grammar = Grammar(
        groups={"dataset": "list", "method": "list", "pool": "list", "config": "show"}
        | {"systematic": "status", "systematic rule": "list"},
        aliases={"datasets": "dataset", "methods": "method", "pools": "pool"},
    )
    _first_steps(grammar)
    _data(grammar)
    _work(grammar)
    _results(grammar)
    _systematic(grammar)
    _pools(grammar)
    _keeping(grammar)
    return grammar


def _first_steps(grammar: Grammar) -> None:
    grammar.section("First steps")
    demo = grammar.add("demo", "show the main job on real data, start to finish", "demo:demo")
    demo.add_argument("--lab", action="store_true", help="open JupyterLab on the results at the end")
    _json(demo)


def _data(grammar: Grammar) -> None:
    grammar.section("Data sets and methods")
    add = grammar.add("dataset add", "store tables as a data set, and say what is in them", "dataset:add")
    add.add_argument(
        "paths", nargs="+", metavar="PATH", help="a table (.csv, .tsv, .xlsx, .gct, .h5ad), or a folder with tables"
    )
    add.add_argument("--name", help="its name; default: the name of the first file")
    add.add_argument(
        "--samples",
        metavar="FILE|SHEET",
        help="the table that says which sample belongs to which group: a file, or a sheet of the workbook",
    )
    add.add_argument("--sheet", metavar="SHEET", help="the sheet of the workbook that holds the measurements")
    _meaning(add)
    listing = grammar.add("dataset list", "list the data sets", "dataset:show_all")
    _json(listing)
    show = grammar.add("dataset show", "show what is in a data set", "dataset:show")
    show.add_argument("dataset", metavar="DATASET", help="NAME, or NAME@2 for its second version")
    _json(show)
    change = grammar.add("dataset set", "say what a column or the values mean; makes a new version", "dataset:change")
    change.add_argument("dataset", metavar="DATASET")
    change.add_argument("--samples", metavar="FILE", help="another sample table, in place of the one it has")
    _meaning(change)
    remove = grammar.add("dataset rm", "remove data sets; results made from them stay", "dataset:remove")
    remove.add_argument("datasets", nargs="+", metavar="DATASET", help="NAME (all versions) or NAME@2 (one)")
    _json(remove)
    methods = grammar.add("method list", "list the methods, and which fit a data set", "method:show_all")
    methods.add_argument("--for", dest="dataset", metavar="DATASET", help="say for each whether it fits this data set")
    _json(methods)
    method = grammar.add("method show", "show what a method does, needs and takes", "method:show")
    method.add_argument("method", metavar="METHOD")
    _json(method)
    check = grammar.add("method check", "check a template notebook of your own", "method:check")
    check.add_argument("notebook", metavar="NOTEBOOK")
    check.add_argument("--run", metavar="DATASET", help="also run it on this data set, and look at what it reports")
    _json(check)


def _work(grammar: Grammar) -> None:
    grammar.section("Work")
    analyze = grammar.add(
        "analyze",
        "run methods on data sets, as one batch",
        "analyze:analyze",
        f"The id of the batch goes to stdout, all else to stderr. {_EXITS}",
    )
    analyze.add_argument("datasets", nargs="+", metavar="DATASET", help="NAME or NAME@2")
    analyze.add_argument(
        "-m", dest="methods", action="append", default=[], metavar="METHOD", help="a method; may be repeated"
    )
    analyze.add_argument(
        "-p",
        dest="parameters",
        action="append",
        default=[],
        metavar="[METHOD.]K=V",
        help="a parameter; may be repeated",
    )
    analyze.add_argument(
        "--sweep",
        action="append",
        default=[],
        metavar="[METHOD.]K=V1,V2",
        help="one task for each value; may be repeated",
    )
    _options(analyze)
    run = grammar.add(
        "run",
        "run a notebook on a worker",
        "run:run",
        f"The id of the task goes to stdout, all else to stderr. {_EXITS}",
    )
    run.add_argument("notebook", metavar="NOTEBOOK")
    run.add_argument(
        "-o", dest="copy", metavar="OUT.ipynb", help="write the executed notebook here too, also after a failure"
    )
    run.add_argument(
        "-p", dest="parameters", action="append", default=[], metavar="K=V", help="a parameter, in its declared type"
    )
    run.add_argument(
        "-r", dest="texts", action="append", default=[], metavar="K=TEXT", help="a parameter, always as text"
    )
    run.add_argument("-f", dest="file", metavar="PARAMS.json", help="parameters from a JSON file; -p and -r win")
    run.add_argument(
        "-i",
        dest="inputs",
        action="append",
        default=[],
        metavar="PARAM=…",
        help="a file, folder, data set, or TASK[:FILE] of an earlier task; PARAM receives its path",
    )
    run.add_argument("-k", dest="kernel", metavar="KERNEL", help="default: the notebook's own; `kernels` lists them")
    run.add_argument(
        "--include", action="append", default=[], metavar="GLOB", help="more files beside the notebook, as 'data/*.csv'"
    )
    run.add_argument("--dry-run", action="store_true", help="show what would be sent; nothing is stored")
    _options(run)


def _results(grammar: Grammar) -> None:
    grammar.section("Looking")
    status = grammar.add("status", "list tasks, or show one", "status:status")
    status.add_argument("reference", nargs="?", metavar="TASK|BATCH", help="an id, its ending, or @last")
    status.add_argument("--state", help="queued, running, succeeded, failed, cancelled, expired or lost")
    status.add_argument("--dataset", metavar="D")
    status.add_argument("--method", metavar="M")
    status.add_argument("--since", metavar="AGE", help="submitted within this time: 90m, 12h, 7d")
    status.add_argument("--limit", metavar="N", default="50", help="at most so many, newest first (default 50)")
    status.add_argument("--background", action="store_true", help="also what systematic analysis runs")
    _json(status)
    logs = grammar.add("logs", "show what a task printed", "logs:logs", "With -f the exit code is that of the verdict.")
    logs.add_argument("task", metavar="TASK")
    logs.add_argument("-f", dest="follow", action="store_true", help="go on until the task has ended")
    _json(logs)
    results = grammar.add("results", "show results, or copy them to a folder", "results:results")
    results.add_argument("references", nargs="+", metavar="TASK|BATCH")
    results.add_argument("--to", metavar="DIR", help="copy to a fresh folder for each task inside DIR")
    results.add_argument(
        "--format",
        metavar="F",
        help="notebook, html (one page), xlsx (tables), csv (tables and other files), or all (default)",
    )
    _json(results)
    grammar.section("Ending")
    for word, help_text in (
        ("cancel", "cancel tasks that have not ended"),
        ("rm", "remove tasks that have ended, with their results"),
    ):
        command = grammar.add(word, help_text, f"ending:{word}")
        command.add_argument("references", nargs="+", metavar="TASK|BATCH")
        _json(command)
    retry = grammar.add("retry", "run tasks again, as new tasks", "ending:retry")
    retry.add_argument("references", nargs="+", metavar="TASK|BATCH")
    retry.add_argument("--failed", action="store_true", help="only those that failed, expired or were lost")
    _json(retry)


def _systematic(grammar: Grammar) -> None:
    grammar.section("Systematic analysis: by itself, while nobody waits")
    recommend = grammar.add(
        "recommend",
        "say which methods to try on a data set, and why",
        "recommend:recommend",
        "Best first within each kind of question: scores of different kinds of\nquestion cannot be compared.",
    )
    recommend.add_argument("dataset", metavar="DATASET", help="NAME or NAME@2")
    recommend.add_argument("-k", metavar="N", default="3", help="at most so many for each kind of question (default 3)")
    _json(recommend)
    _json(grammar.add("systematic start", "let it run what the rules ask for, while nobody waits", "systematic:start"))
    status = grammar.add("systematic status", "show what it does, its budgets, and what is known", "systematic:status")
    status.add_argument("--matrix", action="store_true", help="also the table of data sets and methods, with scores")
    status.add_argument("--question", metavar="Q", help="only this kind of question in the table")
    status.add_argument("--why", metavar="DATASET", help="one data set: what stands in each cell of its row, and why")
    status.add_argument("--limit", metavar="N", help="at most so many data sets in the table (default 50)")
    _json(status)
    _json(grammar.add("systematic stop", "let it start nothing more; what it found stays", "systematic:stop"))
    add = grammar.add("systematic rule add", "add a rule: what to run on which data sets", "systematic_rules:add")
    add.add_argument("file", metavar="FILE", help="a TOML file, kept as it is")
    add.add_argument("--replace", action="store_true", help="in place of the rule of this name")
    _json(add)
    _json(grammar.add("systematic rule list", "list the rules", "systematic_rules:show_all"))
    show = grammar.add("systematic rule show", "print a rule as it was added", "systematic_rules:show")
    show.add_argument("rule", metavar="RULE")
    _json(show)
    remove = grammar.add("systematic rule rm", "remove rules; what they ran stays", "systematic_rules:remove")
    remove.add_argument("rules", nargs="+", metavar="RULE")
    _json(remove)


def _pools(grammar: Grammar) -> None:
    grammar.section("Workers elsewhere")
    create = grammar.add("pool create", "make a pool that workers on other machines can join", "pool:create", _POOL)
    create.add_argument("name", metavar="NAME")
    create.add_argument("--from", dest="outputs", metavar="FILE", help="the outputs of the template that made it")
    create.add_argument("--account", metavar="URL", help="the storage account: https://ACCOUNT.blob.core.windows.net")
    create.add_argument("--prefix", metavar="P", help="how its containers' names begin; default: the pool's name")
    _manage(create)
    create.add_argument(
        "--account-key-env", dest="key_env", metavar="VAR", help="the variable that holds the account's key"
    )
    create.add_argument("--account-key-file", dest="key_file", metavar="FILE", help="a file that holds it")
    _json(create)
    _json(grammar.add("pool list", "list the pools", "pool:show_all"))
    show = grammar.add("pool show", "show a pool: its workers, what waits, what ends soon", "pool:show")
    show.add_argument("pool", metavar="POOL")
    _json(show)
    invite = grammar.add("pool invite", "make a file with which one worker can join a pool", "pool:invite")
    invite.add_argument("pool", metavar="POOL")
    invite.add_argument("--expires", metavar="DURATION", help="how long it is good for; default: 30d")
    invite.add_argument("--to", metavar="FILE", help="where to write it; default: POOL-ID.invite, here")
    _json(invite)
    revoke = grammar.add("pool revoke", "end every invite of a pool; tasks that run go on", "pool:revoke", _POOL)
    revoke.add_argument("pool", metavar="POOL")
    _manage(revoke)
    _json(revoke)
    remove = grammar.add("pool rm", "forget a pool that has no open tasks", "pool:remove")
    remove.add_argument("pool", metavar="POOL")
    remove.add_argument("--queues", action="store_true", help="delete its queues, too")
    remove.add_argument("--yes", action="store_true", help="also when results of it can then not be read any more")
    _manage(remove)
    _json(remove)


def _manage(command: Command) -> None:
    command.add_argument(
        "--servicebus-connection-env",
        dest="connection_env",
        metavar="VAR",
        help="the variable that holds a connection string with Manage; it is not kept",
    )
    command.add_argument(
        "--servicebus-connection-file", dest="connection_file", metavar="FILE", help="a file that holds it"
    )


def _keeping(grammar: Grammar) -> None:
    grammar.section("Keeping house")
    _json(grammar.add("doctor", "look whether everything works here, and say what to do if not", "doctor:doctor"))
    _json(grammar.add("kernels", "list the kernels a notebook can run with", "kernels:kernels"))
    _json(grammar.add("config show", "list all settings, their values, and where those come from", "config:show"))
    clean = grammar.add("clean", "remove old results and what nobody needs any more", "keeping:clean")
    clean.add_argument(
        "--older-than", metavar="AGE", help="remove results older than this; default: the setting `retention`"
    )
    clean.add_argument("--dry-run", action="store_true", help="say what would be removed")
    _json(clean)
    _json(grammar.add("stop", "stop the background process; the next command starts it again", "keeping:stop"))
    uninstall = grammar.add("uninstall", "remove everything that codalab-nb stored for you", "keeping:uninstall")
    uninstall.add_argument("--keep-results", action="store_true", help="keep data sets, tasks and results")
    uninstall.add_argument("--yes", action="store_true", help="do not ask")
    _json(uninstall)
    monitor = grammar.add("monitor", "watch over tasks in the foreground, until Ctrl-C", "keeping:monitor")
    monitor.add_argument("--once", action="store_true", help="one pass, then end")
    monitor.add_argument("--rebuild", action="store_true", help="first rebuild a lost or damaged ledger from the store")


def _json(command: Command) -> None:
    command.add_argument("--json", action="store_true", help="print JSON for programs")


def _meaning(command: Command) -> None:
    command.add_argument(
        "--role",
        dest="roles",
        action="append",
        default=[],
        metavar="COLUMN=ROLE",
        help="condition, batch, pair (or subject), dose, time, event, target, or none; may be repeated",
    )
    command.add_argument(
        "--reference", metavar="LEVEL", help="the group of the condition that others are compared with"
    )
    command.add_argument(
        "--rename",
        dest="renames",
        action="append",
        default=[],
        metavar="COLUMN:OLD=NEW",
        help="call a group otherwise, or count it to another one; may be repeated",
    )
    command.add_argument("--accept", action="store_true", help="accept everything that is proposed")
    command.add_argument("--kind", metavar="KIND", help="what the values are: counts, linear or log")
    _json(command)


def _options(command: Command) -> None:
    command.add_argument("--timeout", metavar="DURATION", help="time limit of a task: 90s, 15m, 2h")
    command.add_argument("--memory", metavar="SIZE", help="memory limit of a task: 500M, 8G")
    command.add_argument("--network", action="store_true", help="let the notebook use the network")
    command.add_argument(
        "--pass-env",
        action="append",
        default=[],
        metavar="NAME",
        help="pass this variable of your environment; may be repeated",
    )
    command.add_argument(
        "--pool", metavar="P", default="local", help="who runs it: `pool list`; default: local, this machine"
    )
    command.add_argument("--no-wait", action="store_true", help="submit and return at once")
    _json(command)
