import * as React from 'react';

import { stateMeaning, stateWord } from '../states';
import { type TaskState } from '../types';
import { useTrans } from './context';

/** Something is under way. Says so to a screen reader, too. */
export function Busy(props: { label: string }): React.ReactElement {
  return (
    <div className="codalab-Busy" role="status">
      <span className="codalab-Spinner" aria-hidden="true" />
      <span>{props.label}</span>
    </div>
  );
}

/** Nothing is here (yet): what would be, and what to do about it. */
export function Empty(props: { title: string; children?: React.ReactNode }): React.ReactElement {
  return (
    <div className="codalab-Empty">
      <p className="codalab-Empty-title">{props.title}</p>
      {props.children}
    </div>
  );
}

/** A word or two beside a name. */
export function Badge(props: {
  children: React.ReactNode;
  kind?: 'plain' | 'good' | 'warning' | 'bad' | 'accent';
  title?: string;
}): React.ReactElement {
  return (
    <span className={`codalab-Badge codalab-mod-${props.kind ?? 'plain'}`} title={props.title}>
      {props.children}
    </span>
  );
}

const SIGNS: Record<TaskState, string> = {
  queued: '…',
  running: '',
  succeeded: '✓',
  failed: '✕',
  cancelled: '–',
  expired: '⧖',
  lost: '?'
};

/** How a task stands, by form as well as by colour. `word`: with the word beside the sign. */
export function StateIcon(props: { state: TaskState; word?: boolean }): React.ReactElement {
  const trans = useTrans();
  const word = stateWord(props.state, trans);
  return (
    <span className={`codalab-State codalab-mod-${props.state}`} title={stateMeaning(props.state, trans)}>
      <span
        className="codalab-State-sign"
        aria-hidden={props.word}
        role={props.word ? undefined : 'img'}
        aria-label={props.word ? undefined : word}
      >
        {SIGNS[props.state]}
      </span>
      {props.word ? <span className="codalab-State-word">{word}</span> : null}
    </span>
  );
}

/** Cells done of cells. `cell` is the one that runs, from 1. */
export function ProgressBar(props: { cell: number | null; cells: number | null }): React.ReactElement {
  const trans = useTrans();
  const { cell, cells } = props;
  const known = cell !== null && cells !== null && cells > 0;
  const done = known ? Math.max(0, cell - 1) : 0;
  const words = known ? trans.__('cell %1 of %2', cell, cells) : trans.__('starting');
  return (
    <span
      className="codalab-Progress"
      role="progressbar"
      aria-label={trans.__('Progress')}
      aria-valuemin={0}
      aria-valuemax={known ? cells : undefined}
      aria-valuenow={known ? done : undefined}
      aria-valuetext={words}
      title={words}
    >
      <span className="codalab-Progress-done" style={{ width: known ? `${(100 * done) / cells}%` : 0 }} />
    </span>
  );
}
