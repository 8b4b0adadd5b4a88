import { beforeEach, describe, expect, test } from 'vitest';
import { Adding, PLAIN, sorted } from '../../src/panel/adding';
import { Samples } from '../../src/panel/samples';
import { type Dataset } from '../../src/panel/types';
import { FakePanel, No } from './fakePanel';

const file = (name: string, bytes = 10): File => new File(['x'.repeat(bytes)], name);
let server: FakePanel;

beforeEach(() => {
  server = new FakePanel();
});

describe('files on their way', () => {
  let arrived: Dataset[];
  let adding: Adding;

  beforeEach(() => {
    arrived = [];
    adding = new Adding(server, one => arrived.push(one));
  });

  test('a table dropped with its sample table is one data set, else each is its own', () => {
    const [counts, samples, other] = ['counts.csv', 'samples.csv', 'more.csv'].map(name => file(name));
    expect(sorted([samples, counts] as File[])).toEqual([{ table: counts, samples }]);
    expect(sorted([counts, other] as File[])).toHaveLength(2);
    expect(sorted([counts, samples, other] as File[])).toHaveLength(3);
  });

  test('a table and its sample table are sent, then read; what was said goes along', async () => {
    const parts: number[] = [];
    adding.changed.connect(() => parts.push(adding.state.incoming[0]?.part ?? -1));
    server.upload = (one, told) => {
      told(0.5);
      return Promise.resolve({ id: one.name, name: one.name, size: one.size });
    };
    await adding.files([file('counts.csv', 30), file('samples.csv', 10)], {
      ...PLAIN,
      name: 'mine',
      sheet: 'S'
    });
    expect(server.added).toEqual([
      { uploads: ['counts.csv'], samples: 'samples.csv', name: 'mine', sheet: 'S' }
    ]);
    expect(arrived.map(one => one.reference)).toEqual(['mine@1']);
    expect(parts.filter(part => part > 0)).toEqual([0.375, 0.875, 1]);
    expect(adding.state).toEqual({ incoming: [], arrived: 'mine@1' });
  });

  test('an upload that is stopped leaves nothing behind and is no failure', async () => {
    server.upload = (_, __, signal) =>
      new Promise((___, reject) =>
        signal.addEventListener('abort', () => reject(new DOMException('stopped', 'AbortError')))
      );
    const sending = adding.files([file('large.csv')]);
    const [one] = adding.state.incoming;
    expect(one?.is).toBe('sending');
    adding.forget(one?.key ?? 0);
    await sending;
    expect(adding.state.incoming).toEqual([]);
    expect(server.added).toEqual([]);
  });

  test('a table that cannot be read stays with the reason, and is tried again with more said', async () => {
    server.refusals.set('addDataset', new No('No sheet has numbers.'));
    await adding.files([file('messy.xlsx')]);
    const [refused] = adding.state.incoming;
    expect(refused?.is).toBe('refused');
    expect(refused?.problems[0]?.message).toBe('No sheet has numbers.');
    expect(server.dropped).toEqual(['u-messy.xlsx']);
    server.refusals.clear();
    if (refused) {
      await adding.again(refused, { ...PLAIN, sheet: 'Data' });
    }
    expect(server.added).toEqual([{ uploads: ['u-messy.xlsx'], sheet: 'Data' }]);
    expect(adding.state.incoming).toEqual([]);
  });

  test('files of the server and examples come without being sent', async () => {
    await adding.paths(['folder/a.csv']);
    await adding.example('golub');
    expect(server.added).toEqual([{ paths: ['folder/a.csv'] }, { example: 'golub' }]);
  });
});

describe('a sample table', () => {
  const all = { top: 0, left: 1, bottom: 3, right: 1 };
  let samples: Samples;
  let saved: Dataset[];

  beforeEach(async () => {
    saved = [];
    samples = new Samples('a@1', server, one => saved.push(one));
    await samples.load();
  });

  test('is edited, taken back, and redone', () => {
    samples.fill(all, 'x');
    samples.undo();
    expect(samples.state.cells.rows[0]).toEqual(['S 1', 'ALL']);
    expect(samples.state.edited).toBe(false);
    samples.redo();
    expect(samples.state.cells.rows[3]).toEqual(['S 4', 'x']);
    expect([samples.state.edited, samples.state.canUndo, samples.state.canRedo]).toEqual([true, true, false]);
    samples.discard();
    expect(samples.state.edited).toBe(false);
    samples.undo();
    expect(samples.state.edited).toBe(true);
  });

  test('is saved as a new version; what is refused stays as it was typed', async () => {
    samples.paste(all, [['case'], ['case'], ['control'], ['control']]);
    server.refusals.set('setSamples', new No('Column Diagnosis is empty.'));
    await samples.save();
    expect(samples.state.problems[0]?.message).toBe('Column Diagnosis is empty.');
    expect(samples.state.cells.rows[0]).toEqual(['S 1', 'case']);
    server.refusals.clear();
    await samples.save();
    expect(saved).toHaveLength(1);
    expect([samples.state.edited, samples.state.told]).toEqual([false, 'saved']);
  });

  test('what was not saved is there again after a reload', async () => {
    samples.fill(all, 'x');
    const { draft } = samples;
    const again = new Samples('a@1', server, () => undefined);
    await again.load(draft ?? undefined);
    expect(again.state.cells).toEqual(samples.state.cells);
    expect(again.state.edited).toBe(true);
  });
});
