/** Where the cursor of the sample grid is and what is selected. Column 0 can be selected, to be copied. */
import { type IRange } from './sheet';

export interface ICursor {
  readonly row: number;
  readonly column: number;
  /** The other corner of the selection. */
  readonly anchorRow: number;
  readonly anchorColumn: number;
}

export interface ISize {
  readonly rows: number;
  readonly columns: number;
}

export function at(row: number, column: number): ICursor {
  return { row, column, anchorRow: row, anchorColumn: column };
}

export function rangeOf(cursor: ICursor): IRange {
  return {
    top: Math.min(cursor.row, cursor.anchorRow),
    bottom: Math.max(cursor.row, cursor.anchorRow),
    left: Math.min(cursor.column, cursor.anchorColumn),
    right: Math.max(cursor.column, cursor.anchorColumn)
  };
}

export function selecting(range: IRange): ICursor {
  return { row: range.top, column: range.left, anchorRow: range.bottom, anchorColumn: range.right };
}

/** The cursor moved; `extend` keeps the other corner of the selection. */
export function moved(cursor: ICursor, rows: number, columns: number, size: ISize, extend = false): ICursor {
  const row = Math.max(0, Math.min(size.rows - 1, cursor.row + rows));
  const column = Math.max(0, Math.min(size.columns - 1, cursor.column + columns));
  return extend ? { ...cursor, row, column } : at(row, column);
}

/** The next cell that can be edited, as Tab goes; null past the last one, and before the first. */
export function next(cursor: ICursor, back: boolean, size: ISize): ICursor | null {
  const editable = size.columns - 1;
  const place = cursor.row * editable + (Math.max(1, cursor.column) - 1) + (back ? -1 : 1);
  return editable < 1 || place < 0 || place >= editable * size.rows
    ? null
    : at(Math.floor(place / editable), 1 + (place % editable));
}

/** Where a key takes the cursor; null when it is no key of the cursor. */
export function onKey(
  cursor: ICursor,
  event: Pick<KeyboardEvent, 'key' | 'shiftKey' | 'ctrlKey' | 'metaKey'>,
  size: ISize,
  page: number
): ICursor | null {
  const far = event.ctrlKey || event.metaKey;
  const extend = event.shiftKey;
  const all = Math.max(size.rows, size.columns);
  const step = far ? all : 1;
  switch (event.key) {
    case 'ArrowUp':
      return moved(cursor, -step, 0, size, extend);
    case 'ArrowDown':
      return moved(cursor, step, 0, size, extend);
    case 'ArrowLeft':
      return moved(cursor, 0, -step, size, extend);
    case 'ArrowRight':
      return moved(cursor, 0, step, size, extend);
    case 'Home':
      return moved(cursor, far ? -all : 0, -all, size, extend);
    case 'End':
      return moved(cursor, far ? all : 0, all, size, extend);
    case 'PageUp':
      return moved(cursor, -page, 0, size, extend);
    case 'PageDown':
      return moved(cursor, page, 0, size, extend);
    default:
      return null;
  }
}
