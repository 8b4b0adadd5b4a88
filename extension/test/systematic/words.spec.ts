import { nullTranslator } from '@jupyterlab/translation';
import { expect, test } from 'vitest';

import { score } from '../../src/core/text';
import { moved } from '../../src/systematic/spot';
import {
  CELL_STATES,
  cellMeaning,
  cellTitle,
  cellWord,
  questionWords,
  SIGNS,
  spentWords,
  usedPart
} from '../../src/systematic/words';
import { cell, column } from './fakeMatrix';

const trans = nullTranslator.load('');

test('each state differs from all others by its sign and by its word, not by a colour alone', () => {
  expect(new Set(CELL_STATES.map(state => SIGNS[state])).size).toBe(CELL_STATES.length);
  expect(new Set(CELL_STATES.map(state => cellWord(state, trans))).size).toBe(CELL_STATES.length);
});

test('a cell tells its score and measure, and without a reason what its state means', () => {
  expect(cellTitle(cell('done', { score: 0.8751, best: true }), column('de'), trans)).toBe(
    'done · repeatable discoveries: 0.88 (the best of this data set)'
  );
  expect(cellTitle(cell('unfit', { reason: 'It needs counts.' }), column('de'), trans)).toBe(
    'does not fit · It needs counts.'
  );
  expect(cellTitle(cell('planned'), column('de'), trans)).toContain(cellMeaning('planned', trans));
});

test('scores have as many digits as mean something', () => {
  expect([0, 0.87512, -1.2345, 12.34, 1234.5].map(score)).toEqual(['0.00', '0.88', '-1.23', '12.3', '1,235']);
});

test('a budget is told with its limits, where it has any', () => {
  const spent = {
    rule: 'everyday',
    tasks: 37,
    tasks_limit: 200,
    cpu_seconds: 5400,
    cpu_seconds_limit: 28_800,
    problem: ''
  };
  expect(spentWords(spent, trans)).toBe('37 of 200 tasks, 1.5 of 8 CPU hours');
  expect(usedPart(spent)).toBeCloseTo(0.1875);
  const free = { ...spent, tasks_limit: null, cpu_seconds_limit: null };
  expect(spentWords(free, trans)).toBe('37 tasks, 1.5 CPU hours');
  expect(usedPart(free)).toBeNull();
});

test('a kind of question that nobody foresaw is told as it is', () => {
  expect(questionWords('class-prediction', trans)).toBe('Class prediction');
  expect(questionWords('', trans)).toBe('On their own');
});

test('keys move the focus and never out of the grid', () => {
  const size = { rows: 100, columns: 5, page: 10 };
  const go = (key: string, row: number, column: number, ctrlKey = false): unknown =>
    moved({ key, ctrlKey, metaKey: false }, { row, column }, size);
  expect(go('ArrowUp', 0, 2)).toEqual({ row: -1, column: 2 });
  expect(go('ArrowUp', -1, 2)).toEqual({ row: -1, column: 2 });
  expect(go('ArrowLeft', 3, -1)).toEqual({ row: 3, column: -1 });
  expect(go('ArrowRight', 3, 4)).toEqual({ row: 3, column: 4 });
  expect(go('PageDown', 95, 0)).toEqual({ row: 99, column: 0 });
  expect(go('PageUp', 5, 0)).toEqual({ row: 0, column: 0 });
  expect(go('End', 5, 0, true)).toEqual({ row: 99, column: 4 });
  expect(go('Home', 5, 3)).toEqual({ row: 5, column: -1 });
  expect(go('a', 5, 3)).toBeNull();
});
