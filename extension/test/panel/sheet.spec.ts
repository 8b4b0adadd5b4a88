import { describe, expect, test } from 'vitest';
import { at, moved, next, onKey, rangeOf } from '../../src/panel/cursor';
import {
  addColumn,
  fill,
  fillDown,
  groupsIn,
  type ICells,
  parseClipboard,
  paste,
  removeColumn,
  renameColumn,
  toClipboard
} from '../../src/panel/sheet';

const CELLS: ICells = {
  columns: ['sample', 'group'],
  rows: [
    ['AML 1', 'AML'],
    ['AML 2', 'AML'],
    ['ALL 1', 'ALL']
  ]
};
const column = (cells: ICells, at: number): string[] => cells.rows.map(row => row[at] ?? '');

describe('the clipboard', () => {
  test('is read as Excel writes it: tabs, line ends, quoted cells with line breaks and quotes', () => {
    expect(parseClipboard('a\tb\r\n"c ""d"""\t"e\nf"\r\n')).toEqual([
      ['a', 'b'],
      ['c "d"', 'e f']
    ]);
  });

  test('keeps a quote that is a mark of inches', () => {
    expect(parseClipboard('5" disc\t"6" disc')).toEqual([['5" disc', '"6" disc']]);
  });

  test('gets the selected cells', () => {
    expect(toClipboard(CELLS, { top: 0, left: 0, bottom: 1, right: 1 })).toBe('AML 1\tAML\nAML 2\tAML');
  });
});

describe('cells', () => {
  test('one cell fills the selection, and the names of samples stay as they are', () => {
    const done = paste(CELLS, { top: 0, left: 0, bottom: 2, right: 1 }, [['x']]);
    expect(column(done.cells, 0)).toEqual(column(CELLS, 0));
    expect(column(done.cells, 1)).toEqual(['x', 'x', 'x']);
  });

  test('a block goes right of and below the cursor, makes columns, and says what found no place', () => {
    const done = paste(CELLS, { top: 1, left: 1, bottom: 1, right: 1 }, [
      ['a', 'M'],
      ['b', 'F'],
      ['c', 'F']
    ]);
    expect(done.cells.columns).toEqual(['sample', 'group', 'group 2']);
    expect(done.cells.rows).toEqual([
      ['AML 1', 'AML', ''],
      ['AML 2', 'a', 'M'],
      ['ALL 1', 'b', 'F']
    ]);
    expect(done.left).toBe(1);
    expect(done.byName).toBe(false);
  });

  test('a whole sheet is matched by the names of the samples, spelled as people spell them', () => {
    const done = paste(CELLS, { top: 2, left: 1, bottom: 2, right: 1 }, [
      ['Patient', 'Sex', 'group'],
      ['all_1', 'F', 'control'],
      ['aml-2', 'M', 'case'],
      ['other', 'M', 'case']
    ]);
    expect(done.byName).toBe(true);
    expect(done.left).toBe(1);
    expect(done.cells.columns).toEqual(['sample', 'group', 'Sex']);
    expect(done.cells.rows).toEqual([
      ['AML 1', 'AML', ''],
      ['AML 2', 'case', 'M'],
      ['ALL 1', 'control', 'F']
    ]);
  });

  test('are filled down from the first row of the selection', () => {
    expect(column(fillDown(CELLS, { top: 0, left: 1, bottom: 2, right: 1 }), 1)).toEqual([
      'AML',
      'AML',
      'AML'
    ]);
  });

  test('lose their spaces at the edges', () => {
    expect(column(fill(CELLS, { top: 0, left: 1, bottom: 0, right: 1 }, ' x '), 1)[0]).toBe('x');
  });

  test('columns come, go and get names that are free', () => {
    const more = addColumn(CELLS);
    expect(more.columns).toEqual(['sample', 'group', 'group 2']);
    expect(renameColumn(more, 2, 'group')).toBe(more);
    expect(renameColumn(more, 2, ' Sex ').columns[2]).toBe('Sex');
    expect(removeColumn(more, 1).columns).toEqual(['sample', 'group 2']);
  });

  test('groups are counted in order of appearance', () => {
    expect([...groupsIn(CELLS, 1)]).toEqual([
      ['AML', 2],
      ['ALL', 1]
    ]);
  });
});

describe('the cursor', () => {
  const size = { rows: 3, columns: 3 };
  const press = (key: string, more: object = {}) => ({
    key,
    shiftKey: false,
    ctrlKey: false,
    metaKey: false,
    ...more
  });

  test('stays in the table, and Shift keeps the other corner of the selection', () => {
    expect(onKey(at(0, 1), press('ArrowUp'), size, 10)).toEqual(at(0, 1));
    const selected = onKey(at(0, 1), press('ArrowDown', { shiftKey: true }), size, 10);
    expect(rangeOf(selected ?? at(0, 0))).toEqual({ top: 0, bottom: 1, left: 1, right: 1 });
    expect(onKey(at(0, 1), press('ArrowDown', { ctrlKey: true }), size, 10)).toEqual(at(2, 1));
    expect(onKey(at(0, 1), press('x'), size, 10)).toBeNull();
  });

  test('Tab goes over the cells that can be edited and leaves at both ends', () => {
    expect(next(at(0, 2), false, size)).toEqual(at(1, 1));
    expect(next(at(1, 1), true, size)).toEqual(at(0, 2));
    expect(next(at(2, 2), false, size)).toBeNull();
    expect(next(at(0, 1), true, size)).toBeNull();
    expect(next(at(0, 0), false, { rows: 3, columns: 1 })).toBeNull();
  });

  test('is inside again when columns were taken away', () => {
    expect(moved(at(2, 2), 0, 0, { rows: 3, columns: 2 }, true).column).toBe(1);
  });
});
