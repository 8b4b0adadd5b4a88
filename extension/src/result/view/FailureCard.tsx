import * as React from 'react';

import { useSignal, useTrans } from '../../core/ui';
import { type ResultModel } from '../model/result';
import { advice } from '../model/advice';
import { harmless } from '../safe/text';
import { CellView } from './CellView';

/** Above the notebook of a failed run: why, what to do, and the cell it was. */
export function FailureCard(props: { model: ResultModel }): React.ReactElement {
  const { model } = props;
  const trans = useTrans();
  useSignal(model.drawn, () => model.version);
  const { why, notebook } = model;
  const index = notebook.cells.findIndex(cell => cell.outputs.some(output => output.kind === 'error'));
  const cell = notebook.cells[index];
  // The first line says what it was; the rest is the traceback, which stands in the cell.
  const [title = '', ...rest] = (why?.message ?? '').split('\n');
  return (
    <section className="codalab-Failure" aria-label={trans.__('Why it failed')}>
      <h2>{title ? harmless(title) : trans.__('The run failed.')}</h2>
      <p>{why?.fix ? harmless(why.fix) : advice(title, trans)}</p>
      {cell ? (
        <>
          <p className="codalab-Output-note">{trans.__('It was cell %1:', index + 1)}</p>
          <CellView
            cell={cell}
            number={index + 1}
            language={notebook.language}
            code
            running={false}
            version={cell.version}
          />
        </>
      ) : rest.length ? (
        <pre className="codalab-Output-text codalab-mod-error">{harmless(rest.join('\n'))}</pre>
      ) : null}
      <p className="codalab-Output-note">{trans.__('The whole notebook as far as it came is below.')}</p>
    </section>
  );
}
