"""Every route of the REST interface, in one table: OpenAPI and handlers are held against it."""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import BaseModel

from codalab_nb.frontends.server.wire import common, datasets, methods, results, systematic, tasks

PREFIX = "/codalab/api"
BYTES = "application/octet-stream"


@dataclass(frozen=True)
class Query:
    """A query parameter. `many`: it may stand several times."""

    name: str
    description: str
    many: bool = False
    type: str = "string"


@dataclass(frozen=True)
class Route:
    """`answer`: a model, or a media type for bytes. In `path`, only `{path}` may hold slashes."""

    operation: str
    verb: str
    path: str
    summary: str
    answer: type[BaseModel] | str
    request: type[BaseModel] | str | None = None
    query: tuple[Query, ...] = field(default=())
    status: int = 200


_FILTERS = (
    Query("q", "words that must all stand in the label, data set, method, notebook or id"),
    Query("state", "a state; several: any of them", many=True),
    Query("dataset", "a data set, with or without @VERSION"),
    Query("method", "a method"),
    Query("batch", "a batch"),
)

_MATRIX = (
    Query("question", "a kind of question; without: all"),
    Query("q", "words that must all stand in the name of the data set"),
    Query("sort", "the key of a configuration: by its score; rows without one last"),
    Query("order", "`down` (best first, the default) or `up`; without `sort`, of the names"),
)

