import React from 'react';
import { size } from '../core/text';
import { type IHow, type IIncoming, PLAIN } from './adding';
import { usePanel } from './context';
import { Fold, Problems } from './pieces';
import { useStore } from './store';
import { valueOf } from './types';

const ENDINGS = '.csv,.tsv,.tab,.txt,.gz,.xlsx,.xlsm,.gct,.h5ad';

/** Where tables come in: dropped, chosen, or the sample data; and what is on its way. */
export function AddData(props: { first: boolean; form: boolean; onAdded: () => void }): JSX.Element {
  const { model } = usePanel();
  const { incoming, arrived } = useStore(model.adding);
  const { onAdded } = props;
  React.useEffect(() => {
    if (arrived && incoming.length === 0) {
      onAdded();
    }
  }, [arrived, incoming.length, onAdded]);
  return (
    <div className="codalab-Panel-add">
      {incoming.map(one => (
        <Incoming key={one.key} incoming={one} />
      ))}
      {props.form && <DropZone first={props.first} />}
      {props.form && <Examples first={props.first} />}
    </div>
  );
}

function DropZone(props: { first: boolean }): JSX.Element {
  const { model, trans } = usePanel();
  const [how, setHow] = React.useState<IHow>(PLAIN);
  const chooser = React.useRef<HTMLInputElement>(null);
  return (
    <div className="codalab-Panel-drop" data-codalab-focus={props.first ? 'data' : undefined}>
      <p>
        <strong>{trans.__('Drop a spreadsheet here')}</strong>
      </p>
      <button
        type="button"
        className="codalab-Button codalab-mod-primary"
        onClick={() => chooser.current?.click()}
      >
        {trans.__('Choose a file …')}
      </button>
      <input
        ref={chooser}
        type="file"
        multiple
        hidden
        accept={ENDINGS}
        aria-label={trans.__('Tables to add')}
        onChange={event => {
          void model.adding.files([...(event.target.files ?? [])], how);
          setHow(PLAIN);
          event.target.value = ''; // so that the same file can be chosen again
        }}
      />
      <p className="codalab-Panel-soft">
        {trans.__(
          'Excel, CSV, TSV, GCT or AnnData: genes in rows and samples in columns, or the other way round. Groups are read from a second sheet, from a sample table dropped with it, or from the sample names.'
        )}
      </p>
      <details className="codalab-Panel-fold">
        <summary>{trans.__('Say more: name, sheet, sample table')}</summary>
        <How how={how} onChange={setHow} />
        <p className="codalab-Panel-soft">{trans.__('Fill this in first, then choose or drop the table.')}</p>
      </details>
      <p className="codalab-Panel-soft">
        {trans.__('A file where Jupyter runs? Right-click it in the file browser: “Add as data set”.')}
      </p>
    </div>
  );
}

/** What can be said beside the table. */
function How(props: { how: IHow; onChange: (how: IHow) => void }): JSX.Element {
  const { trans } = usePanel();
  const { how, onChange } = props;
  const id = React.useId();
  return (
    <div className="codalab-Panel-fields">
      <label htmlFor={`${id}name`}>{trans.__('Name of the data set')}</label>
      <input
        id={`${id}name`}
        className="codalab-Input"
        data-lm-suppress-shortcuts="true"
        value={how.name}
        placeholder={trans.__('from the file')}
        onChange={event => onChange({ ...how, name: event.target.value })}
      />
      <label htmlFor={`${id}sheet`}>{trans.__('Sheet with the measurements')}</label>
      <input
        id={`${id}sheet`}
        className="codalab-Input"
        data-lm-suppress-shortcuts="true"
        value={how.sheet}
        placeholder={trans.__('found by its contents')}
        onChange={event => onChange({ ...how, sheet: event.target.value })}
      />
      <label htmlFor={`${id}samples`}>{trans.__('Sample table: one row per sample, with its group')}</label>
      <input
        id={`${id}samples`}
        type="file"
        accept={ENDINGS}
        onChange={event => onChange({ ...how, samples: event.target.files?.[0] ?? null })}
      />
    </div>
  );
}

function Incoming(props: { incoming: IIncoming }): JSX.Element {
  const { model, trans } = usePanel();
  const { incoming } = props;
  const [how, setHow] = React.useState(incoming.how);
  const { adding } = model;
  if (incoming.is === 'refused') {
    return (
      <div className="codalab-Panel-card codalab-mod-refused">
        <p className="codalab-Panel-name">{trans.__('%1 was not added', incoming.label)}</p>
        <Problems problems={incoming.problems} />
        {incoming.file && (
          <Fold title={trans.__('Say more: name, sheet, sample table')}>
            <How how={how} onChange={setHow} />
          </Fold>
        )}
        <div className="codalab-Panel-buttons">
          {incoming.file && (
            <button type="button" className="codalab-Button" onClick={() => void adding.again(incoming, how)}>
              {trans.__('Try again')}
            </button>
          )}
          <button type="button" className="codalab-Button" onClick={() => adding.forget(incoming.key)}>
            {trans.__('Leave it')}
          </button>
        </div>
      </div>
    );
  }
  const percent = Math.round(incoming.part * 100);
  return (
    <div className="codalab-Panel-card codalab-Panel-incoming" role="status">
      <span>
        {incoming.is === 'reading'
          ? trans.__('Reading %1 …', incoming.label)
          : trans.__('Sending %1 (%2) …', incoming.label, size(incoming.file?.size ?? 0))}
      </span>
      {incoming.is === 'sending' ? (
        <progress max={100} value={percent} aria-label={trans.__('%1: %2% sent', incoming.label, percent)} />
      ) : (
        <progress aria-label={trans.__('Reading %1', incoming.label)} />
      )}
      {incoming.is === 'sending' && (
        <button type="button" className="codalab-Button" onClick={() => adding.forget(incoming.key)}>
          {trans.__('Stop')}
        </button>
      )}
    </div>
  );
}

function Examples(props: { first: boolean }): JSX.Element | null {
  const { model, trans } = usePanel();
  const { examples } = useStore(model.datasets);
  const { incoming } = useStore(model.adding);
  const [all, setAll] = React.useState(false);
  const left = (valueOf(examples) ?? []).filter(one => !one.added);
  if (left.length === 0) {
    return null;
  }
  return (
    <div className="codalab-Panel-examples">
      <p>
        {props.first ? trans.__('No table at hand? Try with sample data:') : trans.__('Sample data to try:')}
      </p>
      {left.slice(0, all ? undefined : 1).map(one => (
        <button
          key={one.name}
          type="button"
          className="codalab-Panel-example"
          disabled={incoming.some(it => it.label === one.name && it.is === 'reading')}
          onClick={() => void model.adding.example(one.name)}
        >
          <span className="codalab-Panel-name">{one.title}</span>
          <span className="codalab-Panel-soft">
            {one.sentence} {one.shape}
          </span>
        </button>
      ))}
      {left.length > 1 && (
        <button type="button" className="codalab-Panel-link" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? trans.__('Fewer') : trans.__('%1 more to try', left.length - 1)}
        </button>
      )}
    </div>
  );
}
