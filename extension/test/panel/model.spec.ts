import { type ReadonlyPartialJSONValue } from '@lumino/coreutils';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { PanelModel } from '../../src/panel/model';
import { type Submitted } from '../../src/panel/types';
import { dataset, FakePanel, No } from './fakePanel';

class Memory {
  readonly kept = new Map<string, ReadonlyPartialJSONValue>();

  fetch = (id: string): Promise<ReadonlyPartialJSONValue | undefined> => Promise.resolve(this.kept.get(id));

  save = (id: string, value: ReadonlyPartialJSONValue): Promise<void> => {
    this.kept.set(id, JSON.parse(JSON.stringify(value)) as ReadonlyPartialJSONValue);
    return Promise.resolve();
  };
}

let server: FakePanel;
let memory: Memory;
let opened: Submitted[];
let model: PanelModel;

const make = (): PanelModel =>
  new PanelModel({ server, memory, opened: one => opened.push(one), show: () => undefined });
const settle = async (): Promise<void> => {
  await vi.advanceTimersByTimeAsync(1000);
};
const missing = (): string[] => model.missing.map(one => one.what);

beforeEach(async () => {
  vi.useFakeTimers();
  server = new FakePanel();
  server.put(dataset('a'), dataset('b'));
  memory = new Memory();
  opened = [];
  model = make();
  await model.start();
  await settle();
});

describe('from a table to Analyze', () => {
  test('what is missing is named in order, until a click sends all of it as one batch', async () => {
    expect(missing()).toEqual(['datasets', 'methods']);
    model.datasets.choose('a', true);
    await settle();
    expect(missing()).toEqual(['methods']);
    expect(model.methods.found.map(one => one.method)).toEqual(['de', 'pca', 'counts']);
    model.methods.choose('de', true);
    model.methods.choose('pca', true);
    await settle();
    expect(missing()).toEqual([]);
    expect(model.tasks).toBe(2);
    model.limit({ timeout: ' 15m ' });
    await model.analyze();
    expect(server.analyzed).toEqual([
      {
        datasets: ['a@1'],
        methods: ['de', 'pca'],
        shared: {},
        own: {},
        sweep: {},
        limits: { timeout: '15m', memory: null, network: false, pool: null },
        skip_unfit: true
      }
    ]);
    expect(opened.map(one => one.tasks)).toEqual([['t-de', 't-pca']]);
    expect(model.state.sent?.batch).toBe('b1');
  });

  test('a double click sends it once', async () => {
    model.datasets.choose('a', true);
    model.methods.choose('pca', true);
    await settle();
    await Promise.all([model.analyze(), model.analyze()]);
    expect(server.analyzed).toHaveLength(1);
  });

  test('what the server refuses is told, and nothing that was chosen is lost', async () => {
    model.datasets.choose('a', true);
    model.methods.choose('pca', true);
    await settle();
    server.refusals.set('analyze', new No('The disk is full.'));
    await model.analyze();
    expect(model.state.problems[0]?.message).toBe('The disk is full.');
    expect([model.state.sending, model.datasets.references, model.methods.state.chosen]).toEqual([
      false,
      ['a@1'],
      ['pca']
    ]);
    expect(opened).toEqual([]);
  });

  test('a proposed reference and a wrong value stand in the way, each with its field', async () => {
    server.proposed = true;
    model.datasets.choose('a', true);
    model.methods.choose('de', true);
    await settle();
    model.settings.set('de', 'alpha', 'five');
    await settle();
    expect(model.missing.map(one => one.focus)).toEqual(['field:de:alpha', 'field:de:reference']);
    await model.analyze();
    expect(server.analyzed).toEqual([]);
  });

  test('a method that no longer fits is said to be in the way, not dropped in silence', async () => {
    model.datasets.choose('a', true);
    model.methods.choose('de', true);
    await settle();
    server.fitting = ['pca'];
    model.datasets.choose('b', true);
    await settle();
    expect(missing()).toEqual(['unfit']);
  });

  test('edits of the sample table that were not saved stand in the way', async () => {
    model.datasets.choose('a', true);
    model.methods.choose('pca', true);
    await settle();
    const samples = model.datasets.samples('a@1');
    await samples.load();
    samples.fill({ top: 0, left: 1, bottom: 0, right: 1 }, 'x');
    expect(missing()).toEqual(['unsaved']);
    await samples.save();
    await settle();
    expect(missing()).toEqual([]);
    expect(model.datasets.references).toEqual(['a@2']);
  });
});

