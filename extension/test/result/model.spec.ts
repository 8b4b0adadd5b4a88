import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { Codalab } from '../../src/core/codalab';
import { type LiveEvent, type LiveNotebook, type TaskDetail } from '../../src/core/types';
import { ResultModel } from '../../src/result/model/result';
import { nullTranslator } from '@jupyterlab/translation';
import { FakeServer, Refusal, task } from '../support/fakeServer';
import { until } from '../support/until';

const ID = task(1).task;
let server: FakeServer;
let codalab: Codalab;
let model: ResultModel | null = null;
let row: TaskDetail;
let live: LiveNotebook;

beforeEach(async () => {
  row = {
    ...task(1, { state: 'running', attempts: 1 }),
    warnings: [],
    kernel: 'python3',
    sandbox: 'bubblewrap',
    max_attempts: 3,
    deadline: '2027-01-01T00:00:00Z',
    history: [],
    damage: [],
    folder: null
  };
  const cell = { cell_type: 'code', id: 'a', metadata: {}, execution_count: null, source: 'x', outputs: [] };
  live = {
    task: ID,
    state: 'running',
    n: 1,
    seq: 0,
    notebook: { metadata: {}, cells: [cell] },
    cell: 0,
    offset: 0,
    truncated: false,
    why: null
  };
  server = new FakeServer();
  server.on('GET', '/tasks/{task}', () => row);
  server.on('GET', '/tasks/{task}/notebook', () => live);
  server.on('GET', '/tasks/{task}/files', () => ({ files: [], skipped: [], folder: null }));
  codalab = new Codalab({ settings: server.settings, trans: nullTranslator.load('') });
  await codalab.start();
  await until(() => server.socket !== undefined);
});

afterEach(() => {
  model?.dispose();
  codalab.dispose();
});

async function opened(): Promise<ResultModel> {
  model = new ResultModel(ID, codalab);
  await until(() => model!.detail !== null || model!.error !== null || model!.gone);
  return model;
}

function print(seq: number, text: string, n = 1): LiveEvent {
  const output = { output_type: 'stream', name: 'stdout', text };
  return { n, seq, at: '2026-01-01T00:00:00Z', type: 'output', body: { cell: 0, output } };
}

function say(events: LiveEvent[], ended = false): void {
  server.say({ type: 'events', task: ID, events, ended });
}

function told(): string {
  const [output] = model!.notebook.cells[0]!.outputs;
  return output?.kind === 'stream' ? output.text.toString() : '';
}

describe('the result of a task', () => {
  test('is watched from where the snapshot ends, and drawn when something comes', async () => {
    live = { ...live, seq: 4 };
    const { drawn } = await opened();
    expect(server.socket!.sent).toContainEqual({ type: 'watch', task: ID, n: 1, seq: 4 });
    const draws = vi.fn();
    drawn.connect(draws);
    say([print(4, 'old'), print(5, 'new')]);
    expect(told()).toBe('new');
    await until(() => draws.mock.calls.length > 0);
  });

  test('reads the executed notebook when it has ended, and watches no more', async () => {
    await opened();
    say([print(1, 'a')]);
    row = { ...row, state: 'succeeded', metrics: { quality: 1 }, seconds: 2 };
    const cells = [
      {
        cell_type: 'code',
        id: 'a',
        metadata: {},
        execution_count: 1,
        source: 'x',
        outputs: [{ output_type: 'stream', name: 'stdout', text: 'all of it' }]
      }
    ];
    live = { ...live, state: 'succeeded', notebook: { metadata: {}, cells } };
    say([], true);
    await until(() => model!.detail?.state === 'succeeded');
    expect(told()).toBe('all of it');
    expect(model!.seconds).toBe(2);
    expect(server.socket!.sent).toContainEqual({ type: 'unwatch', task: ID });
  });

  test('goes on after the server was gone, from the last word it heard', async () => {
    await opened();
    say([print(1, 'before;')]);
    server.stop();
    server.start();
    codalab.reconnect();
    await until(() => server.socket !== undefined && server.socket.sent.some(sent => sent.type === 'watch'));
    expect(server.socket!.sent).toContainEqual({ type: 'watch', task: ID, n: 1, seq: 1 });
    say([print(1, 'before;'), print(2, 'after;')]);
    expect(told()).toBe('before;after;');
  });

  test('that is removed elsewhere says so, and keeps what it showed', async () => {
    await opened();
    say([print(1, 'kept')]);
    server.say({ type: 'ledger', seq: 9, tasks: [], removed: [ID], busy: { queued: 0, running: 0 } });
    expect(model!.gone).toBe(true);
    expect(told()).toBe('kept');
  });

  test('that was never there, or cannot be read now, says which of the two', async () => {
    server.on('GET', '/tasks/{task}', () => {
      throw new Refusal(404, [{ code: 'unknown_task', message: 'no', fix: '', at: null }]);
    });
    expect((await opened()).gone).toBe(true);
    model!.dispose();
    server.on('GET', '/tasks/{task}', () => {
      throw new Refusal(500, [{ code: 'internal', message: 'broken', fix: '', at: null }]);
    });
    const other = await opened();
    expect(other.gone).toBe(false);
    expect(other.error).not.toBeNull();
  });

  test('leaves nothing connected behind', async () => {
    const { notebook } = await opened();
    model!.dispose();
    say([print(1, 'late')]);
    expect(notebook.cells[0]!.outputs).toEqual([]);
    expect(server.socket!.sent.at(-1)).toEqual({ type: 'unwatch', task: ID });
  });

  test('reads files when somebody looks at them, and again when it has ended', async () => {
    await opened();
    expect(server.asked('GET', `/tasks/${ID}/files`)).toHaveLength(0);
    model!.files.ensure();
    model!.files.ensure();
    await until(() => model!.files.value !== null);
    expect(server.asked('GET', `/tasks/${ID}/files`)).toHaveLength(1);
    say([], true);
    await until(() => server.asked('GET', `/tasks/${ID}/files`).length === 2);
  });
});

describe('report.html', () => {
  test('is made by a task, and ready when that has ended well', async () => {
    await opened();
    let ready = false;
    server.on('POST', '/tasks/{task}/report', () => ({ ready, task: 'maker', path: null }));
    await model!.report.make();
    expect(model!.report.state).toBe('making');
    ready = true;
    const maker = task(2, { task: 'maker', state: 'succeeded' });
    server.say({ type: 'ledger', seq: 9, tasks: [maker], removed: [], busy: { queued: 0, running: 0 } });
    await until(() => model!.report.state === 'ready');
  });

  test('says why it could not be made', async () => {
    await opened();
    server.on('POST', '/tasks/{task}/report', () => ({ ready: false, task: 'maker', path: null }));
    await model!.report.make();
    const why = { code: 'timeout', message: 'It took too long.', fix: 'Try again.', cell: null };
    const maker = task(2, { task: 'maker', state: 'failed', why });
    server.say({ type: 'ledger', seq: 9, tasks: [maker], removed: [], busy: { queued: 0, running: 0 } });
    expect(model!.report.state).toBe('none');
    expect((model!.report.error as Error).message).toBe('It took too long.');
  });
});
