import * as React from 'react';

import { stateWord } from '../../core/states';
import { duration, longTime, shortTime } from '../../core/text';
import { type Task } from '../../core/types';
import { ProgressBar, StateIcon, usePage, useTrans } from '../../core/ui';

interface IProps {
  id: string;
  /** Undefined while its page is under way. */
  task: Task | undefined;
  index: number;
  total: number;
  top: number;
  height: number;
  wide: boolean;
  chosen: boolean;
  active: boolean;
  onClick: (index: number, event: React.MouseEvent) => void;
}

export function Row(props: IProps): React.ReactElement {
  const { task } = props;
  const look = [
    'codalab-Task',
    props.wide ? 'codalab-mod-wide' : '',
    props.chosen ? 'codalab-mod-chosen' : '',
    props.active ? 'codalab-mod-active' : ''
  ];
  // The keyboard stands on the list, which knows the active row: rows need no key handlers of their own.
  /* eslint-disable jsx-a11y/click-events-have-key-events, jsx-a11y/interactive-supports-focus */
  return (
    <div
      id={props.id}
      className={look.filter(Boolean).join(' ')}
      role="option"
      aria-selected={props.chosen}
      aria-posinset={props.index + 1}
      aria-setsize={props.total}
      data-task={task?.task}
      style={{ top: props.top, height: props.height }}
      onClick={event => props.onClick(props.index, event)}
    >
      {task ? <Content task={task} wide={props.wide} chosen={props.chosen} /> : null}
    </div>
  );
  /* eslint-enable jsx-a11y/click-events-have-key-events, jsx-a11y/interactive-supports-focus */
}

function Content(props: { task: Task; wide: boolean; chosen: boolean }): React.ReactElement {
  const { task, wide } = props;
  const trans = useTrans();
  const name = task.title ?? task.notebook;
  const time = (
    <time className="codalab-Task-time" dateTime={task.submitted_at} title={longTime(task.submitted_at)}>
      {shortTime(task.submitted_at)}
    </time>
  );
  return (
    <>
      <span className="codalab-Task-tick" aria-hidden="true">
        {props.chosen ? '☑' : '☐'}
      </span>
      <span className="codalab-Task-state">
        <StateIcon state={task.state} word={wide} />
      </span>
      <span className="codalab-Task-name" title={task.label}>
        {name}
        {task.retry_of ? ` · ${trans.__('retry')}` : ''}
      </span>
      <span className="codalab-Task-dataset" title={task.dataset ?? ''}>
        {task.dataset ?? (wide ? '' : trans.__('notebook'))}
      </span>
      <HowFar task={task} />
      {time}
    </>
  );
}

/** Progress while it runs, its place while it waits, how long it took, and why it went wrong. */
function HowFar(props: { task: Task }): React.ReactElement {
  const { codalab } = usePage();
  const trans = useTrans();
  const { task } = props;
  const progress = codalab.tasks.progressOf(task);
  const seconds = codalab.tasks.secondsOf(task);
  const took = seconds === null ? '' : duration(seconds, trans);
  if (task.state === 'running') {
    const { cell = null, cells = null } = progress ?? {};
    return (
      <span className="codalab-Task-far">
        <ProgressBar cell={cell ?? null} cells={cells ?? null} />
        <span className="codalab-Task-words">
          {cell !== null && cells !== null ? trans.__('cell %1 of %2', cell, cells) : trans.__('starting')}
          {took ? ` · ${took}` : ''}
        </span>
      </span>
    );
  }
  if (task.state === 'queued') {
    const place = progress?.place ?? null;
    return (
      <span className="codalab-Task-far">
        <span className="codalab-Task-words">
          {place === null ? trans.__('waiting') : trans.__('place %1 in the queue', place)}
        </span>
      </span>
    );
  }
  const why = task.state === 'succeeded' ? '' : (task.why?.message ?? stateWord(task.state, trans));
  const told = [why.split('\n')[0], took].filter(Boolean).join(' · ');
  return (
    <span className="codalab-Task-far">
      <span className="codalab-Task-words" title={why}>
        {told}
      </span>
    </span>
  );
}
