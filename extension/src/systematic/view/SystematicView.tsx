import * as React from 'react';

import { ErrorBox, ServerGoneBanner, usePage, useSignal, useTrans } from '../../core/ui';
import { type SystematicModel } from '../model';
import { questionWords } from '../words';
import { Matrix } from './Matrix';
import { Switch } from './Switch';

const TYPING_MS = 200;

/** The switch and what it does, what is looked for, and the matrix. */
export function SystematicView(props: { model: SystematicModel }): React.ReactElement {
  const { model } = props;
  const trans = useTrans();
  const error = useSignal(model.changed, () => model.error);
  return (
    <section className="codalab-Systematic" aria-label={trans.__('Systematic analysis')}>
      <ServerGoneBanner />
      <Switch model={model} />
      <Filters model={model} />
      <ErrorBox
        error={error}
        action={{ label: trans.__('Read it again'), run: () => model.setFilter({ sort: null }) }}
      />
      <Matrix model={model} />
    </section>
  );
}

function Filters(props: { model: SystematicModel }): React.ReactElement {
  const { model } = props;
  const { codalab } = usePage();
  const trans = useTrans();
  const filter = useSignal(model.changed, () => model.filter);
  const head = useSignal(model.changed, () => model.head);
  const questions = head?.questions ?? [];
  const { sort } = filter;
  return (
    <div className="codalab-Systematic-filters" role="search" data-lm-suppress-shortcuts="true">
      <select
        className="codalab-Input"
        aria-label={trans.__('Kind of question')}
        value={filter.question}
        onChange={event => model.setFilter({ question: event.target.value, sort: null })}
      >
        <option value="">{trans.__('All kinds of question')}</option>
        {questions.map(question => (
          <option key={question} value={question}>
            {questionWords(question, trans)}
          </option>
        ))}
      </select>
      <Search value={filter.q} onChange={q => model.setFilter({ q })} />
      <span className="codalab-Systematic-total" role="status">
        {head ? trans._n('one data set', '%2 data sets', head.total, head.total.toLocaleString()) : ''}
      </span>
      <a
        className="codalab-Button"
        href={codalab.api.url('/systematic/matrix.csv', {
          query: {
            question: filter.question,
            q: filter.q,
            sort: sort?.key ?? '',
            order: sort ? (sort.up ? 'up' : 'down') : ''
          }
        })}
        download="systematic-analysis.csv"
      >
        {trans.__('Export as CSV')}
      </a>
    </div>
  );
}

/** Asks the server when a person stops typing for a moment. */
function Search(props: { value: string; onChange: (q: string) => void }): React.ReactElement {
  const trans = useTrans();
  const [text, setText] = React.useState(props.value);
  const latest = React.useRef(props);
  React.useEffect(() => {
    latest.current = props;
  });
  React.useEffect(() => {
    const timer = setTimeout(() => {
      if (text !== latest.current.value) {
        latest.current.onChange(text);
      }
    }, TYPING_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <input
      type="search"
      className="codalab-Input codalab-Systematic-search"
      placeholder={trans.__('Search data sets')}
      aria-label={trans.__('Search data sets')}
      value={text}
      onChange={event => setText(event.target.value)}
    />
  );
}
