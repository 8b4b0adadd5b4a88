import { type JupyterFrontEnd } from '@jupyterlab/application';
import { type Widget } from '@lumino/widgets';

/** A shell whose main area takes one document only, as that of Notebook 7. */
interface IRightShell {
  expandRight(id?: string): void;
}

/** Shows a document: in the main area, or beside the only document that a page of Notebook 7 has. */
export function show(shell: JupyterFrontEnd.IShell, widget: Widget): void {
  const beside = 'expandRight' in shell && 'isSidePanelVisible' in shell;
  if (!widget.isAttached) {
    if (beside) {
      shell.add(widget, 'right', { rank: 500 });
    } else {
      shell.add(widget, 'main');
    }
  }
  if (beside) {
    (shell as unknown as IRightShell).expandRight(widget.id);
  } else {
    shell.activateById(widget.id);
  }
}
