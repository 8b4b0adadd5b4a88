import * as React from 'react';

import { STATES, stateWord } from '../../core/states';
import { type TaskState } from '../../core/types';
import { usePage, useSignal, useTrans } from '../../core/ui';
import { EVERYTHING, type IFilter, isEverything } from '../filter';
import { type TasksModel } from '../model';

const TYPING_MS = 150;
const OPEN: readonly TaskState[] = ['queued', 'running'];
const WRONG: readonly TaskState[] = ['failed', 'expired', 'lost'];

export function FilterBar(props: { model: TasksModel }): React.ReactElement {
  const { model } = props;
  const { codalab } = usePage();
  const trans = useTrans();
  const filter = useSignal(model.changed, () => model.list.filter);
  const datasets = useSignal(codalab.datasets.changed, () => codalab.datasets.datasets) ?? [];
  const methods = useMethods();
  const change = (part: Partial<IFilter>): void => model.setFilter({ ...filter, ...part });

  React.useEffect(() => codalab.datasets.ensure(), [codalab]);

  return (
    <div className="codalab-Tasks-filters" role="search" data-lm-suppress-shortcuts="true">
      <Search value={filter.q} onChange={q => change({ q })} />
      <select
        className="codalab-Input"
        aria-label={trans.__('State')}
        value={filter.states.join(' ')}
        onChange={event =>
          change({ states: STATES.filter(state => event.target.value.split(' ').includes(state)) })
        }
      >
        <option value="">{trans.__('All states')}</option>
        <option value={OPEN.join(' ')}>{trans.__('not ended')}</option>
        <option value={WRONG.join(' ')}>{trans.__('gone wrong')}</option>
        {STATES.map(state => (
          <option key={state} value={state}>
            {stateWord(state, trans)}
          </option>
        ))}
      </select>
      <select
        className="codalab-Input"
        aria-label={trans.__('Data set')}
        value={filter.dataset}
        onChange={event => change({ dataset: event.target.value })}
      >
        <option value="">{trans.__('All data sets')}</option>
        {withValue(
          datasets.map(one => one.name),
          filter.dataset
        ).map(name => (
          <option key={name}>{name}</option>
        ))}
      </select>
      <select
        className="codalab-Input"
        aria-label={trans.__('Method')}
        value={filter.method}
        onChange={event => change({ method: event.target.value })}
      >
        <option value="">{trans.__('All methods')}</option>
        {withValue([...methods.keys()], filter.method).map(name => (
          <option key={name} value={name}>
            {methods.get(name) ?? name}
          </option>
        ))}
      </select>
      <label
        className="codalab-Tasks-flag"
        title={trans.__('Tasks that run by themselves, when nobody waits')}
      >
        <input
          type="checkbox"
          checked={filter.systematic}
          onChange={event => change({ systematic: event.target.checked })}
        />
        {trans.__('Show systematic analysis')}
      </label>
      {filter.batch ? (
        <button
          type="button"
          className="codalab-Button"
          title={trans.__('Show the tasks of all batches again')}
          onClick={() => change({ batch: '' })}
        >
          {trans.__('One batch ✕')}
        </button>
      ) : null}
      {isEverything(filter) ? null : (
        <button
          type="button"
          className="codalab-Button codalab-mod-quiet"
          onClick={() => model.setFilter({ ...EVERYTHING, systematic: filter.systematic })}
        >
          {trans.__('Show all')}
        </button>
      )}
    </div>
  );
}

/** Asks the server when a person stops typing for a moment. */
function Search(props: { value: string; onChange: (q: string) => void }): React.ReactElement {
  const trans = useTrans();
  const [text, setText] = React.useState(props.value);
  const [told, setTold] = React.useState(props.value);
  if (props.value !== told) {
    setTold(props.value);
    setText(props.value);
  }
  const latest = React.useRef(props.onChange);
  React.useEffect(() => {
    latest.current = props.onChange;
  });
  React.useEffect(() => {
    if (text === told) {
      return undefined;
    }
    const timer = setTimeout(() => {
      setTold(text);
      latest.current(text);
    }, TYPING_MS);
    return () => clearTimeout(timer);
  }, [text, told]);
  return (
    <input
      type="search"
      className="codalab-Input codalab-Tasks-search"
      placeholder={trans.__('Search tasks')}
      aria-label={trans.__('Search tasks')}
      value={text}
      onChange={event => setText(event.target.value)}
    />
  );
}

/** Names and titles, read once; without them the names in the rows can still be searched for. */
function useMethods(): ReadonlyMap<string, string> {
  const { codalab } = usePage();
  const [methods, setMethods] = React.useState<ReadonlyMap<string, string>>(new Map());
  React.useEffect(() => {
    const controller = new AbortController();
    codalab.api
      .get('/methods', { signal: controller.signal })
      .then(answer => setMethods(new Map(answer.methods.map(one => [one.method, one.title]))))
      .catch(() => undefined);
    return () => controller.abort();
  }, [codalab]);
  return methods;
}

function withValue(names: readonly string[], value: string): readonly string[] {
  return !value || names.includes(value) ? names : [value, ...names];
}
