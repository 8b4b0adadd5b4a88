import { describe, expect, test } from 'vitest';

import { type LiveEvent, type LiveNotebook } from '../../src/core/types';
import { FIRST, LAST, NotebookFold } from '../../src/result/model/fold';
import { type IStream } from '../../src/result/model/output';
import { overwritten, Tail } from '../../src/result/model/tail';

function live(cells: object[], more: Partial<LiveNotebook> = {}): LiveNotebook {
  return {
    task: 't',
    state: 'running',
    n: 1,
    seq: 0,
    notebook: { nbformat: 4, metadata: {}, cells },
    cell: null,
    offset: 0,
    truncated: false,
    why: null,
    ...more
  };
}

function code(source = '', outputs: object[] = [], id = 'a'): object {
  return { cell_type: 'code', id, metadata: {}, execution_count: null, source, outputs };
}

let seq = 0;
function event(type: LiveEvent['type'], body: Record<string, unknown> = {}, n = 1): LiveEvent {
  return { n, seq: ++seq, at: '2026-01-01T00:00:00Z', type, body };
}

const output = (cell: number, raw: object): LiveEvent => event('output', { cell, output: raw });
const print = (cell: number, text: string): LiveEvent =>
  output(cell, { output_type: 'stream', name: 'stdout', text });
const show = (cell: number, text: string, id?: string): LiveEvent =>
  output(cell, {
    output_type: 'display_data',
    data: { 'text/plain': text },
    metadata: {},
    ...(id ? { transient: { display_id: id } } : {})
  });

function fold(cells: object[] = [code()], more: Partial<LiveNotebook> = {}): NotebookFold {
  const made = new NotebookFold();
  made.load(live(cells, more));
  seq = more.seq ?? 0;
  return made;
}

function texts(made: NotebookFold, cell = 0): string[] {
  return made.cells[cell]!.outputs.map(one =>
    one.kind === 'stream'
      ? one.text.toString()
      : one.kind === 'data'
        ? String(one.data['text/plain'])
        : one.value
  );
}

describe('the notebook as it grows', () => {
  test('what is printed comes together, in order, and the running cell is known', () => {
    const made = fold();
    made.apply(event('cell_started', { cell: 0 }));
    expect(made.running).toBe(0);
    made.apply(print(0, 'one\n'));
    made.apply(print(0, 'two\n'));
    made.apply(output(0, { output_type: 'stream', name: 'stderr', text: ['oh', '!'] }));
    made.apply(event('cell_finished', { cell: 0, execution_count: 4 }));
    expect(texts(made)).toEqual(['one\ntwo\n', 'oh!']);
    expect(made.running).toBeNull();
    expect(made.cells[0]!.count).toBe(4);
  });

  test('an event that was in the snapshot is not told twice', () => {
    const made = fold([code('', [{ output_type: 'stream', name: 'stdout', text: 'one\n' }])], { seq: 5 });
    const late = { ...print(0, 'one\n'), seq: 5 };
    expect(made.apply(late)).toBe(false);
    expect(texts(made)).toEqual(['one\n']);
  });

  test('a new attempt starts from nothing', () => {
    const made = fold();
    made.apply(print(0, 'first attempt'));
    made.apply({ ...event('started', {}, 2), seq: 1 });
    expect(texts(made)).toEqual([]);
    made.apply({ ...print(0, 'second'), n: 2, seq: 2 });
    expect(texts(made)).toEqual(['second']);
    expect(made.apply({ ...print(0, 'a late word of the first'), n: 1, seq: 99 })).toBe(false);
  });

  test('clear_output clears at once, or with the next output', () => {
    const made = fold();
    made.apply(print(0, 'a'));
    made.apply(event('clear_output', { cell: 0, wait: true }));
    expect(texts(made)).toEqual(['a']);
    made.apply(print(0, 'b'));
    expect(texts(made)).toEqual(['b']);
    made.apply(event('clear_output', { cell: 0, wait: false }));
    expect(texts(made)).toEqual([]);
  });

  test('a display is updated where it stands', () => {
    const made = fold();
    made.apply(show(0, 'old', 'd'));
    made.apply(show(0, 'other'));
    const version = made.cells[0]!.version;
    made.apply(
      output(0, {
        output_type: 'update_display_data',
        data: { 'text/plain': 'new' },
        transient: { display_id: 'd' }
      })
    );
    expect(texts(made)).toEqual(['new', 'other']);
    expect(made.cells[0]!.version).toBeGreaterThan(version);
  });

  test('cells count from the submitted notebook; -1 is the one with the injected parameters', () => {
    const made = fold([code('x = 1'), code('print(x)', [], 'b')], { offset: 1 });
    made.apply(print(0, 'hello'));
    expect(texts(made, 1)).toEqual(['hello']);
    made.apply(print(-1, 'injected'));
    expect(texts(made, 0)).toEqual(['injected']);
    const without = fold([code('print(1)')]);
    without.apply(print(-1, 'injected'));
    without.apply(print(0, 'hello'));
    expect(without.cells.map((_, i) => texts(without, i))).toEqual([['injected'], ['hello']]);
  });

  test('what is no output is replaced by a note, and a cell that is not there is passed over', () => {
    const made = fold([code(), { cell_type: 'markdown', id: 'm', metadata: {}, source: 'words' }]);
    for (const raw of [
      null,
      7,
      {},
      { output_type: 'stream', name: 'x' },
      { output_type: 'display_data', data: { 'text/html': 7 } },
      { output_type: 'stream', name: 'stderr', text: [7] }
    ]) {
      made.apply(event('output', { cell: 0, output: raw }));
    }
    expect(texts(made).join('')).toMatch(/^(\[an output that was not valid is left out\]\n){6}$/);
    for (const cell of [1, 2, -2, 0.5, '0', null]) {
      expect(made.apply(event('output', { cell, output: {} }))).toBe(false);
    }
  });

  test('a notebook that did not change when it is loaded again keeps what stands on the page', () => {
    const cells = [code('', [{ output_type: 'display_data', data: { 'text/plain': 'a' }, metadata: {} }])];
    const made = fold(cells);
    const [before] = made.cells;
    made.load(live(cells, { state: 'succeeded' }));
    expect(made.cells[0]!.outputs).toBe(before!.outputs);
    expect(made.cells[0]!.version).toBe(before!.version);
    made.load(live([code('', [{ output_type: 'display_data', data: { 'text/plain': 'b' }, metadata: {} }])]));
    expect(texts(made)).toEqual(['b']);
    expect(made.cells[0]!.version).toBeGreaterThan(before!.version);
  });
});