ROUTES: tuple[Route, ...] = (
    Route("openapi", "GET", "/openapi.json", "This document", "application/json"),
    Route("status", "GET", "/status", "Whether work is done here", common.Status),
    Route(
        "warm",
        "POST",
        "/warm",
        "Starts the background process and has a kernel warmed, ahead of a click",
        common.Status,
    ),
    Route("pools", "GET", "/pools", "Where tasks may run", common.PoolList),
    # --- data sets
    Route(
        "listDatasets",
        "GET",
        "/datasets",
        "The newest version of each data set",
        datasets.DatasetList,
        query=(Query("q", "words that must all stand in the name, groups or columns"),),
    ),
    Route(
        "addDataset", "POST", "/datasets", "Files become a data set", datasets.Dataset, datasets.AddDataset, status=201
    ),
    Route("getDataset", "GET", "/datasets/{reference}", "All that is known of one version", datasets.Dataset),
    Route(
        "setDataset",
        "PATCH",
        "/datasets/{reference}",
        "A person's word: a new version",
        datasets.Dataset,
        datasets.Answer,
    ),
    Route(
        "removeDataset", "DELETE", "/datasets/{reference}", "Removes one version (NAME@2) or all (NAME)", common.Done
    ),
    Route(
        "previewDataset",
        "GET",
        "/datasets/{reference}/preview",
        "The first rows",
        datasets.Preview,
        query=(Query("table", "`matrix` or `samples`"), Query("rows", "at most 200", type="integer")),
    ),
    Route("getSamples", "GET", "/datasets/{reference}/samples", "The sample table", datasets.SampleTable),
    Route(
        "setSamples",
        "PUT",
        "/datasets/{reference}/samples",
        "A new version with this sample table",
        datasets.Dataset,
        datasets.SampleTable,
    ),
    Route("listExamples", "GET", "/examples", "Data sets that come along", datasets.ExampleList),
    Route(
        "upload",
        "PUT",
        "/uploads/{upload}",
        "One file, streamed; the id is a UUID made by the page",
        datasets.Upload,
        BYTES,
        query=(Query("name", "the file's name"),),
        status=201,
    ),
    Route("dropUpload", "DELETE", "/uploads/{upload}", "Forgets an upload", common.Done),
    # --- methods and submitting
    Route(
        "listMethods",
        "GET",
        "/methods",
        "Methods, and which fit the chosen data sets",
        methods.MethodList,
        query=(Query("dataset", "a chosen data set", many=True),),
    ),
    Route(
        "getMethod",
        "GET",
        "/methods/{method}",
        "One method in full",
        methods.Method,
        query=(Query("dataset", "a chosen data set", many=True),),
    ),
    Route("methodFigure", "GET", "/methods/{method}/figure", "Its first figure on an example, a PNG", "image/png"),
    Route(
        "form",
        "POST",
        "/form",
        "Settings of the chosen methods for the chosen data sets",
        methods.Form,
        methods.FormRequest,
    ),
    Route("analyze", "POST", "/batches", "Submits data sets × methods", methods.Submitted, methods.Analyze, status=201),
    Route(
        "inspectNotebook",
        "POST",
        "/notebooks/inspect",
        "What submitting a notebook would send",
        methods.NotebookDraft,
        methods.InspectNotebook,
    ),
    Route(
        "runNotebook",
        "POST",
        "/tasks",
        "Submits a notebook, saved or not",
        methods.Submitted,
        methods.RunNotebook,
        status=201,
    ),
    # --- systematic analysis
    Route(
        "recommend",
        "GET",
        "/recommendations",
        "What to try on one data set, and why; looks at the data set first where that was not done",
        systematic.Advice,
        query=(Query("dataset", "NAME or NAME@VERSION"),),
    ),
    Route(
        "recommendKnown",
        "GET",
        "/recommendations/known",
        "What is known to do well on the chosen data sets; runs nothing",
        systematic.AdviceList,
        query=(Query("dataset", "a chosen data set", many=True),),
    ),
    Route("systematic", "GET", "/systematic", "Whether it is on, and what it does", systematic.SystematicStatus),
    Route("startSystematic", "POST", "/systematic/start", "Switches it on", systematic.SystematicStatus),
    Route("stopSystematic", "POST", "/systematic/stop", "Switches it off", systematic.SystematicStatus),
    Route(
        "matrix",
        "GET",
        "/systematic/matrix",
        "Data sets × configurations, a page of rows at a time",
        systematic.Matrix,
        query=(
            *_MATRIX,
            Query("offset", "rows to leave out", type="integer"),
            Query("limit", "at most 500", type="integer"),
        ),
    ),
    Route("matrixTable", "GET", "/systematic/matrix.csv", "The same as CSV, all rows", "text/csv", query=_MATRIX),
    # --- tasks
    Route(
        "listTasks",
        "GET",
        "/tasks",
        "Tasks, newest first",
        tasks.TaskPage,
        query=(
            *_FILTERS,
            Query("systematic", "`yes`: with those of systematic analysis"),
            Query("limit", "at most 500", type="integer"),
            Query("before", "`next` of the page before"),
        ),
    ),
    Route("act", "POST", "/tasks/act", "Cancels, retries or removes tasks", tasks.Acted, tasks.Act),
    Route("getTask", "GET", "/tasks/{task}", "One task in full", tasks.TaskDetail),
    Route("taskAgain", "GET", "/tasks/{task}/again", "Its choices, to be changed", tasks.Again),
    Route("getBatch", "GET", "/batches/{batch}", "The table of a batch", tasks.Batch),
    Route("batchAgain", "GET", "/batches/{batch}/again", "Its choices, to be changed", tasks.Again),
    Route("batchTable", "GET", "/batches/{batch}/table.csv", "The table of a batch as CSV", "text/csv"),
    # --- results
    Route(
        "liveNotebook", "GET", "/tasks/{task}/notebook", "The notebook with the outputs so far", results.LiveNotebook
    ),
    Route("log", "GET", "/tasks/{task}/log", "What was printed, when", results.Log),
    Route("listFiles", "GET", "/tasks/{task}/files", "The files of the result", results.ResultFiles),
    Route("getFile", "GET", "/tasks/{task}/files/{path}", "One file, as an attachment", BYTES),
    Route(
        "getFigure",
        "GET",
        "/tasks/{task}/figures/{path}",
        "A PNG, JPEG or GIF of the result, checked, to be shown",
        "image/png",
    ),
    Route(
        "getTable",
        "GET",
        "/tasks/{task}/tables/{path}",
        "The first rows of a table of the result",
        datasets.Preview,
        query=(Query("rows", "at most 1000", type="integer"),),
    ),
    Route(
        "getWorkbook",
        "GET",
        "/tasks/{task}/workbooks/{path}",
        "A table of the result for Excel, text kept as text",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ),
    Route("provenance", "GET", "/tasks/{task}/provenance", "What ran on what", results.Provenance),
    Route(
        "copy",
        "POST",
        "/tasks/{task}/copy",
        "Copies the notebook or a file beside a person's own",
        results.Copied,
        results.Copy,
        status=201,
    ),
    Route("report", "POST", "/tasks/{task}/report", "Makes report.html, in the sandbox", results.Report),
    Route("getReport", "GET", "/tasks/{task}/report.html", "The finished report, as an attachment", "text/html"),
)
