import { nullTranslator } from '@jupyterlab/translation';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { Codalab } from '../../src/core/codalab';
import { SystematicModel } from '../../src/systematic/model';
import { FakeServer, Refusal, task } from '../support/fakeServer';
import { until } from '../support/until';
import { cell, FakeMatrix } from './fakeMatrix';

let server: FakeServer;
let matrix: FakeMatrix;
let codalab: Codalab;
let model: SystematicModel;

beforeEach(async () => {
  server = new FakeServer();
  matrix = new FakeMatrix(server);
  codalab = new Codalab({ settings: server.settings, trans: nullTranslator.load('') });
  await codalab.start();
  await until(() => codalab.stream.state === 'open');
  model = new SystematicModel(codalab, 0);
});

afterEach(() => {
  model.dispose();
  codalab.dispose();
});

test('nothing is read before somebody looks', async () => {
  model.refresh();
  server.say({ type: 'systematic' });
  await Promise.resolve();
  expect(matrix.asked).toEqual([]);
  model.show(true);
  await until(() => model.head?.total === 2 && model.status !== null);
  expect(model.row(1)?.dataset).toBe('yeast@2');
});

test('rows are read by pages, as far as one scrolls', async () => {
  matrix.names = Array.from({ length: 350 }, (_, i) => `d${i}@1`);
  model.show(true);
  await until(() => model.row(0) !== undefined);
  expect(model.row(349)).toBeUndefined();
  model.need(320, 400);
  await until(() => model.row(349)?.dataset === 'd349@1');
  expect(matrix.asked.map(query => query.get('offset'))).toEqual(['0', '300']);
});

test('what is looked for and sorted by is asked of the server, from the first row on', async () => {
  model.show(true);
  await until(() => model.head !== null);
  model.need(1, 1);
  model.setFilter({ question: 'differences', q: 'gol', sort: { key: 'de', up: false } });
  await until(() => model.head?.total === 1);
  expect(Object.fromEntries(matrix.asked.at(-1) ?? [])).toEqual({
    question: 'differences',
    q: 'gol',
    sort: 'de',
    order: 'down',
    offset: '0',
    limit: '100'
  });
  expect(model.head?.columns.map(one => one.key)).toEqual(['de']);
});

test('a run that ended, and what the planner does, are read again', async () => {
  model.show(true);
  await until(() => model.head !== null && model.status !== null);
  matrix.cells = () => [cell('failed', { reason: 'Cell 4 failed.' }), cell('running')];
  server.say({
    type: 'ledger',
    seq: 8,
    tasks: [task(1, { state: 'failed', systematic: true })],
    removed: [],
    busy: { queued: 0, running: 0 }
  });
  await until(() => model.row(0)?.cells[0]?.state === 'failed');
  matrix.status = { ...matrix.status, doing: 'It waits for the budget.' };
  server.say({ type: 'systematic' });
  await until(() => model.status?.doing === 'It waits for the budget.');
});

test('what happens while nobody looks is read when somebody looks again, once', async () => {
  model.show(true);
  await until(() => model.head !== null && model.status !== null);
  model.show(false);
  const before = matrix.asked.length;
  for (let i = 0; i < 5; i++) {
    server.say({ type: 'datasets' });
  }
  await Promise.resolve();
  expect(matrix.asked.length).toBe(before);
  matrix.names = ['new@1'];
  model.show(true);
  await until(() => model.row(0)?.dataset === 'new@1');
  expect(matrix.asked.length).toBe(before + 1);
  expect(model.row(1)).toBeUndefined();
});

test('the switch tells what the server made of it', async () => {
  model.show(true);
  await until(() => model.status !== null);
  await model.switch(true);
  expect(model.status?.on).toBe(true);
  await model.switch(false);
  expect(model.status?.on).toBe(false);
});

test('a fault keeps what was read, and goes away with the next answer', async () => {
  model.show(true);
  await until(() => model.head !== null && model.status !== null);
  server.on('GET', '/systematic/matrix', () => {
    throw new Refusal(503, [{ code: 'disk_full', message: 'The disk is full.', fix: '', at: null }]);
  });
  model.refresh();
  await until(() => model.error !== null);
  expect(model.row(0)?.dataset).toBe('golub@1');
  matrix = new FakeMatrix(server);
  model.setFilter({ sort: null });
  await until(() => model.error === null);
});
