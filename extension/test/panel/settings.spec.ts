import { beforeEach, describe, expect, test, vi } from 'vitest';
import { readNumber, Settings } from '../../src/panel/settings';
import { FakePanel, No } from './fakePanel';

const PAUSE = 250;
let server: FakePanel;
let settings: Settings;

/** Lets everything that was asked be answered. */
const settle = async (): Promise<void> => {
  await vi.advanceTimersByTimeAsync(PAUSE + 1);
};

beforeEach(() => {
  vi.useFakeTimers();
  server = new FakePanel();
  settings = new Settings(server, PAUSE);
});

describe('what is typed', () => {
  test('asks the server once, when one stops typing', async () => {
    settings.choose(['a@1'], ['de']);
    await settle();
    for (const text of ['0', '0.', '0.1']) {
      settings.set('de', 'alpha', readNumber(text));
      await vi.advanceTimersByTimeAsync(PAUSE / 2);
    }
    await settle();
    expect(server.forms.map(one => one.own)).toEqual([{}, { de: { alpha: 0.1 } }]);
  });

  test('stays as it was typed when the server says it is wrong', async () => {
    settings.choose(['a@1'], ['de']);
    settings.set('de', 'alpha', readNumber('five'));
    await settle();
    expect(settings.value('de', 'alpha')).toBe('five');
    expect(settings.problems('de', 'alpha')).toHaveLength(1);
  });

  test('stays when the server is gone, and can be asked again', async () => {
    settings.choose(['a@1'], ['de']);
    await settle();
    server.refusals.set('form', new No('gone'));
    settings.set('de', 'alpha', 0.2);
    await settle();
    expect(settings.state.problems[0]?.message).toBe('gone');
    expect(settings.value('de', 'alpha')).toBe(0.2);
    server.refusals.clear();
    settings.retry();
    await settle();
    expect(settings.state.problems).toEqual([]);
    expect(settings.value('de', 'alpha')).toBe(0.2);
  });

  test('an answer to an earlier question does not count', async () => {
    const release = server.hold('form');
    settings.choose(['a@1'], ['de']);
    settings.choose(['a@1'], ['pca']);
    release();
    await settle();
    expect(settings.state.form?.methods.map(one => one.method)).toEqual(['pca']);
    expect(settings.state.asking).toBe(false);
  });

  test('can go back to the default', async () => {
    settings.choose(['a@1'], ['de']);
    settings.set('de', 'alpha', 0.2);
    settings.set('de', 'alpha', undefined);
    await settle();
    expect(settings.isChosen('de', 'alpha')).toBe(false);
    expect(settings.value('de', 'alpha')).toBe(0.05);
  });

  test('a group of a column is forgotten when another column is chosen', async () => {
    settings.choose(['a@1'], ['de']);
    settings.set('de', 'reference', 'AML');
    await settle();
    settings.set('de', 'condition', 'Batch');
    await settle();
    expect(server.forms.at(-1)?.own).toEqual({ de: { condition: 'Batch' } });
  });
});

describe('parameters of several methods', () => {
  test('stand once, and hold for each', async () => {
    settings.choose(['a@1'], ['de', 'pca']);
    await settle();
    expect(Object.keys(settings.sharedSchema?.properties ?? {})).toEqual(['floor']);
    settings.set(null, 'floor', 1);
    await settle();
    expect(server.forms.at(-1)?.shared).toEqual({ floor: 1 });
    const form = settings.state.form?.methods.find(one => one.method === 'pca');
    expect(form && Object.keys(settings.ownSchema(form).properties)).toEqual([]);
    expect(settings.value('pca', 'floor')).toBe(1);
  });

  test('come from a copied task for each method, and are shared again where they are the same', async () => {
    settings.takeOver({ de: { floor: 5, alpha: 0.1 }, pca: { floor: 5 } });
    settings.choose(['a@1'], ['de', 'pca']);
    await settle();
    expect(settings.state.shared).toEqual({ floor: 5 });
    expect(settings.state.own).toEqual({ de: { alpha: 0.1 }, pca: {} });
  });

  test('stay with each method where they differ', async () => {
    settings.takeOver({ de: { floor: 5 }, pca: { floor: 6 } });
    settings.choose(['a@1'], ['de', 'pca']);
    await settle();
    expect(settings.sharedSchema).toBeNull();
    expect([settings.value('de', 'floor'), settings.value('pca', 'floor')]).toEqual([5, 6]);
  });
});

test('a reference that is proposed is confirmed by taking it', async () => {
  server.proposed = true;
  settings.choose(['a@1'], ['de']);
  await settle();
  expect(settings.unconfirmed.map(one => one.question.sentence)).toEqual(['up = higher than in ALL']);
  settings.confirm('de', 'reference');
  expect(settings.unconfirmed).toEqual([]);
  await settle();
  expect(server.forms.at(-1)?.own).toEqual({ de: { reference: 'ALL' } });
});

test('numbers are read as people write them; what may mean two things is left to be asked about', () => {
  expect(['0,05', '0.05', ' 1e-6 ', '-3', '.5', '0,125'].map(readNumber)).toEqual([
    0.05, 0.05, 1e-6, -3, 0.5, 0.125
  ]);
  expect(['1,000', '12 %', '', '1.2.3', 'Infinity'].map(readNumber)).toEqual([
    '1,000',
    '12 %',
    '',
    '1.2.3',
    'Infinity'
  ]);
});
