import * as React from 'react';

import { ServerGoneBanner, usePage, useSignal, useTrans } from '../../core/ui';
import { Command } from '../../tokens';
import { type TasksModel } from '../model';
import { ActionBar } from './ActionBar';
import { FilterBar } from './FilterBar';
import { Rows } from './Rows';

/** In the side bar, in a tab of its own, or `only` in the side bar, where there are no tabs. */
export type Place = 'side' | 'tab' | 'only';

/** Search, what can be done, and the rows. */
export function TasksView(props: { model: TasksModel; place: Place }): React.ReactElement {
  const { model } = props;
  const { commands } = usePage();
  const trans = useTrans();
  const total = useSignal(model.list.changed, () => model.list.total);
  return (
    <section
      className="codalab-Tasks"
      aria-label={props.place === 'tab' ? trans.__('Tasks in a tab') : trans.__('Tasks')}
    >
      <ServerGoneBanner />
      <FilterBar model={model} />
      <ActionBar model={model} />
      <Rows model={model} />
      <div className="codalab-Tasks-foot">
        <span role="status">
          {total === null ? '' : trans._n('%2 task', '%2 tasks', total, total.toLocaleString())}
        </span>
        {props.place !== 'side' ? null : (
          <button
            type="button"
            className="codalab-Tasks-wider"
            title={trans.__('Show the list in a tab of its own')}
            onClick={() => void commands.execute(Command.openTasksWide)}
          >
            {trans.__('Open in a tab')}
          </button>
        )}
      </div>
    </section>
  );
}
