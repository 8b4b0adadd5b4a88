import * as React from 'react';

import { duration } from '../../core/text';
import { type MatrixCell, type MatrixColumn, type MatrixRow } from '../../core/types';
import { useTrans } from '../../core/ui';
import { cellTitle, columnName } from '../words';

interface IProps {
  row: MatrixRow | undefined;
  column: MatrixColumn | undefined;
  cell: MatrixCell | undefined;
  onOpen: () => void;
}

/** All of the cell that the focus stands on: what a tooltip tells who has a pointer. */
export function About(props: IProps): React.ReactElement {
  const { row, column, cell } = props;
  const trans = useTrans();
  return (
    <footer className="codalab-Systematic-about">
      {row && column && cell ? (
        <>
          <p>
            <b>{row.dataset}</b> · <b>{columnName(column)}</b>: {cellTitle(cell, column, trans)}
            {cell.seconds === null ? '' : ` · ${duration(cell.seconds, trans)}`}
          </p>
          {cell.task && (
            <button type="button" className="codalab-Button" onClick={props.onOpen}>
              {trans.__('Open the result')}
            </button>
          )}
        </>
      ) : (
        <p>{trans.__('A cell tells its reason when it is clicked, or reached with the arrow keys.')}</p>
      )}
    </footer>
  );
}
