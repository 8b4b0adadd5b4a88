/** The rows and columns of a batch, sorted as a person wants them. Pure. */
import { isOpen, STATES } from '../core/states';
import { type Batch, type BatchCell, type Task } from '../core/types';

export interface IColumn {
  readonly key: string;
  readonly kind: 'dataset' | 'method' | 'parameter' | 'state' | 'metric' | 'time';
  /** Of a parameter or metric. */
  readonly name: string;
  readonly title: string;
  readonly numeric: boolean;
}

export interface ISorting {
  readonly key: string;
  readonly descending: boolean;
}

/** Columns in which all rows say the same are left out, except state, time and metrics. */
export function columnsOf(
  batch: Batch,
  titles: Record<'dataset' | 'method' | 'state' | 'time', string>
): IColumn[] {
  const one = (kind: IColumn['kind'], name: string, title: string, numeric = false): IColumn => ({
    key: `${kind}/${name}`,
    kind,
    name,
    title,
    numeric
  });
  return [
    one('dataset', '', titles.dataset),
    one('method', '', titles.method),
    ...batch.varying.map(name => one('parameter', name, name)),
    one('state', '', titles.state),
    ...batch.metrics.map(metric => one('metric', metric.name, metric.title, true)),
    one('time', '', titles.time, true)
  ];
}

/** What a row has in a column: a number, a text, or null for nothing. */
export function valueOf(task: Task, column: IColumn): string | number | null {
  switch (column.kind) {
    case 'dataset':
      return task.dataset ?? null;
    case 'method':
      return task.title ?? task.method ?? task.notebook;
    case 'parameter': {
      const value = task.parameters[column.name];
      if (value === undefined || value === null) {
        return null;
      }
      return typeof value === 'number' || typeof value === 'string' ? value : JSON.stringify(value);
    }
    case 'state':
      return STATES.indexOf(task.state);
    case 'metric':
      return task.metrics[column.name] ?? null;
    case 'time':
      return task.seconds ?? null;
  }
}

/** A new list; rows that have nothing in the column stand at the end either way, equal ones as they were. */
export function sorted(
  cells: readonly BatchCell[],
  column: IColumn | undefined,
  descending: boolean
): BatchCell[] {
  if (!column) {
    return [...cells];
  }
  const sign = descending ? -1 : 1;
  return [...cells].sort((one, other) => {
    const [a, b] = [valueOf(one.task, column), valueOf(other.task, column)];
    if (a === null || b === null) {
      return a === b ? 0 : a === null ? 1 : -1;
    }
    if (typeof a === 'number' && typeof b === 'number') {
      return sign * (a - b);
    }
    return sign * String(a).localeCompare(String(b), undefined, { numeric: true });
  });
}

/** The best value of each metric among the rows, where it is known which way is better. */
export function bests(batch: Batch): Map<string, number> {
  const found = new Map<string, number>();
  for (const metric of batch.metrics) {
    if (metric.better !== 'higher' && metric.better !== 'lower') {
      continue;
    }
    const values = batch.cells.flatMap(cell => cell.task.metrics[metric.name] ?? []);
    if (values.length > 1) {
      found.set(metric.name, metric.better === 'higher' ? Math.max(...values) : Math.min(...values));
    }
  }
  return found;
}

export interface ICounts {
  readonly all: number;
  readonly open: number;
  readonly succeeded: number;
  /** Ended in any other way. */
  readonly bad: number;
}

export function countsOf(batch: Batch): ICounts {
  const states = batch.cells.map(cell => cell.task.state);
  const open = states.filter(isOpen).length;
  const succeeded = states.filter(state => state === 'succeeded').length;
  return { all: states.length, open, succeeded, bad: states.length - open - succeeded };
}

/** Which run it is, in the words in which the runs of the batch differ. */
export function nameOf(batch: Batch, task: Task): string {
  const parts = [
    batch.datasets.length > 1 || batch.methods.length < 2 ? task.dataset : null,
    batch.methods.length > 1 || batch.datasets.length < 2 ? (task.title ?? task.method) : null,
    ...batch.varying.map(name =>
      name in task.parameters ? `${name} = ${JSON.stringify(task.parameters[name])}` : null
    )
  ];
  return parts.filter(Boolean).join(' · ') || task.label;
}
