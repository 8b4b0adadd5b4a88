import React from 'react';
import { score } from '../core/text';
import { usePanel } from './context';
import { Fold, Sentence } from './pieces';
import { useStore } from './store';
import { type MethodSummary, nameOf, type Recommendation } from './types';
import { roughly } from './words';

/** Why a method is recommended for the chosen data sets, and its recommended settings at a click. */
export function Recommended(props: { id: string; method: MethodSummary }): JSX.Element {
  const { model, trans } = usePanel();
  const { datasets } = model;
  useStore(datasets);
  const several = datasets.references.length > 1;
  return (
    <div className="codalab-Panel-recommended">
      <div id={props.id}>
        {props.method.recommended.map(one => (
          <p key={one.dataset}>
            {several ? `${trans.__('For %1:', nameOf(one.dataset))} ` : ''}
            <Sentence text={one.why} />
          </p>
        ))}
      </div>
      {props.method.recommended.map(one => (
        <React.Fragment key={one.dataset}>
          {one.words && <Settings recommendation={one} />}
          <Grounds recommendation={one} several={several} />
        </React.Fragment>
      ))}
    </div>
  );
}

/** What is expected, from how many data sets, and how it did on those most like this one. */
function Grounds(props: { recommendation: Recommendation; several: boolean }): JSX.Element {
  const { trans } = usePanel();
  const { recommendation: one, several } = props;
  return (
    <Fold
      title={
        several ? trans.__('What that rests on for %1', nameOf(one.dataset)) : trans.__('What that rests on')
      }
    >
      <ul className="codalab-Panel-plainList">
        {one.score !== null && <li>{expected(one, trans)}</li>}
        <li>{trans._n('It ran on one data set.', 'It ran on %1 data sets.', one.runs)}</li>
        {one.seconds !== null && <li>{trans.__('It usually takes %1.', roughly(one.seconds, trans))}</li>}
        {one.near.length > 0 && <li>{trans.__('On the data sets most like this one:')}</li>}
      </ul>
      {one.near.length > 0 && (
        <table className="codalab-Panel-near">
          <thead>
            <tr>
              <th scope="col">{trans.__('Data set')}</th>
              <th scope="col">{trans.__('Score')}</th>
              <th scope="col">{trans.__('Place')}</th>
            </tr>
          </thead>
          <tbody>
            {one.near.map(near => (
              <tr key={near.dataset}>
                <th scope="row">{nameOf(near.dataset)}</th>
                <td>{score(near.score)}</td>
                <td>{trans.__('%1 of %2', near.place, near.of)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Fold>
  );
}

/** The settings that did well, and a button that puts them into the form. */
function Settings(props: { recommendation: Recommendation }): JSX.Element {
  const { model, trans } = usePanel();
  const { settings, methods } = model;
  const { own } = useStore(settings);
  const { chosen } = useStore(methods);
  const { method, parameters, words, title } = props.recommendation;
  const used =
    chosen.includes(method) &&
    Object.entries(parameters).every(([name, value]) => own[method]?.[name] === value);
  return (
    <p className="codalab-Panel-inline">
      <span>{trans.__('With %1.', words)}</span>
      <button
        type="button"
        className="codalab-Button"
        disabled={used}
        aria-label={
          used
            ? trans.__('These settings of %1 are used', title)
            : trans.__('Use these settings of %1', title)
        }
        onClick={() => {
          for (const [name, value] of Object.entries(parameters)) {
            settings.set(method, name, value);
          }
          if (!chosen.includes(method)) {
            methods.choose(method, true);
          }
        }}
      >
        {used ? trans.__('✓ used') : trans.__('Use these settings')}
      </button>
    </p>
  );
}

function expected(one: Recommendation, trans: ReturnType<typeof usePanel>['trans']): string {
  const told = score(one.score ?? 0);
  if (one.low === null || one.high === null) {
    return trans.__('Expected %1: %2.', one.measure, told);
  }
  return trans.__('Expected %1: %2 (mostly %3 to %4).', one.measure, told, score(one.low), score(one.high));
}
