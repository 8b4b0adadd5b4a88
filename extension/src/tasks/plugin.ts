import {
  ILabShell,
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import { IStateDB } from '@jupyterlab/statedb';
import { type ReadonlyJSONValue } from '@lumino/coreutils';
import * as React from 'react';

import { show } from '../core/places';
import { type IPage, tasksIcon, View } from '../core/ui';
import { Command, type ICodalab, ICodalabToken, TASKS_PLUGIN } from '../tokens';
import { Actions } from './actions';
import { registerCommands } from './commands';
import { asFilter } from './filter';
import { TasksModel } from './model';
import { type Place, TasksView } from './view/TasksView';

/** Right below our panel (150) in the side bar. */
const RANK = 151;

export const tasks: JupyterFrontEndPlugin<void> = {
  id: TASKS_PLUGIN,
  description: 'The list of tasks.',
  autoStart: true,
  requires: [ICodalabToken],
  optional: [ILabShell, ILayoutRestorer, IStateDB],
  activate: (
    app: JupyterFrontEnd,
    codalab: ICodalab,
    lab: ILabShell | null,
    restorer: ILayoutRestorer | null,
    state: IStateDB | null
  ) => {
    const page: IPage = { codalab, commands: app.commands };
    const side = new TasksWidget(page, lab ? 'side' : 'only');
    app.shell.add(side, 'left', { rank: RANK });
    restorer?.add(side, side.id);

    const tracker = new WidgetTracker<MainAreaWidget<TasksWidget>>({ namespace: 'codalab-tasks' });
    const filterKept = keepFilter(side.model, state);
    const openWide = async (): Promise<void> => {
      await filterKept;
      if (!lab) {
        // Notebook 7 has no tabs: there the list is in the side bar alone.
        app.shell.activateById(side.id);
        return;
      }
      const open = tracker.currentWidget;
      if (open) {
        show(app, lab, open);
        return;
      }
      const content = new TasksWidget(page, 'tab');
      content.model.setFilter(side.model.list.filter);
      const widget = new MainAreaWidget({ content });
      widget.id = 'codalab-tasks-wide';
      widget.title.label = content.title.label;
      widget.title.icon = tasksIcon;
      widget.title.closable = true;
      void tracker.add(widget);
      show(app, lab, widget);
    };
    registerCommands(app, new Actions(codalab, app.commands), codalab, {
      openSide: () => app.shell.activateById(side.id),
      openWide,
      modelOf: node =>
        [side, tracker.currentWidget?.content].find(one => one?.node.contains(node))?.model ?? null
    });
    if (restorer) {
      void restorer.restore(tracker, { command: Command.openTasksWide, name: () => 'tasks' });
    }
  }
};

class TasksWidget extends View {
  constructor(page: IPage, place: Place) {
    const model = new TasksModel(page.codalab);
    super(page, () => React.createElement(TasksView, { model, place }));
    this.model = model;
    this.id = 'codalab-tasks';
    this.title.icon = tasksIcon;
    this.title.caption = page.codalab.trans.__('CodaLab tasks');
    this.title.label = place === 'tab' ? page.codalab.trans.__('Tasks') : '';
    this.addClass('codalab-TasksWidget');
  }

  readonly model: TasksModel;

  override dispose(): void {
    this.model.dispose();
    super.dispose();
  }
}

/** What one looked for is there again after a reload. */
async function keepFilter(model: TasksModel, state: IStateDB | null): Promise<void> {
  const kept = await state?.fetch(TASKS_PLUGIN).catch(() => undefined);
  if (kept !== undefined) {
    model.setFilter(asFilter(kept));
  }
  let filter = model.list.filter;
  model.changed.connect(() => {
    if (model.list.filter !== filter) {
      filter = model.list.filter;
      void state?.save(TASKS_PLUGIN, filter as unknown as ReadonlyJSONValue);
    }
  });
}
