import * as React from 'react';

import { usePage, useSignal, useTrans } from '../../core/ui';
import { Command } from '../../tokens';
import { possible } from '../actions';
import { type TasksModel } from '../model';

/** What can be done to the ticked rows. */
export function ActionBar(props: { model: TasksModel }): React.ReactElement {
  const { model } = props;
  const { commands } = usePage();
  const trans = useTrans();
  const chosen = useSignal(model.changed, () => model.chosen);
  const rows = useSignal(model.list.changed, () => model.list.rows);
  const total = useSignal(model.list.changed, () => model.list.total) ?? 0;
  const tasks = rows.filter(row => chosen.has(row.task));
  const can = possible(tasks);
  const all = total > 0 && tasks.length === total;
  const ids = tasks.map(task => task.task);
  const tick = trans.__('Tick tasks in the list first.');

  const button = (label: string, command: string, able: boolean, why: string): React.ReactElement => (
    <button
      type="button"
      className="codalab-Button"
      disabled={!able}
      title={able ? '' : tasks.length ? why : tick}
      onClick={() => void commands.execute(command, { tasks: ids, task: ids[0] ?? '' })}
    >
      {label}
    </button>
  );

  return (
    <div
      className="codalab-Tasks-actions"
      role="toolbar"
      aria-label={trans.__('What to do with the ticked tasks')}
    >
      <label className="codalab-Tasks-all" title={trans.__('Tick all that are listed')}>
        <input
          type="checkbox"
          checked={all}
          disabled={total === 0}
          ref={node => {
            if (node) {
              node.indeterminate = tasks.length > 0 && !all;
            }
          }}
          onChange={() => (tasks.length ? model.clear() : void model.chooseAll())}
        />
        <span>{tasks.length ? trans.__('%1 ticked', tasks.length.toLocaleString()) : trans.__('All')}</span>
      </label>
      {button(trans.__('Cancel'), Command.cancelTasks, can.cancel, trans.__('They have all ended.'))}
      {button(trans.__('Retry'), Command.retryTasks, can.retry, trans.__('None of them has ended yet.'))}
      {button(trans.__('Copy and change'), Command.copyAndChange, can.copy, trans.__('Tick one task only.'))}
      {button(
        trans.__('Delete'),
        Command.removeTasks,
        can.remove,
        trans.__('None of them has ended yet: cancel them first.')
      )}
    </div>
  );
}
