import React from 'react';
import { usePanel } from './context';
import { type Missing } from './model';
import { ErrorSentence, Problems } from './pieces';
import { useStore } from './store';
import { nameOf } from './types';
import { roughly } from './words';

const TOLD = 3; // so many missing things are listed at once
const LEFT_OUT = 3;

/** Step 4, always in sight: what a click would do, what it still needs, and the button. */
export function AnalyzeBar(props: { onFocus: (focus: string) => void }): JSX.Element {
  const { model, trans } = usePanel();
  const { sending, problems, sent } = useStore(model);
  const { form } = useStore(model.settings);
  useStore(model.datasets);
  useStore(model.methods);
  const missing = model.missing;
  const waiting = missing.length > 0 && missing.every(one => one.what === 'asking');
  const told = missing.filter(one => one.what !== 'asking');
  const tasks = form?.tasks ?? 0;
  const seconds = form?.expected_seconds ?? null;
  const id = React.useId();
  const go = (one: Missing): void => {
    if (one.what === 'unsaved') {
      model.datasets.look(one.dataset);
    }
    props.onFocus(one.focus);
  };
  return (
    <div className="codalab-Panel-analyze" role="group" aria-label={trans.__('Analyze')}>
      {problems.map((problem, at) => (
        <ErrorSentence key={at} problem={problem} />
      ))}
      {sent && (
        <p className="codalab-Panel-good" role="status">
          ✓ {trans._n('%1 task submitted.', '%1 tasks submitted.', sent.tasks.length)}{' '}
          <button type="button" className="codalab-Panel-link" onClick={() => model.open()}>
            {trans.__('Show it')}
          </button>
        </p>
      )}
      {sent && <Problems problems={sent.warnings} />}
      {told.length > 0 && (
        <ul id={`${id}missing`} className="codalab-Panel-missing" aria-label={trans.__('Still missing')}>
          {told.slice(0, TOLD).map((one, at) => (
            <li key={at}>
              <button type="button" className="codalab-Panel-link" onClick={() => go(one)}>
                <MissingWords missing={one} />
              </button>
            </li>
          ))}
          {told.length > TOLD && <li>{trans.__('and %1 more', told.length - TOLD)}</li>}
        </ul>
      )}
      <LeftOut />
      <button
        type="button"
        className="codalab-Button codalab-mod-primary codalab-Panel-go"
        aria-disabled={missing.length > 0 || sending}
        aria-describedby={`${id}missing`}
        onClick={() => {
          const first = told[0];
          if (first) {
            go(first);
          } else {
            void model.analyze();
          }
        }}
      >
        {sending ? trans.__('Sending …') : trans.__('Analyze')}
        {!sending && tasks > 0 && told.length === 0 && (
          <small>
            {trans._n('%1 task', '%1 tasks', tasks)}
            {seconds === null ? '' : `, ${roughly(seconds, trans)}`}
          </small>
        )}
      </button>
      <span className="codalab-Hidden" role="status">
        {waiting ? trans.__('Checking the settings …') : ''}
      </span>
    </div>
  );
}

function MissingWords(props: { missing: Missing }): JSX.Element {
  const { trans } = usePanel();
  const { missing } = props;
  switch (missing.what) {
    case 'datasets':
      return <>{trans.__('Choose a data set')}</>;
    case 'methods':
      return <>{trans.__('Choose a method')}</>;
    case 'unfit':
      return <>{trans.__('%1 does not fit: untick it', missing.title)}</>;
    case 'unsaved':
      return <>{trans.__('Save or discard the changes in the sample table of %1', missing.dataset)}</>;
    case 'reference':
      return <>{trans.__('Confirm: %1', missing.sentence)}</>;
    case 'problem':
      return (
        <>
          {missing.title ? `${missing.title}: ` : ''}
          {missing.problem.message}
        </>
      );
    case 'asking':
      return <>{trans.__('Checking the settings …')}</>;
  }
}

/** Pairs that do not fit together and are left out. */
function LeftOut(): JSX.Element | null {
  const { model, trans } = usePanel();
  const { list, chosen } = useStore(model.methods);
  const pairs =
    list.is === 'there'
      ? list.value
          .filter(one => chosen.includes(one.method) && one.fits_any)
          .flatMap(one => one.fits.filter(fit => !fit.fits).map(fit => ({ title: one.title, fit })))
      : [];
  if (pairs.length === 0) {
    return null;
  }
  const shown = pairs
    .slice(0, LEFT_OUT)
    .map(({ title, fit }) => trans.__('%1 on %2', title, nameOf(fit.dataset)));
  return (
    <p className="codalab-Panel-soft">
      {trans.__('Left out, since it does not fit: %1', shown.join('; '))}
      {pairs.length > LEFT_OUT ? ` ${trans.__('and %1 more', pairs.length - LEFT_OUT)}` : ''}.
    </p>
  );
}
