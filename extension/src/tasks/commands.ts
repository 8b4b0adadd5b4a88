import { type JupyterFrontEnd } from '@jupyterlab/application';
import { type ReadonlyPartialJSONObject } from '@lumino/coreutils';

import { type ICodalab } from '../core/codalab';
import { type Task } from '../core/types';
import { tasksIcon } from '../core/ui';
import { Command } from '../tokens';
import { type Actions, possible } from './actions';
import { type TasksModel } from './model';

interface IViews {
  openSide: () => void;
  openWide: () => Promise<void>;
  /** The model of the list that this node belongs to. */
  modelOf: (node: Node) => TasksModel | null;
}

/**
 * What can be done to tasks, as commands: for buttons with arguments, for the context menu of a list with the row that
 * was clicked, or all ticked rows if it is one of them.
 */
export function registerCommands(
  app: JupyterFrontEnd,
  actions: Actions,
  codalab: ICodalab,
  views: IViews
): void {
  const { trans } = codalab;

  const clicked = (): readonly Task[] => {
    const node = app.contextMenuHitTest(one => one.classList.contains('codalab-Task'));
    const model = node ? views.modelOf(node) : null;
    const row = model?.list.rows.find(one => one.task === node?.dataset['task']);
    if (!model || !row) {
      return [];
    }
    return model.chosen.has(row.task) ? model.list.rows.filter(one => model.chosen.has(one.task)) : [row];
  };
  const meant = (args: ReadonlyPartialJSONObject): readonly string[] => {
    const given = Array.isArray(args['tasks']) ? args['tasks'] : [];
    const ids = given.filter(one => typeof one === 'string');
    return ids.length ? ids : clicked().map(task => task.task);
  };
  const able = (args: ReadonlyPartialJSONObject, what: keyof ReturnType<typeof possible>): boolean =>
    args['tasks'] !== undefined || args['task'] !== undefined || possible(clicked())[what];

  app.commands.addCommand(Command.openTasks, {
    label: trans.__('Tasks'),
    caption: trans.__('Show the list of tasks in the side bar'),
    icon: tasksIcon,
    execute: views.openSide,
    describedBy: { args: { type: 'object' } }
  });
  app.commands.addCommand(Command.openTasksWide, {
    label: args => (args['isPalette'] ? trans.__('Tasks in a tab') : trans.__('Tasks')),
    caption: trans.__('Show the list of tasks in the main area'),
    icon: tasksIcon,
    execute: views.openWide,
    describedBy: { args: { type: 'object' } }
  });
  app.commands.addCommand(Command.cancelTasks, {
    label: trans.__('Cancel'),
    isEnabled: args => able(args, 'cancel'),
    execute: args => actions.cancel(meant(args)),
    describedBy: { args: MANY }
  });
  app.commands.addCommand(Command.retryTasks, {
    label: trans.__('Retry'),
    isEnabled: args => able(args, 'retry'),
    execute: args => actions.retry(meant(args)),
    describedBy: { args: MANY }
  });
  app.commands.addCommand(Command.removeTasks, {
    label: trans.__('Delete …'),
    isEnabled: args => able(args, 'remove'),
    execute: args => actions.remove(meant(args)),
    describedBy: { args: MANY }
  });
  app.commands.addCommand(Command.copyAndChange, {
    label: trans.__('Copy and change …'),
    isEnabled: args => able(args, 'copy'),
    execute: async args => {
      const task = typeof args['task'] === 'string' && args['task'] ? args['task'] : meant(args)[0];
      if (task) {
        await actions.copyAndChange(task);
      }
    },
    describedBy: { args: ONE }
  });
  app.commands.addCommand(Command.openClicked, {
    label: trans.__('Open'),
    isVisible: () => clicked().length === 1,
    execute: () => app.commands.execute(Command.openResult, { task: clicked()[0]?.task ?? '' }),
    describedBy: { args: { type: 'object' } }
  });
  app.commands.addCommand(Command.openClickedBatch, {
    label: trans.__('Open the table of its batch'),
    isVisible: () => Boolean(clicked()[0]?.batch),
    execute: () => app.commands.execute(Command.openBatch, { batch: clicked()[0]?.batch ?? '' }),
    describedBy: { args: { type: 'object' } }
  });
  app.commands.addCommand(Command.listClickedBatch, {
    label: trans.__('List this batch only'),
    isVisible: () => Boolean(clicked()[0]?.batch),
    execute: () => {
      const node = app.contextMenuHitTest(one => one.classList.contains('codalab-Task'));
      const model = node ? views.modelOf(node) : null;
      const batch = clicked()[0]?.batch;
      if (model && batch) {
        model.setFilter({ ...model.list.filter, batch });
      }
    },
    describedBy: { args: { type: 'object' } }
  });
}

const MANY = {
  type: 'object',
  properties: { tasks: { type: 'array', items: { type: 'string' }, description: 'Ids of tasks.' } }
} as const;

const ONE = {
  type: 'object',
  properties: { task: { type: 'string', description: 'Id of a task.' } }
} as const;
