import {
  ILabShell,
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { WidgetTracker } from '@jupyterlab/apputils';
import { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ILatexTypesetter, IRenderMimeRegistry } from '@jupyterlab/rendermime';

import { show } from '../core/places';
import { Command, type ICodalab, ICodalabToken, RESULT_PLUGIN } from '../tokens';
import { actions } from './actions';
import { ResultWidget } from './widget';

export const result: JupyterFrontEndPlugin<void> = {
  id: RESULT_PLUGIN,
  description: 'The live result of a task.',
  autoStart: true,
  requires: [ICodalabToken],
  optional: [
    ILabShell,
    ILayoutRestorer,
    IRenderMimeRegistry,
    ILatexTypesetter,
    IEditorLanguageRegistry,
    INotebookTracker,
    IDefaultFileBrowser
  ],
  activate: (
    app: JupyterFrontEnd,
    codalab: ICodalab,
    lab: ILabShell | null,
    restorer: ILayoutRestorer | null,
    rendermime: IRenderMimeRegistry | null,
    typesetter: ILatexTypesetter | null,
    languages: IEditorLanguageRegistry | null,
    notebooks: INotebookTracker | null,
    browser: IDefaultFileBrowser | null
  ) => {
    const { commands } = app;
    const { contents } = app.serviceManager;
    const page = { codalab, commands };
    const renderers = { rendermime, typesetter, languages };
    const doing = actions({
      codalab,
      commands,
      notebooks,
      contents,
      folder: () => (browser ? contents.localPath(browser.model.path) : '')
    });
    const tracker = new WidgetTracker<ResultWidget>({ namespace: 'codalab-result' });
    commands.addCommand(Command.openResult, {
      label: codalab.trans.__('Open Result'),
      describedBy: {
        args: { type: 'object', properties: { task: { type: 'string' } }, required: ['task'] }
      },
      execute: async args => {
        const task = typeof args['task'] === 'string' ? args['task'] : '';
        const open = tracker.find(widget => widget.task === task);
        const widget = open ?? new ResultWidget({ task, page, actions: doing, renderers });
        show(app, lab, widget);
        if (!open) {
          await tracker.add(widget);
        }
        return widget;
      }
    });
    void restorer?.restore(tracker, {
      command: Command.openResult,
      args: widget => ({ task: widget.task }),
      name: widget => widget.task
    });
  }
};
