"""How displays look: one style sheet, with the colours of the page's theme where it has one."""

from __future__ import annotations

STYLE = """<style>
.codalab { font-family: var(--jp-ui-font-family, system-ui, sans-serif); font-size: var(--jp-ui-font-size1, 13px);
  line-height: 1.5; color: var(--jp-ui-font-color1, inherit) }
.codalab p { margin: .3em 0 }
.codalab .codalab-head { display: flex; flex-wrap: wrap; gap: .2em .8em; align-items: baseline }
.codalab .codalab-state { font-weight: 600; padding: 0 .6em; border-radius: 1em; border: 1px solid currentColor }
.codalab .queued, .codalab .cancelled { color: var(--jp-ui-font-color2, #616161) }
.codalab .running { color: var(--jp-brand-color1, #1565c0) }
.codalab .succeeded { color: var(--jp-success-color0, #1b6e20) }
.codalab .failed, .codalab .expired, .codalab .lost { color: var(--jp-error-color1, #c62828) }
.codalab .soft, .codalab .note, .codalab .url { color: var(--jp-ui-font-color2, #616161) }
.codalab progress { width: 9em; height: .6em; vertical-align: middle }
.codalab pre { font-family: var(--jp-code-font-family, ui-monospace, monospace);
  font-size: var(--jp-code-font-size, 13px); line-height: 1.35; margin: .2em 0; white-space: pre; overflow: auto;
  max-height: 24em; color: inherit; background: transparent }
.codalab .codalab-stream pre { display: flex; flex-direction: column-reverse } /* of a long one, the end is in sight */
.codalab-static .codalab pre { white-space: pre }
.codalab pre.error, .codalab-static .codalab pre.error { padding-left: .6em; white-space: pre-wrap;
  border-left: 3px solid var(--jp-error-color1, #c62828) }
.codalab pre.source, .codalab pre.fenced { padding: .4em .6em;
  background: var(--jp-layout-color2, rgba(128, 128, 128, .12)) }
.codalab .codalab-cell { margin: .3em 0; padding-left: .7em; border-left: 2px solid var(--jp-border-color2, #bdbdbd) }
.codalab summary { cursor: pointer; font-size: .9em; color: var(--jp-ui-font-color2, #616161) }
.codalab figure { margin: .4em 0 } .codalab img { max-width: 100%; height: auto; background: #fff }
.codalab .wide { overflow-x: auto } .codalab table { border-collapse: collapse; margin: .3em 0 }
.codalab th, .codalab td { text-align: left; vertical-align: top; padding: .15em 1em .15em 0; background: transparent;
  border: 0; border-bottom: 1px solid var(--jp-border-color2, rgba(128, 128, 128, .35)); white-space: normal }
.codalab-live .codalab-cells { margin: .3em 0; padding-left: .7em;
  border-left: 2px solid var(--jp-border-color2, #bdbdbd) }
.codalab table .number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
.codalab-static .codalab table td, .codalab-static .codalab table th { text-align: left }
.codalab-static .codalab table .number { text-align: right }
.codalab h2 { font-size: 1.2em } .codalab h3, .codalab h4, .codalab h5, .codalab h6 { font-size: 1.05em }
.codalab h2, .codalab h3, .codalab h4, .codalab h5, .codalab h6 { margin: .6em 0 .2em; font-weight: 600 }
.codalab ul, .codalab ol { margin: .2em 0; padding-left: 1.6em }
.codalab code { background: var(--jp-layout-color2, rgba(128, 128, 128, .15)); padding: 0 .25em }
.codalab-frame { width: 100%; border: 1px solid var(--jp-border-color2, #bdbdbd); resize: vertical; overflow: auto;
  background: #fff }
</style>"""


def wrapped(body: str) -> str:
    # MathJax would make a formula of a file called `$x$`, and a link of one.
    return body and f'<div class="codalab mathjax_ignore tex2jax_ignore">{body}</div>'
