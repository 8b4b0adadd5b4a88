import React from 'react';
import { Busy } from '../core/ui';
import { ColumnList } from './ColumnList';
import { usePanel } from './context';
import { Clamped, Fold, Problems, Sentence } from './pieces';
import { SampleEditor } from './SampleEditor';
import { useStore } from './store';
import { type Dataset, type Note, type Question } from './types';

const NOTES = 3; // so many warnings are shown before one asks for more

/** All that is known of the data set that is looked at, and where it can be put right. */
export function DatasetDetails(): JSX.Element | null {
  const { model, trans } = usePanel();
  const { datasets } = model;
  const { looked } = useStore(datasets);
  const loaded = datasets.details;
  const reference = looked && datasets.referenceOf(looked);
  const card = React.useRef<HTMLElement>(null);
  const asked = React.useRef(reference);
  React.useEffect(() => {
    // The button that was pressed is gone with its question: keys go on from here.
    if (asked.current && asked.current !== reference && document.activeElement === document.body) {
      card.current?.focus({ preventScroll: true });
    }
    asked.current = reference;
  }, [reference]);
  if (!looked || !loaded || !reference) {
    return null;
  }
  return (
    <section
      ref={card}
      tabIndex={-1}
      className="codalab-Panel-card"
      aria-label={trans.__('Details of %1', looked)}
    >
      {loaded.is === 'asking' && <Busy label={trans.__('Reading %1 …', looked)} />}
      {loaded.is === 'failed' && (
        <Problems problems={loaded.problems} retry={() => datasets.retry(reference)} />
      )}
      {loaded.is === 'there' && <Details dataset={loaded.value} />}
    </section>
  );
}

function Details(props: { dataset: Dataset }): JSX.Element {
  const { model, trans, ask } = usePanel();
  const { dataset } = props;
  const { datasets } = model;
  const { busy, problems } = useStore(datasets);
  const { name, reference } = dataset;
  const noGroups = dataset.groups === '' && dataset.n_samples > 0 && dataset.orientation !== 'table';
  const remove = async (): Promise<void> => {
    const sure = await ask(
      trans.__('Remove %1?', name),
      trans._n(
        'Its one version leaves the list. Results that were made from it stay.',
        'All its %1 versions leave the list. Results that were made from it stay.',
        dataset.versions.length
      ),
      trans.__('Remove')
    );
    if (sure) {
      await datasets.remove(name);
    }
  };
  return (
    <>
      <header className="codalab-Panel-cardHead">
        <h4>{reference}</h4>
        <button
          type="button"
          className="codalab-Panel-link codalab-mod-danger"
          disabled={name in busy}
          onClick={() => void remove()}
        >
          {trans.__('Remove …')}
        </button>
      </header>
      <p>
        <strong>{dataset.shape}.</strong> <Orientation dataset={dataset} />{' '}
        {dataset.kind !== 'none' && trans.__('Values: %1.', dataset.kind_words)}
      </p>
      <Questions dataset={dataset} />
      <Problems problems={problems[name] ?? []} />
      <Notes notes={dataset.notes} />
      {dataset.columns.length > 0 && (
        <Fold
          key={`columns ${reference}`}
          title={trans.__('Columns and their roles')}
          open={dataset.orientation !== 'table' && dataset.open_questions.length === 0}
        >
          <ColumnList dataset={dataset} />
        </Fold>
      )}
      {dataset.n_samples > 0 && dataset.orientation !== 'table' && (
        <Fold
          key={`samples ${reference}`}
          title={trans.__('Sample table: which sample is in which group')}
          open={noGroups || datasets.samples(reference).state.edited}
        >
          <SampleEditor reference={reference} />
        </Fold>
      )}
      {dataset.orientation !== 'files' && (
        <Fold
          key={`rows ${reference}`}
          title={trans.__('First rows')}
          onOpen={() => void datasets.preview(reference)}
        >
          <Preview reference={reference} />
        </Fold>
      )}
      {dataset.reading.length > 0 && (
        <Fold
          title={trans._n(
            'How the file was read: %1 note',
            'How the file was read: %1 notes',
            dataset.reading.length
          )}
        >
          <ul className="codalab-Panel-plainList">
            {dataset.reading.map((note, at) => (
              <li key={at}>
                <Sentence text={note.text} />
              </li>
            ))}
          </ul>
        </Fold>
      )}
    </>
  );
}

