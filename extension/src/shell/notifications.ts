import { type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { type TranslationBundle } from '@jupyterlab/translation';

import { stateWord } from '../core/states';
import { type TaskState } from '../core/types';
import { Command, type ICodalab, ICodalabToken, NOTIFICATIONS_PLUGIN } from '../tokens';
import { Endings, type IEnding } from './endings';

const SHOWN_MS = 8000;

export const notifications: JupyterFrontEndPlugin<void> = {
  id: NOTIFICATIONS_PLUGIN,
  description: 'Tells when what was started in this window has ended.',
  autoStart: true,
  requires: [ICodalabToken],
  activate: (app: JupyterFrontEnd, codalab: ICodalab) => {
    const endings = new Endings(codalab, window.sessionStorage);
    endings.ended.connect((_, ending) => tell(app, codalab, ending));
    endings.check();
  }
};

function tell(app: JupyterFrontEnd, codalab: ICodalab, ending: IEnding): void {
  const { notify } = codalab.preferences.now;
  const { trans } = codalab;
  const good = [...ending.verdicts.values()].every(state => state === 'succeeded');
  if (notify === 'none' || (notify === 'problems' && good) || inFront(app, ending)) {
    return;
  }
  const message = ending.task
    ? `${ending.task.label}: ${stateWord(ending.task.state, trans)}`
    : words(ending.verdicts, trans);
  Notification.emit(message, good ? 'success' : 'warning', {
    autoClose: good ? SHOWN_MS : false,
    actions: [
      {
        label: ending.task ? trans.__('Open result') : trans.__('Open results'),
        displayType: 'accent',
        callback: () => {
          const [task = ''] = ending.verdicts.keys();
          void (ending.task
            ? app.commands.execute(Command.openResult, { task })
            : ending.batch
              ? app.commands.execute(Command.openBatch, { batch: ending.batch })
              : app.commands.execute(Command.openTasks));
        }
      }
    ]
  });
}

/** Who looks at it needs not be told. */
function inFront(app: JupyterFrontEnd, ending: IEnding): boolean {
  const shown = app.shell.currentWidget;
  const [task] = ending.verdicts.keys();
  const id = ending.task ? `codalab-result-${task}` : `codalab-batch-${ending.batch}`;
  return !document.hidden && Boolean(shown?.isVisible) && shown?.id === id;
}

/** `Analysis ended: 5 succeeded, 1 failed`. */
export function words(verdicts: ReadonlyMap<string, TaskState>, trans: TranslationBundle): string {
  const counts = new Map<TaskState, number>();
  verdicts.forEach(state => counts.set(state, (counts.get(state) ?? 0) + 1));
  const parts = [...counts].map(([state, count]) => trans.__('%1 %2', count, stateWord(state, trans)));
  return trans.__('Analysis ended: %1', parts.join(', '));
}
