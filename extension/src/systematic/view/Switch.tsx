import { type TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { type SystematicStatus } from '../../core/types';
import { Busy, ErrorBox, useSignal, useTrans } from '../../core/ui';
import { type SystematicModel } from '../model';
import { CELL_STATES, cellMeaning, cellWord, SIGNS, type Spent, spentWords, usedPart } from '../words';

/** Whether it is on, what it does now, what it used of its budget, and how far it is. */
export function Switch(props: { model: SystematicModel }): React.ReactElement {
  const { model } = props;
  const trans = useTrans();
  const status = useSignal(model.changed, () => model.status);
  const error = useSignal(model.changed, () => model.error);
  const switching = useSignal(model.changed, () => model.switching);
  const [failed, setFailed] = React.useState<unknown>(null);
  const title = React.useId();
  const about = React.useId();
  const turn = (): void => {
    setFailed(null);
    model.switch(!status?.on).catch(setFailed);
  };
  return (
    <header className="codalab-Systematic-header">
      <div className="codalab-Systematic-title">
        <h1 id={title}>{trans.__('Systematic analysis')}</h1>
        {status && (
          <button
            type="button"
            role="switch"
            className="codalab-Systematic-switch"
            aria-checked={status.on}
            aria-labelledby={title}
            aria-describedby={about}
            disabled={switching}
            onClick={turn}
          >
            <span className="codalab-Systematic-knob" aria-hidden="true" />
            <span>{status.on ? trans.__('On') : trans.__('Off')}</span>
          </button>
        )}
      </div>
      {!status && !error && <Busy label={trans.__('Reading what it does …')} />}
      {status && (
        <>
          <p id={about} role="status">
            {doing(status, trans)}
          </p>
          <Rules status={status} />
          <Counts status={status} />
        </>
      )}
      <ErrorBox error={failed} onClose={() => setFailed(null)} />
    </header>
  );
}

function doing(status: SystematicStatus, trans: TranslationBundle): string {
  if (!status.on) {
    return [
      trans.__('Switched off: nothing runs by itself.'),
      status.working ? status.doing : '',
      trans.__(
        'Switched on, it runs suitable methods on your data sets when nobody waits, within a budget, and learns which to recommend.'
      )
    ]
      .filter(Boolean)
      .join(' ');
  }
  if (status.doing || !status.rules.length) {
    return status.doing; // without rules there is a sentence of its own
  }
  return status.working ? trans.__('It looks what to run next.') : trans.__('It is about to start.');
}

function Rules(props: { status: SystematicStatus }): React.ReactElement | null {
  const trans = useTrans();
  const { on, rules } = props.status;
  if (!rules.length) {
    return on ? (
      <p>
        {trans.__('No rule yet: nothing is asked for. In a terminal:')}{' '}
        <code>codalab-nb systematic rule add FILE.toml</code>
      </p>
    ) : null;
  }
  return (
    <table className="codalab-Systematic-rules">
      <caption>{trans.__('Used of each rule’s budget in the last 24 hours')}</caption>
      <tbody>
        {rules.map(rule => (
          <Rule key={rule.rule} rule={rule} />
        ))}
      </tbody>
    </table>
  );
}

function Rule(props: { rule: Spent }): React.ReactElement {
  const trans = useTrans();
  const { rule } = props;
  const used = usedPart(rule);
  return (
    <tr>
      <th scope="row">{rule.rule}</th>
      <td>
        {used !== null && (
          <span className="codalab-Systematic-budget" aria-hidden="true">
            <span style={{ width: `${Math.round(100 * used)}%` }} />
          </span>
        )}
      </td>
      <td>{spentWords(rule, trans)}</td>
      <td className="codalab-Systematic-problem">
        {rule.problem ? trans.__('⚠ Not followed: %1', rule.problem) : ''}
      </td>
    </tr>
  );
}

/** How many cells are in each state: the legend of the matrix as well. */
function Counts(props: { status: SystematicStatus }): React.ReactElement {
  const trans = useTrans();
  const counts = props.status.counts as Partial<Record<string, number>>;
  return (
    <ul className="codalab-Systematic-counts" aria-label={trans.__('All of the matrix, by state')}>
      {CELL_STATES.map(state => (
        <li key={state} className={`codalab-mod-${state}`} title={cellMeaning(state, trans)}>
          <span className="codalab-Matrix-sign" aria-hidden="true">
            {SIGNS[state]}
          </span>{' '}
          {cellWord(state, trans)} <b>{(counts[state] ?? 0).toLocaleString()}</b>
        </li>
      ))}
    </ul>
  );
}
