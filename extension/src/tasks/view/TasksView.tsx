import * as React from 'react';

import { ServerGoneBanner, useSignal, useTrans } from '../../core/ui';
import { type TasksModel } from '../model';
import { ActionBar } from './ActionBar';
import { FilterBar } from './FilterBar';
import { Rows } from './Rows';

/** Search, what can be done, and the rows. */
export function TasksView(props: { model: TasksModel; wide: boolean }): React.ReactElement {
  const { model } = props;
  const trans = useTrans();
  const total = useSignal(model.list.changed, () => model.list.total);
  return (
    <section className="codalab-Tasks" aria-label={trans.__('Tasks')}>
      <ServerGoneBanner />
      <FilterBar model={model} />
      <ActionBar model={model} wide={props.wide} />
      <Rows model={model} />
      <p className="codalab-Tasks-count" role="status">
        {total === null ? '' : trans._n('%1 task', '%1 tasks', total, total.toLocaleString())}
      </p>
    </section>
  );
}
