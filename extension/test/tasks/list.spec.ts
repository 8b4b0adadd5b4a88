import { nullTranslator } from '@jupyterlab/translation';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { Codalab } from '../../src/core/codalab';
import { type Task } from '../../src/core/types';
import { asFilter, EVERYTHING, matches } from '../../src/tasks/filter';
import { TaskList } from '../../src/tasks/list';
import { FakeServer, serveTasks, task } from '../support/fakeServer';
import { until } from '../support/until';

describe('the list of tasks', () => {
  let server: FakeServer;
  let codalab: Codalab;
  let list: TaskList;
  let tasks: Task[];

  beforeEach(async () => {
    server = new FakeServer();
    tasks = Array.from({ length: 10_000 }, (_, index) => task(9_999 - index, { state: 'succeeded' }));
    serveTasks(server, () => tasks);
    codalab = new Codalab({ settings: server.settings, trans: nullTranslator.load('') });
    await codalab.start();
    await until(() => codalab.stream.state === 'open');
    list = new TaskList(codalab);
    list.need(0);
    await until(() => list.rows.length > 0 && !list.loading);
  });

  afterEach(() => {
    list.dispose();
    codalab.dispose();
  });

  const say = (changed: Task[], removed: string[] = []): void => {
    const known = new Map(changed.map(one => [one.task, one]));
    const fresh = changed.filter(one => !tasks.some(old => old.task === one.task)).reverse();
    tasks = [...fresh, ...tasks.map(old => known.get(old.task) ?? old)];
    tasks = tasks.filter(one => !removed.includes(one.task));
    server.say({ type: 'ledger', seq: 8, tasks: changed, removed, busy: { queued: 0, running: 0 } });
  };

  test('reads one page, and knows how many there are', () => {
    expect(list.rows).toHaveLength(100);
    expect(list.total).toBe(10_000);
    expect(list.rows[0]?.task).toBe('t009999');
  });

  test('reads on as far as one scrolls, in larger pages when one jumps', async () => {
    list.need(150);
    await until(() => list.rows.length >= 151 && !list.loading);
    expect(list.rows).toHaveLength(200);
    list.need(9_999);
    await until(() => list.rows.length === 10_000);
    expect(server.asked('GET', '/tasks').length).toBeLessThan(25);
    expect(new Set(list.rows.map(row => row.task)).size).toBe(10_000);
  });

  test('shows a new task on top and a changed one in its place', async () => {
    const changed = { ...list.rows[3]!, state: 'failed' as const };
    say([changed, task(10_000), task(10_001)]);
    expect(list.rows.slice(0, 3).map(row => row.task)).toEqual(['t010001', 't010000', 't009999']);
    expect(list.rows[5]).toEqual(changed);
    await until(() => list.total === 10_002);
  });

  test('keeps the order of a batch, whose tasks have one time', () => {
    const at = task(10_000).submitted_at;
    say([1, 2, 3].map(index => task(10_000 + index, { submitted_at: at })));
    expect(list.rows.slice(0, 3).map(row => row.task)).toEqual(['t010003', 't010002', 't010001']);
  });

  test('leaves out what was deleted, and what lies beyond the last row it read', async () => {
    const beyond = tasks[5_000]!;
    say([{ ...beyond, state: 'failed' }], [list.rows[0]!.task]);
    expect(list.rows[0]?.task).toBe('t009998');
    expect(list.rows.some(row => row.task === beyond.task)).toBe(false);
    await until(() => list.total === 9_999);
  });

  test('with a filter, a task comes and goes as its state does', async () => {
    list.setFilter({ ...EVERYTHING, states: ['running'] });
    await until(() => list.total === 0);
    const one = task(10_000, { state: 'running' });
    say([one]);
    expect(list.rows).toEqual([one]);
    say([{ ...one, state: 'succeeded' }]);
    expect(list.rows).toEqual([]);
    await until(() => list.total === 0);
  });

  test('keeps its rows when the server is gone, says so, and goes on when asked', async () => {
    server.down = true;
    list.need(150);
    await until(() => list.error !== null);
    expect(list.rows).toHaveLength(100);
    server.down = false;
    list.need(150);
    await until(() => list.rows.length === 200);
    expect(list.error).toBeNull();
  });

  test('reads from the start after a reset', async () => {
    tasks = [task(1)];
    server.say({ type: 'reset', seq: 50 });
    await until(() => list.rows.length === 1);
    expect(list.total).toBe(1);
  });
});

test('a row meets a filter as the server decides it', () => {
  const one = task(1, { state: 'failed', title: 'PCA overview', batch: 'b1' });
  expect(matches(one, { ...EVERYTHING, q: 'golub OVERVIEW' })).toBe(true);
  expect(matches(one, { ...EVERYTHING, q: 'golub nothing' })).toBe(false);
  expect(matches(one, { ...EVERYTHING, dataset: 'golub', method: 'pca-overview', batch: 'b1' })).toBe(true);
  expect(matches(one, { ...EVERYTHING, dataset: 'golub@2' })).toBe(false);
  expect(matches(one, { ...EVERYTHING, states: ['queued', 'running'] })).toBe(false);
});

test('a layout with anything in it makes a filter', () => {
  expect(asFilter(null)).toEqual(EVERYTHING);
  expect(asFilter({ q: 5, states: ['running', 'x'], batch: 'b' })).toEqual({
    ...EVERYTHING,
    states: ['running'],
    batch: 'b'
  });
});