describe('data sets', () => {
  test('a new one is chosen and its methods are asked for', async () => {
    await model.adding.example('golub');
    await settle();
    expect(model.datasets.references).toEqual(['golub@1']);
    expect(model.datasets.state.looked).toBe('golub');
    expect(model.methods.state.list).toMatchObject({ is: 'there' });
  });

  test('an answer makes a version, which takes the place of the one before', async () => {
    model.datasets.choose('a', true);
    await settle();
    await model.datasets.answer(dataset('a'), { accept: true });
    await settle();
    expect(model.datasets.references).toEqual(['a@2']);
    server.refusals.set('setDataset', new No('Not possible.'));
    await model.datasets.answer(dataset('a', 2), { kind: 'counts' });
    expect(model.datasets.state.problems['a']?.[0]?.message).toBe('Not possible.');
  });

  test('one that was removed elsewhere is chosen no longer, and that is said', async () => {
    model.datasets.choose('a', true);
    await settle();
    server.kept.delete('a');
    await model.refresh();
    expect([model.datasets.references, model.datasets.state.gone]).toEqual([[], ['a']]);
  });

  test('one that I remove is not said to be gone', async () => {
    model.datasets.choose('a', true);
    await model.datasets.remove('a');
    await settle();
    expect([model.datasets.references, model.datasets.state.gone]).toEqual([[], []]);
    expect(model.datasets.found.map(one => one.name)).toEqual(['b']);
  });

  test('search finds names and groups, and keeps what is chosen', () => {
    model.datasets.choose('b', true);
    model.datasets.search('a aml');
    expect(model.datasets.found.map(one => one.name)).toEqual(['a', 'b']);
  });

  test('the list stays when the server is gone, and is read anew when it is back', async () => {
    server.refusals.set('datasets', new No('gone'));
    await model.refresh();
    expect(model.datasets.found).toHaveLength(2);
    server.refusals.clear();
    server.put(dataset('c'));
    await model.refresh();
    expect(model.datasets.found).toHaveLength(3);
  });
});

test('what could not be asked while the server was gone is asked when it is back', async () => {
  model.datasets.choose('a', true);
  model.methods.choose('de', true);
  await settle();
  ['datasets', 'methods', 'form'].forEach(verb => server.refusals.set(verb, new No('gone')));
  model.settings.set('de', 'alpha', 0.2);
  model.datasets.choose('b', true);
  await settle();
  expect(model.methods.state.list.is).toBe('failed');
  server.refusals.clear();
  await model.refresh();
  await settle();
  expect(missing()).toEqual([]);
  expect(server.forms.at(-1)).toMatchObject({ datasets: ['a@1', 'b@1'], own: { de: { alpha: 0.2 } } });
});

describe('over a reload', () => {
  test('choices, settings and unsaved cells are there again', async () => {
    model.datasets.choose('a', true);
    model.methods.choose('de', true);
    await settle();
    model.settings.set('de', 'alpha', 0.2);
    model.limit({ memory: '2G' });
    const samples = model.datasets.samples('a@1');
    await samples.load();
    samples.fill({ top: 0, left: 1, bottom: 0, right: 1 }, 'typed');
    await settle();
    model.dispose();
    model = make();
    await model.start();
    await settle();
    expect([model.datasets.references, model.methods.state.chosen]).toEqual([['a@1'], ['de']]);
    expect(model.settings.value('de', 'alpha')).toBe(0.2);
    expect(model.state.limits.memory).toBe('2G');
    expect(model.datasets.samples('a@1').state.cells.rows[0]).toEqual(['S 1', 'typed']);
  });

  test('what was kept by another version does no harm', async () => {
    memory.kept.set('codalab-nb:panel', { chosen: 'nonsense', own: 3 });
    model = make();
    await model.start();
    expect(model.datasets.references).toEqual([]);
  });
});

test('copy and change fills in the choices of a task, with what is not as it was', async () => {
  server.put(dataset('a', 2));
  await model.refresh();
  model.choose({
    kind: 'analysis',
    datasets: ['a@1'],
    methods: ['de'],
    own: { de: { alpha: 0.3 } },
    notebook: null,
    parameters: {},
    notes: [{ code: 'newer', text: 'There is a newer version of a.' }]
  });
  await settle();
  expect([model.datasets.references, model.methods.state.chosen]).toEqual([['a@1'], ['de']]);
  expect(model.settings.value('de', 'alpha')).toBe(0.3);
  expect(model.state.notes.map(one => one.code)).toEqual(['newer']);
});

test('nothing is heard after the panel was closed', async () => {
  const release = server.hold('methods');
  model.datasets.choose('a', true);
  model.dispose();
  release();
  await settle();
  expect(model.methods.state.asking).toBe(true);
});