describe('however much a worker says', () => {
  test('a million lines hold little, and the end of them is there', () => {
    const made = fold();
    let held = 0;
    for (let i = 0; i < 1000; i++) {
      const lines = Array.from({ length: 1000 }, (_, j) => `line ${i * 1000 + j} of a long story`).join('\n');
      made.apply(print(0, lines + '\n'));
      const { text } = made.cells[0]!.outputs[0] as IStream;
      held = Math.max(held, text['_held' as keyof Tail] as unknown as number);
    }
    const { text } = made.cells[0]!.outputs[0] as IStream;
    expect(held).toBeLessThan(250_000);
    expect(text.toString()).toMatch(/line 999999 of a long story\n$/);
    expect(text.left).toBeGreaterThan(20_000_000);
  });

  test('ten thousand displays leave the first and the last', () => {
    const made = fold();
    for (let i = 0; i < 10_000; i++) {
      made.apply(show(0, String(i)));
    }
    const found = texts(made);
    expect(found).toHaveLength(FIRST + LAST);
    expect(found.slice(0, 2)).toEqual(['0', '1']);
    expect(found.at(-1)).toBe('9999');
    expect(made.cells[0]!.left).toBe(10_000 - FIRST - LAST);
  });

  test('as many updates as displays of one id end, and the last one is shown', () => {
    const made = fold();
    const update = {
      output_type: 'update_display_data',
      data: { 'text/plain': 'new' },
      transient: { display_id: 'd' }
    };
    for (let i = 0; i < 20_000; i++) {
      made.apply(show(0, String(i), 'd'));
    }
    for (let i = 0; i < 20_000; i++) {
      made.apply(output(0, update));
    }
    expect(texts(made).at(-1)).toBe('new');
    expect(texts(made)[0]).toBe('0'); // long out of reach: only the newest hundred are looked for
  });

  test('a spinner is its last word', () => {
    const tail = new Tail(100);
    for (let i = 0; i < 100_000; i++) {
      tail.append(`\r ${i}`);
    }
    expect(tail.toString()).toBe(' 99999');
    expect(overwritten('a\rb\r\nc\rd')).toBe('b\nd');
    expect(overwritten('50 %\r')).toBe('50 %\r');
  });
});
