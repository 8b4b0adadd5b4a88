import * as React from 'react';

import { isOpen, stateWord } from '../../core/states';
import { type Batch, type BatchCell } from '../../core/types';
import { oneLine } from '../../result/safe/text';
import { Command } from '../../tokens';
import { nameOf } from '../table';
import { Empty, StateIcon, useCodalab, usePage, useTrans } from './shared';

/** The first figure of each run, side by side. */
export function Figures(props: { batch: Batch }): React.ReactElement {
  const { batch } = props;
  const trans = useTrans();
  if (!batch.cells.some(cell => cell.figure || isOpen(cell.task.state))) {
    return <Empty title={trans.__('None of these runs made a figure.')} />;
  }
  return (
    <ul className="codalab-Batch-figures">
      {batch.cells.map(cell => (
        <li key={cell.task.task}>
          <Figure batch={batch} cell={cell} />
        </li>
      ))}
    </ul>
  );
}

/** A figure with the name of its run; a click opens the result. */
export function Figure(props: { batch: Batch; cell: BatchCell }): React.ReactElement {
  const { batch, cell } = props;
  const { task, figure } = cell;
  const trans = useTrans();
  const codalab = useCodalab();
  const { commands } = usePage();
  const name = oneLine(nameOf(batch, task));
  return (
    <figure className="codalab-Batch-figure">
      <figcaption>
        <StateIcon state={task.state} />
        <button
          type="button"
          className="codalab-Batch-open"
          onClick={() => void commands.execute(Command.openResult, { task: task.task })}
        >
          {name}
        </button>
      </figcaption>
      {figure ? (
        <img
          src={codalab.api.url('/tasks/{task}/figures/{path}', { path: { task: task.task, path: figure } })}
          alt={trans.__('First figure of %1', name)}
          loading="lazy"
        />
      ) : (
        <p className="codalab-Output-note">
          {task.why
            ? oneLine((task.why.message.split('\n')[0] ?? '').slice(0, 300))
            : isOpen(task.state)
              ? stateWord(task.state, trans)
              : trans.__('no figure')}
        </p>
      )}
    </figure>
  );
}
