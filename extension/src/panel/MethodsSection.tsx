import React from 'react';
import { Badge, Busy, usePage } from '../core/ui';
import { Command } from '../tokens';
import { usePanel } from './context';
import { canRun } from './methods';
import { Clamped, Problems, Search, Sentence } from './pieces';
import { Recommended } from './Recommended';
import { useStore } from './store';
import { type MethodSummary, nameOf } from './types';
import { roughly } from './words';

const SEARCHED = 8; // from so many methods on there is a search

/** Step 2: what is done with the data. Those that fit first; the others greyed, with the reason. */
export function MethodsSection(): JSX.Element {
  const { model, trans } = usePanel();
  const { methods, datasets } = model;
  const { commands } = usePage();
  const { list, search, notes } = useStore(methods);
  const { chosen } = useStore(datasets);
  const [unfit, setUnfit] = React.useState(false);
  if (list.is === 'asking') {
    return <Busy label={trans.__('Looking which methods fit …')} />;
  }
  if (list.is === 'failed') {
    return <Problems problems={list.problems} retry={() => void methods.ask(datasets.references)} />;
  }
  const found = methods.found;
  const able = found.filter(canRun);
  const others = found.filter(one => !canRun(one));
  const open = unfit || able.length === 0 || search !== '';
  return (
    <div data-codalab-focus="methods">
      {chosen.length === 0 && (
        <p className="codalab-Panel-soft">
          {trans.__('Choose a data set first: then those that fit it stand at the top.')}
        </p>
      )}
      {list.value.length >= SEARCHED && (
        <Search label={trans.__('Search methods')} value={search} onChange={text => methods.search(text)} />
      )}
      {found.length === 0 && (
        <p className="codalab-Panel-soft">
          {list.value.length === 0
            ? trans.__('No methods are installed. `codalab-nb doctor` says why.')
            : trans.__('No method has all of these words.')}
        </p>
      )}
      {chosen.length > 0 &&
        notes.map(note => (
          <p key={note} className="codalab-Panel-soft">
            <Sentence text={note} />
          </p>
        ))}
      <ul
        className="codalab-Panel-methods"
        aria-label={trans.__('Methods that fit')}
        onPointerEnter={() => methods.hold(true)}
        onPointerLeave={() => methods.hold(false)}
        onFocus={() => methods.hold(true)}
        onBlur={event => methods.hold(event.currentTarget.contains(event.relatedTarget))}
      >
        {able.map(one => (
          <Row key={one.method} method={one} />
        ))}
      </ul>
      {others.length > 0 && (
        <>
          <button
            type="button"
            className="codalab-Panel-link codalab-Panel-unfit"
            aria-expanded={open}
            onClick={() => setUnfit(!open)}
          >
            {open ? '▾' : '▸'}{' '}
            {trans._n('%1 method does not fit: why?', '%1 methods do not fit: why?', others.length)}
          </button>
          {open && (
            <ul className="codalab-Panel-methods" aria-label={trans.__('Methods that do not fit')}>
              {others.map(one => (
                <Row key={one.method} method={one} />
              ))}
            </ul>
          )}
        </>
      )}
      <button
        type="button"
        className="codalab-Panel-link"
        onClick={() => void commands.execute(Command.openSystematic)}
      >
        {trans.__('Systematic analysis: all methods on all data sets')}
      </button>
    </div>
  );
}

const Row = React.memo(function Row(props: { method: MethodSummary }): JSX.Element {
  const { model, trans, figure } = usePanel();
  const { methods, datasets } = model;
  const { chosen } = useStore(methods);
  const { method } = props;
  const [broken, setBroken] = React.useState(false);
  const id = React.useId();
  const able = canRun(method);
  const ticked = chosen.includes(method.method);
  const some = method.fits.some(fit => fit.fits);
  const many = method.fits.length > 1;
  const reasons = method.fits.filter(fit => !fit.fits);
  const best = able ? method.recommended[0] : undefined;
  return (
    <li
      className={`codalab-Panel-row codalab-Panel-method ${able ? '' : 'codalab-mod-off'}`}
      data-codalab-focus={`method:${method.method}`}
    >
      {/* The rule looks two levels down for text; it is three. */}
      {/* eslint-disable-next-line jsx-a11y/label-has-associated-control */}
      <label title={method.question} htmlFor={id}>
        <input
          id={id}
          type="checkbox"
          checked={ticked}
          disabled={(!able && !ticked) || datasets.references.length === 0}
          aria-describedby={best ? `${id}about ${id}why` : `${id}about`}
          onChange={event => methods.choose(method.method, event.target.checked)}
        />
        <span className="codalab-Panel-rowText">
          <span className="codalab-Panel-name">
            {method.title}
            {best && (
              <Badge kind="good" title={best.why}>
                {trans.__('Recommended')}
              </Badge>
            )}
          </span>
        </span>
      </label>
      {method.has_figure && !broken && (
        <img
          className="codalab-Panel-figure"
          src={figure(method.method)}
          loading="lazy"
          alt=""
          onError={() => setBroken(true)}
        />
      )}
      <div id={`${id}about`} className="codalab-Panel-about">
        {(able || method.fits.length === 0) && (
          <p>
            {method.sentence}{' '}
            {method.usual_seconds !== null && (
              <span className="codalab-Panel-time">{roughly(method.usual_seconds, trans)}</span>
            )}
          </p>
        )}
        {method.missing.length > 0 && (
          <p>
            {trans.__('Not installed: %1.', method.missing.join(', '))} {trans.__('In a terminal:')}{' '}
            <code>{method.install}</code>
          </p>
        )}
        {reasons.map(fit => (
          <p key={fit.dataset} className="codalab-Panel-soft">
            {many && some ? `${trans.__('Not for %1:', nameOf(fit.dataset))} ` : ''}
            {many && !some ? `${nameOf(fit.dataset)}: ` : ''}
            {fit.reason.length > 150 ? <Clamped text={fit.reason} /> : <Sentence text={fit.reason} />}
          </p>
        ))}
      </div>
      {best && <Recommended id={`${id}why`} method={method} />}
    </li>
  );
});
