import { type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, showErrorMessage } from '@jupyterlab/apputils';
import { INotebookTracker, type NotebookPanel } from '@jupyterlab/notebook';

import { problemsOf } from '../core/errors';
import { logoIcon } from '../core/ui';
import { Command, type ICodalab, ICodalabToken, NOTEBOOK_PLUGIN } from '../tokens';
import { AnalyzeDialog } from './dialog';
import { AnalyzeModel, type INotebookSource, withoutOutputs } from './model';

/** Where the button, the entry of the context menu and the shortcut are declared: schema/notebook.json. */
export const notebook: JupyterFrontEndPlugin<void> = {
  id: NOTEBOOK_PLUGIN,
  description: 'Analyze in the toolbar of notebooks.',
  autoStart: true,
  requires: [ICodalabToken, INotebookTracker],
  optional: [ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    codalab: ICodalab,
    notebooks: INotebookTracker,
    palette: ICommandPalette | null
  ) => {
    const { commands } = app;
    const { trans } = codalab;
    const { contents } = app.serviceManager;
    const sourceOf = (panel: NotebookPanel): INotebookSource => ({
      path: contents.localPath(panel.context.path),
      content: withoutOutputs(panel.context.model.toJSON() as Record<string, unknown>)
    });
    const named = (path: string): INotebookSource => {
      const panel = notebooks.find(one => contents.localPath(one.context.path) === path);
      return panel ? sourceOf(panel) : { path, content: null };
    };
    const chosen = async (args: {
      path?: unknown;
      task?: unknown;
    }): Promise<{ source: INotebookSource | null; parameters: Record<string, unknown> }> => {
      if (typeof args.task === 'string') {
        const again = await codalab.api.get('/tasks/{task}/again', { path: { task: args.task } });
        return {
          source: again.notebook ? named(again.notebook) : null,
          parameters: again.parameters ?? {}
        };
      }
      const panel = notebooks.currentWidget;
      const source = typeof args.path === 'string' ? named(args.path) : panel && sourceOf(panel);
      return { source, parameters: {} };
    };
    commands.addCommand(Command.analyzeNotebook, {
      label: args => (args['toolbar'] ? trans.__('Analyze') : trans.__('Analyze This Notebook …')),
      caption: trans.__('Run this notebook on a worker, with settings of your choice'),
      icon: args => (args['toolbar'] ? logoIcon : undefined),
      isEnabled: args =>
        typeof args['path'] === 'string' ||
        typeof args['task'] === 'string' ||
        notebooks.currentWidget !== null,
      describedBy: {
        args: {
          type: 'object',
          properties: { path: { type: 'string' }, task: { type: 'string' }, toolbar: { type: 'boolean' } }
        }
      },
      execute: async args => {
        try {
          const { source, parameters } = await chosen(args);
          if (!source) {
            await showErrorMessage(
              trans.__('No notebook to analyze'),
              trans.__('Open the notebook first, then click Analyze in its toolbar.')
            );
            return;
          }
          const dialog = new AnalyzeDialog(new AnalyzeModel(source, codalab, parameters), {
            codalab,
            commands
          });
          await dialog.launch();
          if (dialog.task !== null) {
            await commands.execute(Command.openResult, { task: dialog.task });
          }
        } catch (error) {
          const told = problemsOf(error).map(problem => `${problem.message} ${problem.fix ?? ''}`);
          await showErrorMessage(trans.__('The notebook cannot be analyzed'), told.join('\n'));
        }
      }
    });
    notebooks.currentChanged.connect(() => commands.notifyCommandChanged(Command.analyzeNotebook));
    palette?.addItem({ command: Command.analyzeNotebook, category: 'CodaLab' });
  }
};
