import * as React from 'react';

import { duration } from '../../core/text';
import { type Batch, type BatchCell, type Task } from '../../core/types';
import { number } from '../../result/view/Metrics';
import { harmless, oneLine } from '../../result/safe/text';
import { Command } from '../../tokens';
import { bests, columnsOf, type IColumn, type ISorting, nameOf, sorted, valueOf } from '../table';
import { ProgressBar, StateIcon, useCodalab, usePage, useSignal, useTrans } from './shared';

interface IProps {
  batch: Batch;
  picked: readonly string[];
  pick: (task: string) => void;
}

/** A row for each run: where it stands, what it measured, and what it differs in. */
export function RunsTable(props: IProps): React.ReactElement {
  const { batch } = props;
  const trans = useTrans();
  const [sorting, setSorting] = React.useState<ISorting | null>(null);
  const columns = React.useMemo(
    () =>
      columnsOf(batch, {
        dataset: trans.__('Data set'),
        method: trans.__('Method'),
        state: trans.__('State'),
        time: trans.__('Time')
      }),
    [batch, trans]
  );
  const best = React.useMemo(() => bests(batch), [batch]);
  const by = columns.find(column => column.key === sorting?.key);
  const rows = React.useMemo(
    () => sorted(batch.cells, by, sorting?.descending ?? false),
    [batch.cells, by, sorting]
  );
  const sort = (column: IColumn): void =>
    setSorting(
      sorting?.key === column.key
        ? { key: column.key, descending: !sorting.descending }
        : { key: column.key, descending: column.kind === 'metric' && !lowerIsBetter(batch, column) }
    );
  return (
    <div
      className="codalab-Output-wide"
      // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls: the keyboard must reach it
      tabIndex={0}
      role="region"
      aria-label={trans.__('Runs')}
    >
      <table className="codalab-Output-table codalab-Batch-table">
        <thead>
          <tr>
            <th scope="col">
              <span className="codalab-Hidden">{trans.__('To compare')}</span>
            </th>
            {columns.map(column => (
              <th
                key={column.key}
                scope="col"
                className={column.numeric ? 'codalab-mod-number' : undefined}
                aria-sort={
                  sorting?.key === column.key ? (sorting.descending ? 'descending' : 'ascending') : 'none'
                }
              >
                <button type="button" onClick={() => sort(column)}>
                  {oneLine(column.title)}
                  <span aria-hidden="true">
                    {sorting?.key === column.key ? (sorting.descending ? ' ▾' : ' ▴') : ''}
                  </span>
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(cell => (
            <Row key={cell.task.task} {...props} cell={cell} columns={columns} best={best} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row(
  props: IProps & { cell: BatchCell; columns: readonly IColumn[]; best: ReadonlyMap<string, number> }
): React.ReactElement {
  const { batch, cell, columns, best, picked, pick } = props;
  const { task } = cell;
  const trans = useTrans();
  const { commands } = usePage();
  const open = (): void => void commands.execute(Command.openResult, { task: task.task });
  const name = oneLine(nameOf(batch, task));
  return (
    <tr className={`codalab-Batch-row codalab-mod-${task.state}`}>
      <td>
        <input
          type="checkbox"
          aria-label={trans.__('Compare %1', name)}
          checked={picked.includes(task.task)}
          onChange={() => pick(task.task)}
        />
      </td>
      {columns.map((column, i) => {
        const value = valueOf(task, column);
        if (i === 0) {
          return (
            <th key={column.key} scope="row">
              <button
                type="button"
                className="codalab-Batch-open"
                onClick={open}
                title={trans.__('Open the result')}
              >
                {oneLine(String(value ?? task.label))}
              </button>
            </th>
          );
        }
        if (column.kind === 'method' && batch.methods.length > 1) {
          return (
            <td key={column.key}>
              <button
                type="button"
                className="codalab-Batch-open"
                onClick={open}
                title={trans.__('Open the result')}
              >
                {oneLine(String(value ?? task.label))}
              </button>
            </td>
          );
        }
        if (column.kind === 'state') {
          return (
            <td key={column.key}>
              <State task={task} />
            </td>
          );
        }
        const isBest = column.kind === 'metric' && value !== null && best.get(column.name) === value;
        return (
          <td key={column.key} className={column.numeric ? 'codalab-mod-number' : undefined}>
            {value === null ? (
              ''
            ) : column.kind === 'time' ? (
              duration(Number(value), trans)
            ) : typeof value === 'number' ? (
              <span
                className={isBest ? 'codalab-Batch-best' : undefined}
                title={isBest ? trans.__('the best') : undefined}
              >
                {column.kind === 'metric' ? number(value) : String(value)}
              </span>
            ) : (
              oneLine(value)
            )}
          </td>
        );
      })}
    </tr>
  );
}

function State(props: { task: Task }): React.ReactElement {
  const { task } = props;
  const trans = useTrans();
  const { tasks } = useCodalab();
  const progress = useSignal(tasks.progressed, () => tasks.progressOf(task));
  const why = task.why;
  return (
    <div className="codalab-Batch-state">
      <StateIcon state={task.state} word />
      {task.state === 'running' ? (
        <ProgressBar cell={progress?.cell ?? null} cells={progress?.cells ?? null} />
      ) : null}
      {task.state === 'queued' && progress?.place ? (
        <span>{trans.__('place %1', progress.place)}</span>
      ) : null}
      {why ? (
        <p className="codalab-Batch-why" title={harmless([why.message, why.fix].join('\n').slice(0, 1_000))}>
          {why.cell ? trans.__('cell %1: ', why.cell) : ''}
          {oneLine((why.message.split('\n')[0] ?? '').slice(0, 300))}
        </p>
      ) : null}
    </div>
  );
}

function lowerIsBetter(batch: Batch, column: IColumn): boolean {
  return batch.metrics.find(metric => metric.name === column.name)?.better === 'lower';
}
