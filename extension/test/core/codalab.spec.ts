import { nullTranslator } from '@jupyterlab/translation';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { Codalab } from '../../src/core/codalab';
import { FakeServer, Refusal, status, task } from '../support/fakeServer';
import { until } from '../support/until';

describe('the model', () => {
  let server: FakeServer;
  let codalab: Codalab;

  beforeEach(() => {
    server = new FakeServer();
    codalab = new Codalab({ settings: server.settings, trans: nullTranslator.load('') });
  });

  afterEach(() => codalab.dispose());

  test('knows the status, and goes on from its number', async () => {
    server.status = status({ seq: 12, busy: { queued: 3, running: 1 } });
    await codalab.start();
    await until(() => server.socket !== undefined);
    expect(server.socket?.sent[0]).toEqual({ type: 'hello', after: 12 });
    expect(codalab.status.busy).toEqual({ queued: 3, running: 1 });
  });

  test('passes on what the ledger says, and how far tasks are', async () => {
    await codalab.start();
    await until(() => server.socket !== undefined);
    const changed: string[] = [];
    codalab.tasks.changed.connect((_, change) => changed.push(...change.tasks.map(one => one.state)));
    const running = task(1, { state: 'running' });
    server.say({ type: 'ledger', seq: 8, tasks: [running], removed: [], busy: { queued: 0, running: 1 } });
    const progress = { task: running.task, cell: 3, cells: 10, place: null, running_s: 2 };
    server.say({ type: 'progress', tasks: [progress] });
    expect(changed).toEqual(['running']);
    expect(codalab.status.busy.running).toBe(1);
    expect(codalab.tasks.progressOf(running)?.cell).toBe(3);
    expect(codalab.tasks.secondsOf(running)).toBeGreaterThanOrEqual(2);
    const ended = { ...running, state: 'succeeded' as const, seconds: 2.5 };
    server.say({ type: 'ledger', seq: 9, tasks: [ended], removed: [], busy: { queued: 0, running: 0 } });
    expect(codalab.tasks.progressOf(ended)).toBeNull();
    expect(codalab.tasks.secondsOf(ended)).toBe(2.5);
  });

  test('says when the server has no part of ours, and finds it when it was added', async () => {
    server.on('GET', '/status', () => {
      throw new Refusal(404, 'Not found');
    });
    await codalab.start();
    expect(codalab.fault?.code).toBe('no_server_part');
    expect(server.sockets).toHaveLength(0);
    server.on('GET', '/status', () => status());
    codalab.reconnect();
    await until(() => codalab.stream.state === 'open');
    expect(codalab.fault).toBeNull();
  });

  test('reads again what may have changed while the server was away', async () => {
    await codalab.start();
    await until(() => codalab.stream.state === 'open');
    server.stop();
    expect(codalab.stream.state).toBe('gone');
    server.start();
    server.status = status({ version: '0.2.0' });
    codalab.reconnect();
    await until(() => codalab.status.status?.version === '0.2.0');
  });

  test('reads everything again after a reset', async () => {
    await codalab.start();
    await until(() => codalab.stream.state === 'open');
    let resets = 0;
    codalab.tasks.reset.connect(() => (resets += 1));
    server.say({ type: 'reset', seq: 99 });
    expect(resets).toBe(1);
    await until(() => server.asked('GET', '/status').length === 2);
  });

  test('reads data sets when first asked for, then whenever they change', async () => {
    let names = ['golub'];
    server.on('GET', '/datasets', () => ({ datasets: names.map(dataset => ({ dataset })) }));
    await codalab.start();
    await until(() => codalab.stream.state === 'open');
    server.say({ type: 'datasets' });
    expect(server.asked('GET', '/datasets')).toHaveLength(0);
    codalab.datasets.ensure();
    await until(() => codalab.datasets.datasets !== null);
    names = ['golub', 'airway'];
    server.say({ type: 'datasets' });
    await until(() => codalab.datasets.datasets?.length === 2);
  });

  test('tells what was submitted from this page, also by a retry', async () => {
    server.on('POST', '/batches', () => ({ batch: 'b1', tasks: ['t1', 't2'], warnings: [] }));
    server.on('POST', '/tasks/act', () => ({
      tasks: [{ task: 't1', done: true, message: '', new_task: 't3' }],
      batch: null
    }));
    const told: (string | null)[] = [];
    codalab.submitted.connect((_, submitted) => told.push(submitted.batch, ...submitted.tasks));
    await codalab.analyze({ datasets: ['golub'], methods: ['pca-overview'] });
    await codalab.act({ action: 'retry', tasks: ['t1'] });
    expect(told).toEqual(['b1', 't1', 't2', null, 't3']);
  });

  test('keeps a batch up to date, and reads figures and metrics when a task ends', async () => {
    const first = task(1, { batch: 'b1', state: 'running' });
    const table = (one = first): object => ({
      batch: 'b1',
      submitted_at: first.submitted_at,
      datasets: [],
      methods: [],
      varying: [],
      metrics: [],
      cells: [{ task: one, figure: one.state === 'succeeded' ? 'pca.png' : null }]
    });
    server.on('GET', '/batches/{batch}', () => table());
    await codalab.start();
    await until(() => codalab.stream.state === 'open');
    const batch = codalab.batch('b1');
    await until(() => batch.batch !== null);
    const ended = { ...first, state: 'succeeded' as const };
    server.on('GET', '/batches/{batch}', () => table(ended));
    server.say({ type: 'ledger', seq: 8, tasks: [ended], removed: [], busy: { queued: 0, running: 0 } });
    expect(batch.batch?.cells[0]?.task.state).toBe('succeeded');
    await until(() => batch.batch?.cells[0]?.figure === 'pca.png');
    server.say({ type: 'ledger', seq: 9, tasks: [], removed: [first.task], busy: { queued: 0, running: 0 } });
    expect(batch.batch?.cells).toHaveLength(0);
    batch.dispose();
    expect(batch.isDisposed).toBe(true);
  });
});
