import { type TranslationBundle } from '@jupyterlab/translation';

import { type TaskState } from './types';

/** In the order in which a task goes through them, and the ways it ends. */
export const STATES: readonly TaskState[] = [
  'queued',
  'running',
  'succeeded',
  'failed',
  'cancelled',
  'expired',
  'lost'
];

/** Whether it has no verdict yet. */
export function isOpen(state: TaskState): boolean {
  return state === 'queued' || state === 'running';
}

export function stateWord(state: TaskState, trans: TranslationBundle): string {
  switch (state) {
    case 'queued':
      return trans.__('queued');
    case 'running':
      return trans.__('running');
    case 'succeeded':
      return trans.__('succeeded');
    case 'failed':
      return trans.__('failed');
    case 'cancelled':
      return trans.__('cancelled');
    case 'expired':
      return trans.__('expired');
    case 'lost':
      return trans.__('lost');
  }
}

/** What the word means, for who meets it for the first time. */
export function stateMeaning(state: TaskState, trans: TranslationBundle): string {
  switch (state) {
    case 'queued':
      return trans.__('It waits for a worker.');
    case 'running':
      return trans.__('A worker runs its notebook now.');
    case 'succeeded':
      return trans.__('The notebook ran to its end.');
    case 'failed':
      return trans.__('A cell of the notebook failed, or a limit was reached.');
    case 'cancelled':
      return trans.__('Somebody cancelled it.');
    case 'expired':
      return trans.__('It waited or ran longer than it was allowed to.');
    case 'lost':
      return trans.__('Its worker went away, and so did those that tried again.');
  }
}
