import { nullTranslator } from '@jupyterlab/translation';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { Codalab } from '../../src/core/codalab';
import { type Task } from '../../src/core/types';
import { Endings, type IEnding } from '../../src/shell/endings';
import { words } from '../../src/shell/notifications';
import { FakeServer, Refusal, task } from '../support/fakeServer';
import { until } from '../support/until';

describe('the end of what was started here', () => {
  let server: FakeServer;
  let codalab: Codalab;
  let endings: Endings;
  let told: IEnding[];

  const listen = (): void => {
    endings = new Endings(codalab, window.sessionStorage);
    endings.ended.connect((_, ending) => told.push(ending));
  };
  const say = (...tasks: Task[]): void =>
    server.say({ type: 'ledger', seq: 8, tasks, removed: [], busy: { queued: 0, running: 0 } });
  const ended = (number: number, state: Task['state'] = 'succeeded'): Task => task(number, { state });

  beforeEach(async () => {
    window.sessionStorage.clear();
    told = [];
    server = new FakeServer();
    server.on('POST', '/batches', () => ({
      batch: 'b1',
      tasks: [task(1).task, task(2).task],
      warnings: []
    }));
    server.on('POST', '/tasks', () => ({ batch: null, tasks: [task(3).task], warnings: [] }));
    codalab = new Codalab({ settings: server.settings, trans: nullTranslator.load('') });
    await codalab.start();
    await until(() => codalab.stream.state === 'open');
    listen();
  });

  afterEach(() => {
    endings.dispose();
    codalab.dispose();
  });

  test('is told once for a batch, when the last of it has ended', async () => {
    await codalab.analyze({ datasets: ['a'], methods: ['m'] });
    say(ended(1), task(2, { state: 'running' }));
    expect(told).toHaveLength(0);
    say(ended(2, 'failed'));
    say(ended(2, 'failed'));
    expect(told).toHaveLength(1);
    expect(told[0]?.batch).toBe('b1');
    expect(words(told[0]!.verdicts, nullTranslator.load(''))).toBe('Analysis ended: 1 succeeded, 1 failed');
  });

  test('is told for a task that was quicker than the answer to the click', async () => {
    server.on('POST', '/tasks', () => {
      say(ended(3));
      return { batch: null, tasks: [task(3).task], warnings: [] };
    });
    await codalab.runNotebook({ path: 'a.ipynb' });
    expect(told[0]?.task?.task).toBe(task(3).task);
  });

  test('is not told of what others started', () => {
    say(ended(77));
    expect(told).toHaveLength(0);
  });

  test('is not waited for when it was deleted', async () => {
    await codalab.analyze({ datasets: ['a'], methods: ['m'] });
    server.say({
      type: 'ledger',
      seq: 8,
      tasks: [],
      removed: [task(1).task],
      busy: { queued: 0, running: 0 }
    });
    say(ended(2));
    expect([...told[0]!.verdicts.keys()]).toEqual([task(2).task]);
  });

  test('is told after a reload, too, and what is gone is forgotten', async () => {
    await codalab.analyze({ datasets: ['a'], methods: ['m'] });
    await codalab.runNotebook({ path: 'a.ipynb' });
    endings.dispose();
    server.on('GET', '/tasks/{task}', (_, [, id]) => {
      if (id === task(3).task) {
        throw new Refusal(404, [{ code: 'unknown_task', message: 'gone', fix: '', at: null }]);
      }
      return { ...ended(1), task: id };
    });
    listen();
    endings.check();
    await until(() => told.length === 1);
    expect(told[0]?.verdicts.size).toBe(2);
    await until(() => window.sessionStorage.getItem('codalab-nb:started-here') === '[]');
  });
});
