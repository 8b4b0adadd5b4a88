import React from 'react';
import { Busy } from '../core/ui';
import { usePanel } from './context';
import { Problems } from './pieces';
import { SampleGrid } from './SampleGrid';
import { useStore } from './store';

/** The sample table with its buttons: edited here, saved as a new version. */
export function SampleEditor(props: { reference: string }): JSX.Element {
  const { model, trans } = usePanel();
  const samples = model.datasets.samples(props.reference);
  const { table, busy, problems, edited, canUndo, canRedo, told, left } = useStore(samples);
  React.useEffect(() => {
    void samples.load();
  }, [samples]);
  if (!table) {
    return problems.length > 0 ? (
      <Problems problems={problems} retry={() => void samples.load()} />
    ) : (
      <Busy label={trans.__('Reading the sample table …')} />
    );
  }
  const words = {
    pasted: trans.__('Pasted.'),
    pasted_by_name: trans.__('Pasted: rows were matched by the names of the samples.'),
    saved: trans.__('Saved as a new version.')
  };
  return (
    <div className="codalab-Panel-samples" data-codalab-focus="samples">
      {table.proposed.length > 0 && (
        <p className="codalab-Panel-note">
          {trans.__(
            'Read out of the sample names: %1. Look whether it is right; change what is not.',
            table.proposed.join(', ')
          )}
        </p>
      )}
      {table.columns.length < 2 && table.editable && (
        <p className="codalab-Panel-note">
          {trans.__('No groups yet. Add a column and type them, or paste the columns from Excel.')}
        </p>
      )}
      {table.editable ? (
        <div className="codalab-Panel-buttons" role="toolbar" aria-label={trans.__('Edit the sample table')}>
          <button type="button" className="codalab-Button" onClick={() => samples.addColumn()}>
            {trans.__('+ Column')}
          </button>
          <button
            type="button"
            className="codalab-Button"
            disabled={!canUndo}
            title={trans.__('Ctrl+Z')}
            onClick={() => samples.undo()}
          >
            {trans.__('Undo')}
          </button>
          <button
            type="button"
            className="codalab-Button"
            disabled={!canRedo}
            title={trans.__('Ctrl+Y')}
            onClick={() => samples.redo()}
          >
            {trans.__('Redo')}
          </button>
        </div>
      ) : (
        <p className="codalab-Panel-note">{table.why_not}</p>
      )}
      <SampleGrid samples={samples} />
      <p className="codalab-Panel-soft" role="status">
        {told ? words[told] : ''}
        {told && left > 0
          ? ` ${trans._n('%1 row found no sample here and was left out.', '%1 rows found no sample here and were left out.', left)}`
          : ''}
      </p>
      <Problems problems={problems} />
      {edited && (
        <div className="codalab-Panel-buttons codalab-Panel-save">
          <button
            type="button"
            className="codalab-Button codalab-mod-primary"
            disabled={busy !== null}
            onClick={() => void samples.save()}
          >
            {busy === 'saving' ? trans.__('Saving …') : trans.__('Save as a new version')}
          </button>
          <button
            type="button"
            className="codalab-Button"
            disabled={busy !== null}
            onClick={() => samples.discard()}
          >
            {trans.__('Discard changes')}
          </button>
        </div>
      )}
    </div>
  );
}