function Orientation(props: { dataset: Dataset }): JSX.Element {
  const { trans } = usePanel();
  const { orientation, orientation_why: why } = props.dataset;
  const words = {
    genes_in_rows: trans.__('Each row is a gene, each column a sample'),
    samples_in_rows: trans.__('Each row is a sample, each column a gene'),
    table: trans.__('A general table: each row is one case'),
    files: trans.__('No table of numbers was found in it')
  };
  return (
    <>
      {words[orientation]}
      {why ? ` (${why})` : ''}.
    </>
  );
}

/** What was proposed and nobody has confirmed, each with the answers as buttons. */
function Questions(props: { dataset: Dataset }): JSX.Element | null {
  const { model, trans } = usePanel();
  const { datasets } = model;
  const { busy } = useStore(datasets);
  const { dataset } = props;
  const open: readonly Question[] = dataset.open_questions;
  if (open.length === 0) {
    return dataset.groups ? (
      <p className="codalab-Panel-good">✓ {trans.__('Everything proposed is confirmed.')}</p>
    ) : null;
  }
  const disabled = dataset.name in busy;
  return (
    <div className="codalab-Panel-questions" role="group" aria-label={trans.__('Please confirm')}>
      <div className="codalab-Panel-cardHead">
        <h5>{trans.__('Is this right?')}</h5>
        {open.length > 1 && (
          <button
            type="button"
            className="codalab-Button codalab-mod-primary"
            disabled={disabled}
            onClick={() => void datasets.answer(dataset, { accept: true })}
          >
            {trans.__('Yes to all')}
          </button>
        )}
      </div>
      {open.map((question, at) => (
        <div key={`${question.code} ${at}`} className="codalab-Panel-question">
          <p>
            <Sentence text={question.text} />
          </p>
          <div className="codalab-Panel-buttons">
            {question.choices.map(choice => (
              <button
                key={choice.label}
                type="button"
                className="codalab-Button"
                disabled={disabled}
                onClick={() => void datasets.answer(dataset, choice.answer)}
              >
                {choice.label}
              </button>
            ))}
          </div>
        </div>
      ))}
    </div>
  );
}

/** What is odd about the data, in plain words. */
function Notes(props: { notes: readonly Note[] }): JSX.Element | null {
  const { trans } = usePanel();
  const [all, setAll] = React.useState(false);
  const { notes } = props;
  if (notes.length === 0) {
    return null;
  }
  const shown = all ? notes : notes.slice(0, NOTES);
  return (
    <>
      <ul className="codalab-Panel-odd" aria-label={trans.__('What is odd about the data')}>
        {shown.map((note, at) => (
          <li key={`${note.code} ${at}`}>
            <Clamped text={note.text} />
          </li>
        ))}
      </ul>
      {notes.length > NOTES && (
        <button type="button" className="codalab-Panel-link" aria-expanded={all} onClick={() => setAll(!all)}>
          {all
            ? trans.__('Fewer warnings')
            : trans._n('%1 more warning', '%1 more warnings', notes.length - NOTES)}
        </button>
      )}
    </>
  );
}

function Preview(props: { reference: string }): JSX.Element {
  const { model, trans } = usePanel();
  const { previews } = useStore(model.datasets);
  const loaded = previews[props.reference];
  if (!loaded || loaded.is === 'asking') {
    return <Busy label={trans.__('Reading the first rows …')} />;
  }
  if (loaded.is === 'failed') {
    return <Problems problems={loaded.problems} retry={() => void model.datasets.preview(props.reference)} />;
  }
  const { columns, rows, n_rows: total, n_columns: wide, more_columns: more } = loaded.value;
  const caption =
    total === null
      ? trans.__('First %1 rows', rows.length)
      : trans.__('%1 of %2 rows', rows.length, total.toLocaleString('en'));
  return (
    // Wider than the panel, so it is scrolled, by keys as well.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className="codalab-Panel-table" role="region" aria-label={caption} tabIndex={0}>
      <table>
        <caption>
          {caption}
          {more ? trans.__(', %1 of %2 columns', columns.length, wide.toLocaleString('en')) : ''}
        </caption>
        <thead>
          <tr>
            {columns.map((name, at) => (
              <th key={at} scope="col">
                {name}
              </th>
            ))}
            {more && <th scope="col">…</th>}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, at) => (
            <tr key={at}>
              {row.map((cell, column) => (
                <td
                  key={column}
                  className={/^\s*[-+]?[\d.,]+(e[-+]?\d+)?\s*$/i.test(cell) ? 'codalab-mod-number' : ''}
                >
                  {cell}
                </td>
              ))}
              {more && <td>…</td>}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
