import { type ILabShell, type JupyterFrontEnd } from '@jupyterlab/application';
import { type Widget } from '@lumino/widgets';

/**
 * Shows a document of ours: as a tab of the main area, or, in Notebook 7 with its one document a page, in the right
 * side bar, beside the notebook. A widget that is shown already is brought to the front.
 */
export function show(app: JupyterFrontEnd, lab: ILabShell | null, widget: Widget): void {
  if (!widget.isAttached) {
    app.shell.add(widget, lab ? 'main' : 'right');
  }
  app.shell.activateById(widget.id);
}
