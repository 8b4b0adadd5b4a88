import * as React from 'react';

import { isOpen } from '../../core/states';
import { duration, longTime } from '../../core/text';
import { type TaskDetail } from '../../core/types';
import { ProgressBar, StateIcon, useSignal, useTrans } from '../../core/ui';
import { type IActions } from '../actions';
import { type ResultModel } from '../model/result';
import { harmless, oneLine } from '../safe/text';

interface IProps {
  model: ResultModel;
  actions: IActions;
  /** Runs what a button asks for; what goes wrong is shown. */
  run: (work: () => Promise<unknown>) => void;
  busy: boolean;
}

/** What it is, how far it is, and what can be done about it. */
export function Header(props: IProps): React.ReactElement | null {
  const { model } = props;
  const trans = useTrans();
  const detail = useSignal(model.changed, () => model.detail);
  if (!detail) {
    return null;
  }
  return (
    <header className="codalab-Result-header">
      <div className="codalab-Result-headline">
        <h1 title={oneLine(detail.label)}>{oneLine(detail.label)}</h1>
        <span className="codalab-Result-state" role="status">
          <StateIcon state={detail.state} word />
          <Where model={model} detail={detail} />
        </span>
        <Elapsed model={model} />
      </div>
      <p className="codalab-Result-what">
        {detail.dataset ? <span>{trans.__('Data: %1', oneLine(detail.dataset))}</span> : null}
        <span>
          {detail.title
            ? trans.__('Method: %1', oneLine(detail.title))
            : trans.__('Notebook: %1', oneLine(detail.notebook))}
        </span>
        <span title={detail.task}>{trans.__('submitted %1', longTime(detail.submitted_at))}</span>
      </p>
      {isOpen(detail.state) && detail.sandbox === 'none' ? (
        <p className="codalab-Output-note">{trans.__('It runs without a sandbox, with your rights.')}</p>
      ) : null}
      <Why model={model} detail={detail} />
      <Buttons {...props} detail={detail} />
    </header>
  );
}

function Where(props: { model: ResultModel; detail: TaskDetail }): React.ReactElement | null {
  const { model, detail } = props;
  const trans = useTrans();
  const progress = useSignal(model.changed, () => model.progress);
  if (detail.state === 'queued') {
    return progress?.place ? <span>{trans.__('place %1 in the queue', progress.place)}</span> : null;
  }
  if (detail.state !== 'running') {
    return null;
  }
  const [cell, cells] = [progress?.cell ?? null, progress?.cells ?? null];
  return (
    <>
      <ProgressBar cell={cell} cells={cells} />
      <span>
        {cell !== null && cells !== null ? trans.__('cell %1 of %2', cell, cells) : trans.__('getting ready')}
      </span>
      {detail.attempts > 1 ? <span>{trans.__('attempt %1', detail.attempts)}</span> : null}
    </>
  );
}

/** Counts by itself while it runs; the server's word corrects it. */
function Elapsed(props: { model: ResultModel }): React.ReactElement | null {
  const { model } = props;
  const trans = useTrans();
  const detail = useSignal(model.changed, () => model.detail);
  const running = detail?.state === 'running';
  const [, tick] = React.useReducer((n: number) => n + 1, 0);
  React.useEffect(() => {
    if (!running) {
      return;
    }
    let timer = 0;
    const next = (): void => {
      timer = window.setTimeout(() => {
        tick();
        next();
      }, 1000);
    };
    next();
    return () => clearTimeout(timer);
  }, [running]);
  const { seconds } = model;
  if (seconds === null) {
    return null;
  }
  const shown = running ? Math.floor(seconds) : seconds;
  return (
    <span className="codalab-Result-elapsed" aria-label={trans.__('Time')}>
      {duration(shown, trans).replace('.0 ', ' ')}
    </span>
  );
}

/** For who did not fail by a cell: those are told above the notebook. */
function Why(props: { model: ResultModel; detail: TaskDetail }): React.ReactElement | null {
  const { why } = props.model;
  if (!why || props.detail.state === 'failed' || props.detail.state === 'succeeded') {
    return null;
  }
  return (
    <div className="codalab-Result-why">
      <p>{harmless(why.message.split('\n')[0] ?? '')}</p>
      {why.fix ? <p>{harmless(why.fix)}</p> : null}
    </div>
  );
}

function Buttons(props: IProps & { detail: TaskDetail }): React.ReactElement {
  const { actions, busy, detail, run } = props;
  const trans = useTrans();
  const { task } = detail;
  const button = (
    label: string,
    work: () => Promise<unknown>,
    kind = '',
    title: string | undefined = undefined
  ): React.ReactElement => (
    <button
      type="button"
      className={`codalab-Button ${kind}`}
      disabled={busy}
      title={title}
      onClick={() => run(work)}
    >
      {label}
    </button>
  );
  return (
    <div className="codalab-Result-buttons">
      {isOpen(detail.state) ? (
        button(trans.__('Cancel'), () => actions.cancel(task), 'codalab-mod-bad')
      ) : (
        <>
          {button(
            trans.__('Open a copy as a notebook'),
            () => actions.openCopy(task),
            detail.state === 'succeeded' ? 'codalab-mod-primary' : '',
            trans.__('Copies the executed notebook beside your files, where you can go on with it')
          )}
          {button(detail.state === 'succeeded' ? trans.__('Run again') : trans.__('Try again'), () =>
            actions.retry(task)
          )}
        </>
      )}
      {button(
        trans.__('Copy and change …'),
        () => actions.copyAndChange(task),
        '',
        trans.__('Opens the choices that this was made with')
      )}
    </div>
  );
}
