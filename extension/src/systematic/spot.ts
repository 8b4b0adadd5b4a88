/** Where the focus stands in a grid, and where a key takes it. Pure. */

/** Row -1: the headings; column -1: the names of the rows. */
export interface Spot {
  readonly row: number;
  readonly column: number;
}

export interface ISize {
  readonly rows: number;
  readonly columns: number;
  /** Rows that PageDown goes. */
  readonly page: number;
}

interface IKey {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
}

/** As https://www.w3.org/WAI/ARIA/apg/patterns/grid/ has it; null for a key that moves nothing. */
export function moved(event: IKey, at: Spot, size: ISize): Spot | null {
  const far = event.ctrlKey || event.metaKey;
  const last = { row: size.rows - 1, column: size.columns - 1 };
  const moves: Record<string, Spot> = {
    ArrowDown: { row: far ? last.row : at.row + 1, column: at.column },
    ArrowUp: { row: far ? -1 : at.row - 1, column: at.column },
    ArrowRight: { row: at.row, column: far ? last.column : at.column + 1 },
    ArrowLeft: { row: at.row, column: far ? -1 : at.column - 1 },
    PageDown: { row: at.row + size.page, column: at.column },
    PageUp: { row: Math.max(at.row - size.page, Math.min(at.row, 0)), column: at.column },
    Home: { row: far ? 0 : at.row, column: -1 },
    End: { row: far ? last.row : at.row, column: last.column }
  };
  const to = moves[event.key];
  return to
    ? {
        row: Math.max(-1, Math.min(last.row, to.row)),
        column: Math.max(-1, Math.min(last.column, to.column))
      }
    : null;
}
