import React from 'react';
import { Badge, Busy } from '../core/ui';
import { AddData } from './AddData';
import { usePanel } from './context';
import { DatasetDetails } from './DatasetDetails';
import { Problems, Search } from './pieces';
import { useStore } from './store';
import { type DatasetSummary } from './types';

const SEARCHED = 6; // from so many data sets on there is a search

/** Step 1: what is analyzed. */
export function DataSection(): JSX.Element {
  const { model, trans } = usePanel();
  const { datasets } = model;
  const { list, search, gone, looked } = useStore(datasets);
  const { incoming } = useStore(model.adding);
  const [adding, setAdding] = React.useState(false);
  if (list.is === 'asking') {
    return <Busy label={trans.__('Reading the list of data sets …')} />;
  }
  if (list.is === 'failed') {
    return <Problems problems={list.problems} retry={() => void model.refresh()} />;
  }
  const empty = list.value.length === 0;
  const found = datasets.found;
  return (
    <>
      {gone.length > 0 && (
        <p className="codalab-Panel-note" role="status">
          {trans.__('Not there any more, so not chosen: %1.', gone.join(', '))}
        </p>
      )}
      {list.value.length >= SEARCHED && (
        <Search
          label={trans.__('Search data sets')}
          value={search}
          onChange={text => datasets.search(text)}
        />
      )}
      {!empty && (
        <ul className="codalab-Panel-datasets" data-codalab-focus="data" aria-label={trans.__('Data sets')}>
          {found.map(one => (
            <Row
              key={one.name}
              dataset={one}
              chosen={datasets.isChosen(one.name)}
              looked={looked === one.name}
              label={datasets.pinned(one.name) ?? one.name}
            />
          ))}
        </ul>
      )}
      {!empty && found.length === 0 && (
        <p className="codalab-Panel-soft">{trans.__('No data set has all of these words.')}</p>
      )}
      {!empty && (
        <button
          type="button"
          className="codalab-Button"
          aria-expanded={adding}
          onClick={() => setAdding(!adding)}
        >
          {adding ? trans.__('Close') : trans.__('+ Add a data set')}
        </button>
      )}
      {(empty || adding || incoming.length > 0) && (
        <AddData first={empty} form={empty || adding} onAdded={() => setAdding(false)} />
      )}
      <DatasetDetails />
    </>
  );
}

/** Drawn again only when something of it is another: there may be hundreds. */
const Row = React.memo(function Row(props: {
  dataset: DatasetSummary;
  chosen: boolean;
  looked: boolean;
  label: string;
}): JSX.Element {
  const { model, trans } = usePanel();
  const { datasets } = model;
  const { dataset, chosen, looked, label } = props;
  const { name } = dataset;
  const id = React.useId();
  return (
    <li className={`codalab-Panel-row ${looked ? 'codalab-mod-looked' : ''}`}>
      {/* The rule looks two levels down for text; it is three. */}
      {/* eslint-disable-next-line jsx-a11y/label-has-associated-control */}
      <label htmlFor={id}>
        <input
          id={id}
          type="checkbox"
          checked={chosen}
          onChange={event => datasets.choose(name, event.target.checked)}
        />
        <span className="codalab-Panel-rowText">
          <span className="codalab-Panel-name">
            {label}
            {dataset.questions > 0 && (
              <Badge kind="warning" title={trans.__('To be confirmed')}>
                {trans._n('%1 question', '%1 questions', dataset.questions)}
              </Badge>
            )}
          </span>
          <span className="codalab-Panel-soft">
            {dataset.shape}
            {dataset.groups ? ` · ${dataset.groups}` : ''}
          </span>
        </span>
      </label>
      <button
        type="button"
        className="codalab-Panel-link"
        aria-label={looked ? trans.__('Hide details of %1', name) : trans.__('Details of %1', name)}
        aria-expanded={looked}
        onClick={() => datasets.look(looked ? null : name)}
      >
        {looked ? trans.__('hide') : trans.__('details')}
      </button>
    </li>
  );
});
