import React from 'react';
import { usePanel } from './context';
import { useStore } from './store';
import { type Column, type Dataset } from './types';
import { groupWords, type Role, rolesFor, roleWords } from './words';

const SHOWN = 30; // columns of a wide table before one asks for more

/** What each column means. A role is put right by choosing another: that makes a new version. */
export function ColumnList(props: { dataset: Dataset }): JSX.Element {
  const { model, trans } = usePanel();
  const { datasets } = model;
  const { busy } = useStore(datasets);
  const { dataset } = props;
  const [all, setAll] = React.useState(false);
  const disabled = dataset.name in busy;
  const columns = all ? dataset.columns : dataset.columns.slice(0, SHOWN);
  const kinds = {
    counts: trans.__('counts'),
    linear: trans.__('linear intensities'),
    log: trans.__('logarithms')
  };
  return (
    <div className="codalab-Panel-columns">
      {columns.map(column => (
        <ColumnRow key={column.name} dataset={dataset} column={column} disabled={disabled} />
      ))}
      {dataset.columns.length > columns.length && (
        <button type="button" className="codalab-Panel-link" onClick={() => setAll(true)}>
          {trans.__('%1 more columns', dataset.columns.length - columns.length)}
        </button>
      )}
      {dataset.kind !== 'none' && (
        <label className="codalab-Panel-inline">
          {trans.__('The values are')}{' '}
          <select
            className="codalab-Input"
            disabled={disabled}
            value={dataset.kind}
            onChange={event =>
              void datasets.answer(dataset, { kind: event.target.value as 'counts' | 'linear' | 'log' })
            }
          >
            {Object.entries(kinds).map(([kind, words]) => (
              <option key={kind} value={kind}>
                {words}
              </option>
            ))}
          </select>
        </label>
      )}
    </div>
  );
}

function ColumnRow(props: { dataset: Dataset; column: Column; disabled: boolean }): JSX.Element {
  const { model, trans } = usePanel();
  const { dataset, column, disabled } = props;
  const roles = rolesFor(column);
  const reference = dataset.reference_group?.column === column.name ? dataset.reference_group : null;
  const others = column.groups.filter(group => group.name !== reference?.group);
  const give = (role: string): void => {
    // A role belongs to one column: who had it loses it.
    const before = dataset.columns.filter(one => one.role === role && one.name !== column.name);
    void model.datasets.answer(dataset, {
      roles: { ...Object.fromEntries(before.map(one => [one.name, 'none'])), [column.name]: role }
    });
  };
  const types = { groups: trans.__('groups'), numbers: trans.__('numbers'), text: trans.__('text') };
  return (
    <div className="codalab-Panel-column">
      <span className="codalab-Panel-name" title={column.name}>
        {column.name}
      </span>
      {roles.length > 0 ? (
        <select
          className="codalab-Input"
          aria-label={trans.__('Role of the column %1', column.name)}
          disabled={disabled}
          value={column.role ?? 'none'}
          onChange={event => give(event.target.value)}
        >
          <option value="none">{trans.__('— no role —')}</option>
          {roles.map((role: Role) => (
            <option key={role} value={role}>
              {roleWords(role, trans)}
            </option>
          ))}
        </select>
      ) : (
        <span className="codalab-Panel-soft">{types[column.type]}</span>
      )}
      <span className="codalab-Panel-soft codalab-Panel-wide">
        {column.role_proposed && <em className="codalab-Panel-proposed">{trans.__('proposed')} · </em>}
        {groupWords(column) || types[column.type]}
        {column.missing > 0 ? ` · ${trans.__('%1 missing', column.missing)}` : ''}
      </span>
      {reference && (
        <label className="codalab-Panel-inline codalab-Panel-wide">
          {trans.__('compared with')}{' '}
          <select
            className="codalab-Input"
            disabled={disabled}
            value={reference.group}
            onChange={event => void model.datasets.answer(dataset, { reference: event.target.value })}
          >
            {column.groups.map(group => (
              <option key={group.name} value={group.name}>
                {group.name} ({group.n})
              </option>
            ))}
          </select>
          <span className="codalab-Panel-soft">
            {others.length === 1 && others[0]
              ? trans.__('up = higher in %1 than in %2', others[0].name, reference.group)
              : trans.__('up = higher than in %1', reference.group)}
            {reference.proposed ? ` (${trans.__('proposed')})` : ''}
          </span>
        </label>
      )}
    </div>
  );
}
