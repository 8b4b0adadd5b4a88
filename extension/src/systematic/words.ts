/** States, scores and budgets as people are told them. */
import { type TranslationBundle } from '@jupyterlab/translation';

import { score } from '../core/text';
import { type MatrixCell, type MatrixColumn, type SystematicStatus } from '../core/types';

export type CellState = MatrixCell['state'];
export type Spent = SystematicStatus['rules'][number];

/** In the order in which a cell goes through them, then why there is no result. */
export const CELL_STATES: readonly CellState[] = [
  'done',
  'running',
  'queued',
  'planned',
  'over_budget',
  'failed',
  'unfit',
  'not_asked'
];

/** Told apart without colour. */
export const SIGNS: Record<CellState, string> = {
  done: '✓',
  running: '▶',
  queued: '…',
  planned: '○',
  over_budget: '‖',
  failed: '✕',
  unfit: '–',
  not_asked: '·'
};

export function cellWord(state: CellState, trans: TranslationBundle): string {
  const words: Record<CellState, string> = {
    done: trans.__('done'),
    running: trans.__('running'),
    queued: trans.__('queued'),
    planned: trans.__('planned'),
    over_budget: trans.__('over budget'),
    failed: trans.__('failed'),
    unfit: trans.__('does not fit'),
    not_asked: trans.__('not asked')
  };
  return words[state];
}

export function cellMeaning(state: CellState, trans: TranslationBundle): string {
  const words: Record<CellState, string> = {
    done: trans.__('There is a result: a click opens it.'),
    running: trans.__('A worker runs it now.'),
    queued: trans.__('It was sent; a worker takes it when nobody waits.'),
    planned: trans.__('It will be sent.'),
    over_budget: trans.__('It will be sent when the budget of its rule is renewed.'),
    failed: trans.__('It ran and failed; it is not run again.'),
    unfit: trans.__('The method does not fit the data set, or cannot run here.'),
    not_asked: trans.__('No rule asks for it.')
  };
  return words[state];
}

/** `differences`, as the heading of its columns: `Differences`. Without one, a method answers nothing that others answer. */
export function questionWords(question: string, trans: TranslationBundle): string {
  if (!question) {
    return trans.__('On their own');
  }
  const plain = question.replace(/-/g, ' ');
  return plain.charAt(0).toUpperCase() + plain.slice(1);
}

/** With its settings, as one line. */
export function columnName(column: MatrixColumn): string {
  return column.words ? `${column.title} (${column.words})` : column.title;
}

/** `37 of 200 tasks, 1.5 of 8 CPU hours`. */
export function spentWords(spent: Spent, trans: TranslationBundle): string {
  const hours = (seconds: number): string =>
    (seconds / 3600).toLocaleString(undefined, { maximumFractionDigits: seconds < 36_000 ? 1 : 0 });
  const tasks =
    spent.tasks_limit === null
      ? trans._n('one task', '%1 tasks', spent.tasks)
      : trans.__('%1 of %2 tasks', spent.tasks, spent.tasks_limit);
  const time =
    spent.cpu_seconds_limit === null
      ? trans.__('%1 CPU hours', hours(spent.cpu_seconds))
      : trans.__('%1 of %2 CPU hours', hours(spent.cpu_seconds), hours(spent.cpu_seconds_limit));
  return `${tasks}, ${time}`;
}

/** The part of a budget that is used, the fuller of its two limits; null without a limit. */
export function usedPart(spent: Spent): number | null {
  const parts = [
    spent.tasks_limit === null ? null : spent.tasks / Math.max(1, spent.tasks_limit),
    spent.cpu_seconds_limit === null ? null : spent.cpu_seconds / Math.max(1, spent.cpu_seconds_limit)
  ].filter(part => part !== null);
  return parts.length ? Math.min(1, Math.max(...parts)) : null;
}

/** All that is to be said of a cell, for a tooltip and for who cannot see it. */
export function cellTitle(cell: MatrixCell, column: MatrixColumn, trans: TranslationBundle): string {
  const scored =
    cell.score === null
      ? ''
      : trans.__('%1: %2', column.measure || trans.__('score'), score(cell.score)) +
        (cell.best ? ` ${trans.__('(the best of this data set)')}` : '');
  return [
    cellWord(cell.state, trans),
    scored,
    cell.reason || (cell.state === 'done' ? '' : cellMeaning(cell.state, trans))
  ]
    .filter(Boolean)
    .join(' · ');
}
