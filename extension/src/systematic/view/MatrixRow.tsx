import * as React from 'react';

import { score } from '../../core/text';
import { type MatrixCell, type MatrixColumn, type MatrixRow as Row } from '../../core/types';
import { useTrans } from '../../core/ui';
import { cellTitle, cellWord, SIGNS } from '../words';

interface IProps {
  index: number;
  /** Undefined while its page is under way. */
  row: Row | undefined;
  columns: readonly MatrixColumn[];
  /** The column that the focus stands on; null in another row. */
  active: number | null;
  onLook: (column: number) => void;
  onOpen: (column: number) => void;
}

export function MatrixRow(props: IProps): React.ReactElement {
  const { index, row, columns, active } = props;
  const trans = useTrans();
  const [name, version] = row?.dataset.split('@') ?? [];
  return (
    <tr className="codalab-Matrix-row" aria-rowindex={index + 3} aria-busy={!row}>
      <th scope="row" aria-colindex={1}>
        <span
          className="codalab-Matrix-name"
          title={row?.dataset ?? ''}
          data-spot={`${index}:-1`}
          tabIndex={active === -1 ? 0 : -1}
          onFocus={() => props.onLook(-1)}
        >
          {row ? name : trans.__('reading …')}
          {version && version !== '1' ? <span className="codalab-Matrix-version">@{version}</span> : null}
        </span>
      </th>
      {columns.map((column, i) => (
        <Cell
          key={column.key}
          cell={row?.cells[i]}
          column={column}
          place={i}
          spot={`${index}:${i}`}
          active={active === i}
          onLook={props.onLook}
          onOpen={props.onOpen}
        />
      ))}
    </tr>
  );
}

interface ICellProps {
  cell: MatrixCell | undefined;
  column: MatrixColumn;
  place: number;
  spot: string;
  active: boolean;
  onLook: (column: number) => void;
  onOpen: (column: number) => void;
}

/** A sign, and the score or the state in a word; never by colour alone. With a run behind it, it opens that. */
function Cell(props: ICellProps): React.ReactElement {
  const { cell, column, place } = props;
  const trans = useTrans();
  if (!cell) {
    return <td aria-colindex={place + 2} />;
  }
  const title = cellTitle(cell, column, trans);
  const shared = {
    className: `codalab-Matrix-cell codalab-mod-${cell.state}${cell.best ? ' codalab-mod-best' : ''}`,
    title,
    tabIndex: props.active ? 0 : -1,
    'data-spot': props.spot,
    onFocus: () => props.onLook(place)
  };
  const shown = (
    <>
      <span className="codalab-Matrix-sign" aria-hidden="true">
        {cell.best ? '★' : SIGNS[cell.state]}
      </span>
      <span className="codalab-Matrix-said" aria-hidden="true">
        {cell.score === null ? cellWord(cell.state, trans) : score(cell.score)}
      </span>
      <span className="codalab-Hidden">{title}</span>
    </>
  );
  return (
    <td aria-colindex={place + 2}>
      {cell.task ? (
        <button type="button" {...shared} onClick={() => props.onOpen(place)}>
          {shown}
        </button>
      ) : (
        <span {...shared}>{shown}</span>
      )}
    </td>
  );
}
