/** What one can do with a result, besides looking at it. Each throws as Api.request does. */
import { PathExt } from '@jupyterlab/coreutils';
import { type INotebookTracker, type NotebookPanel } from '@jupyterlab/notebook';
import { type Contents } from '@jupyterlab/services';
import { type CommandRegistry } from '@lumino/commands';

import { type ICodalab } from '../core/codalab';
import { Refused } from '../core/errors';
import { Command } from '../tokens';

export interface IActions {
  cancel(task: string): Promise<void>;
  /** Runs it once more, and opens the new one. */
  retry(task: string): Promise<void>;
  copyAndChange(task: string): Promise<void>;
  /** Copies the executed notebook beside a person's own, and opens it. Says where it is. */
  openCopy(task: string): Promise<string>;
  /** Copies the table beside the notebook last used, and puts a cell that reads it below the active one. */
  bringTable(task: string, file: string): Promise<string>;
  openTask(task: string): Promise<void>;
}

interface IParts {
  codalab: ICodalab;
  commands: CommandRegistry;
  notebooks: INotebookTracker | null;
  contents: Contents.IManager;
  /** The folder that the file browser shows. */
  folder: () => string;
}

export function actions(parts: IParts): IActions {
  const { codalab, commands } = parts;
  const act = async (action: 'cancel' | 'retry', task: string): Promise<string | null> => {
    const acted = await codalab.act({ action, tasks: [task] });
    const [one] = acted.tasks;
    if (one && !one.done) {
      throw refused(action, one.message ?? '');
    }
    return one?.new_task ?? null;
  };
  return {
    cancel: async task => void (await act('cancel', task)),
    retry: async task => {
      const anew = await act('retry', task);
      if (anew) {
        await commands.execute(Command.openResult, { task: anew });
      }
    },
    copyAndChange: async task => void (await commands.execute(Command.copyAndChange, { task })),
    openTask: async task => void (await commands.execute(Command.openResult, { task })),
    openCopy: async task => {
      const { path } = await codalab.api.post('/tasks/{task}/copy', {
        path: { task },
        body: { what: 'notebook', folder: parts.folder() }
      });
      await commands.execute('docmanager:open', { path });
      return path;
    },
    bringTable: async (task, file) => {
      const panel = parts.notebooks?.currentWidget;
      if (!panel) {
        const { trans } = codalab;
        throw refused(
          'no_notebook',
          trans.__('No notebook is open.'),
          trans.__('Open the notebook that you want the table in, then click again.')
        );
      }
      const folder = PathExt.dirname(parts.contents.localPath(panel.context.path));
      const { path, code } = await codalab.api.post('/tasks/{task}/copy', {
        path: { task },
        body: { what: 'file', file, folder }
      });
      insert(panel, code ?? `# ${path}`);
      return path;
    }
  };
}

/** A code cell below the active one, which becomes active. Nothing runs. */
function insert(panel: NotebookPanel, source: string): void {
  const { content } = panel;
  const at = content.activeCellIndex + 1;
  content.model?.sharedModel.insertCell(at, { cell_type: 'code', source, metadata: { trusted: true } });
  content.activeCellIndex = at;
  content.deselectAll();
  void content.scrollToItem(at);
}

function refused(code: string, message: string, fix = ''): Refused {
  return new Refused([{ code, message, fix, at: null }], 409);
}
