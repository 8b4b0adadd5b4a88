import { expect, test } from 'vitest';

import { bests, columnsOf, countsOf, nameOf, sorted } from '../../src/batch/table';
import { type Batch, type Task } from '../../src/core/types';
import { task } from '../support/fakeServer';

const TITLES = { dataset: 'Data set', method: 'Method', state: 'State', time: 'Time' };

function batch(tasks: Task[], more: Partial<Batch> = {}): Batch {
  return {
    batch: 'b',
    submitted_at: '2026-01-01T00:00:00Z',
    datasets: ['golub@1'],
    methods: ['pca-overview'],
    varying: ['k'],
    metrics: [
      { name: 'error', title: 'Error', better: 'lower' },
      { name: 'genes', title: 'Genes', better: 'none' }
    ],
    cells: tasks.map(one => ({ task: one, figure: null })),
    ...more
  };
}

const TASKS = [
  task(1, { state: 'succeeded', parameters: { k: 10 }, metrics: { error: 0.5, genes: 3 }, seconds: 2 }),
  task(2, { state: 'failed', parameters: { k: 2 } }),
  task(3, { state: 'succeeded', parameters: { k: 3 }, metrics: { error: 0.1, genes: 9 }, seconds: 1 })
];

function order(key: string, descending = false): string[] {
  const column = columnsOf(batch(TASKS), TITLES).find(one => one.key === key);
  return sorted(batch(TASKS).cells, column, descending).map(cell => cell.task.task.slice(-1));
}

test('rows are sorted by number or word; those that have nothing stand at the end either way', () => {
  expect(order('parameter/k')).toEqual(['2', '3', '1']);
  expect(order('metric/error')).toEqual(['3', '1', '2']);
  expect(order('metric/error', true)).toEqual(['1', '3', '2']);
  expect(order('state/')).toEqual(['1', '3', '2']);
  expect(order('no such column')).toEqual(['1', '2', '3']);
});

test('the best is known where it is known which way is better', () => {
  expect([...bests(batch(TASKS))]).toEqual([['error', 0.1]]);
});

test('runs are counted, and named by what they differ in', () => {
  expect(countsOf(batch([...TASKS, task(4)]))).toEqual({ all: 4, open: 1, succeeded: 2, bad: 1 });
  expect(nameOf(batch(TASKS, { datasets: ['a@1', 'b@1'] }), TASKS[0]!)).toBe('golub@1 · k = 10');
});
