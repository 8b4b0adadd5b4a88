import * as React from 'react';

import { isAbort, problemsOf } from '../errors';
import { type Problem } from '../types';
import { useTrans } from './context';

interface IProps {
  /** Anything that was thrown; or `problems`. */
  error?: unknown;
  problems?: readonly Problem[];
  /** `warning`: it went on, but one should know. */
  kind?: 'error' | 'warning';
  action?: { label: string; run: () => void };
  onClose?: () => void;
}

/** What went wrong, what to do next, and the code to look up or to report. Draws nothing when there is nothing. */
export function ErrorBox(props: IProps): React.ReactElement | null {
  const trans = useTrans();
  const none = props.error === undefined || props.error === null || isAbort(props.error);
  const problems = props.problems ?? (none ? [] : problemsOf(props.error));
  if (!problems.length) {
    return null;
  }
  const kind = props.kind ?? 'error';
  return (
    <div className={`codalab-ErrorBox codalab-mod-${kind}`} role={kind === 'error' ? 'alert' : 'status'}>
      <ul>
        {problems.map((problem, index) => (
          <li key={`${problem.code}/${index}`}>
            <span className="codalab-ErrorBox-message">
              {problem.at ? <b>{problem.at}: </b> : null}
              {problem.message}
            </span>
            {problem.fix ? <span className="codalab-ErrorBox-fix">{problem.fix}</span> : null}
            <code className="codalab-ErrorBox-code">{problem.code}</code>
          </li>
        ))}
      </ul>
      <div className="codalab-ErrorBox-buttons">
        {props.action ? (
          <button type="button" className="codalab-Button" onClick={props.action.run}>
            {props.action.label}
          </button>
        ) : null}
        {props.onClose ? (
          <button type="button" className="codalab-Button codalab-mod-quiet" onClick={props.onClose}>
            {trans.__('Close')}
          </button>
        ) : null}
      </div>
    </div>
  );
}
