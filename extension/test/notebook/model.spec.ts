import { nullTranslator } from '@jupyterlab/translation';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { Codalab } from '../../src/core/codalab';
import { type NotebookDraft } from '../../src/core/types';
import { AnalyzeModel, problemsAt, withoutOutputs } from '../../src/notebook/model';
import { FakeServer, Refusal } from '../support/fakeServer';
import { until } from '../support/until';

let server: FakeServer;
let codalab: Codalab;
let model: AnalyzeModel;
let draft: NotebookDraft;

beforeEach(async () => {
  draft = {
    path: 'work/a.ipynb',
    kernel: 'python3',
    language: 'python',
    schema: { type: 'object', properties: { alpha: { type: 'number' }, name: { type: 'string' } } },
    values: { alpha: 0.05, name: 'x' },
    files: [
      { path: 'data.csv', size: 8, why: 'cell 2', packed: true },
      { path: 'big.bin', size: 9, why: 'too large', packed: false }
    ],
    total_size: 8,
    warnings: [],
    problems: []
  };
  server = new FakeServer();
  server.on('POST', '/notebooks/inspect', () => draft);
  server.on('GET', '/pools', () => ({ pools: [] }));
  server.on('POST', '/warm', () => server.status);
  server.on('POST', '/tasks', () => ({ batch: null, tasks: ['t1'], warnings: [] }));
  codalab = new Codalab({ settings: server.settings, trans: nullTranslator.load('') });
  model = new AnalyzeModel({ path: 'work/a.ipynb', content: { cells: [] } }, codalab);
  await until(() => model.draft !== null);
});

afterEach(() => {
  model.dispose();
  codalab.dispose();
});

test('only what differs from the notebook is sent, with the files of one’s choice and the limits', async () => {
  model.setValues({ alpha: 0.2, name: 'x' });
  model.setTravels('data.csv', false);
  model.setTravels('big.bin', true);
  model.setLimits({ timeout: ' 5m ', memory: '' });
  expect(model.travels('data.csv')).toBe(false);
  expect(model.travels('big.bin')).toBe(true);
  expect(await model.submit()).toBe('t1');
  expect(server.asked('POST', '/tasks')[0]!.body).toEqual({
    path: 'work/a.ipynb',
    content: { cells: [] },
    parameters: { alpha: 0.2 },
    include: ['big.bin'],
    exclude: ['data.csv'],
    limits: { timeout: '5m', memory: null, network: false, pool: null }
  });
});

test('a value that was changed and changed back is still said', () => {
  model.setValues({ alpha: 0.2, name: 'x' });
  model.setValues({ alpha: 0.05, name: 'x' });
  expect(model.values).toEqual({ alpha: 0.05, name: 'x' });
});

test('while something is wrong it cannot be submitted; a refusal is told, and nothing is lost', async () => {
  draft = { ...draft, problems: [{ code: 'syntax', message: 'cell 1', fix: '', at: null }] };
  model.setValues({ alpha: 3, name: 'x' });
  await until(() => !model.ready);
  expect(await model.submit()).toBeNull();
  expect(server.asked('POST', '/tasks')).toHaveLength(0);
  draft = { ...draft, problems: [] };
  await model.retry();
  server.on('POST', '/tasks', () => {
    throw new Refusal(400, [{ code: 'timeout', message: 'soon is no time', fix: 'as 5m', at: 'timeout' }]);
  });
  expect(await model.submit()).toBeNull();
  expect((model.error as Error).message).toBe('soon is no time');
  expect(model.values['alpha']).toBe(3);
  expect(model.ready).toBe(true);
});

test('problems stand with their setting, the others together', () => {
  const problem = (at: string | null): { code: string; message: string; fix: string; at: string | null } => ({
    code: 'c',
    message: 'm',
    fix: '',
    at
  });
  const found = problemsAt([problem('alpha'), problem(null), problem('elsewhere')], new Set(['alpha']));
  expect(found.get('alpha')).toHaveLength(1);
  expect(found.get('')).toHaveLength(2);
});

test('outputs do not travel', () => {
  const cells = [
    { cell_type: 'code', source: 'x', outputs: [{ a: 1 }], execution_count: 3 },
    { cell_type: 'markdown', source: 'y' }
  ];
  expect(withoutOutputs({ nbformat: 4, cells })).toEqual({
    nbformat: 4,
    cells: [
      { cell_type: 'code', source: 'x', outputs: [], execution_count: null },
      { cell_type: 'markdown', source: 'y' }
    ]
  });
});
