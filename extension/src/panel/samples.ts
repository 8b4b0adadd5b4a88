/** The sample table of one data set while it is edited. */
import {
  addColumn,
  fill,
  fillDown,
  type ICells,
  type IRange,
  paste,
  removeColumn,
  renameColumn
} from './sheet';
import { Store } from './store';
import { type IPanelServer, type Dataset, type Problem, type SampleTable } from './types';
import { problemsOf } from '../core/errors';

const STEPS = 200; // that can be undone

export interface ISamplesState {
  readonly table: SampleTable | null; // as it is on the server
  readonly cells: ICells;
  readonly edited: boolean;
  readonly canUndo: boolean;
  readonly canRedo: boolean;
  readonly busy: 'loading' | 'saving' | null;
  readonly problems: readonly Problem[];
  readonly told: 'pasted' | 'pasted_by_name' | 'saved' | null;
  readonly left: number; // rows of the last paste that found no place
}

/** Cells that were edited and not saved, to be kept over a reload. */
export interface ISamplesDraft {
  readonly reference: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export class Samples extends Store<ISamplesState> {
  /** `saved`: a new version was made. */
  constructor(
    readonly reference: string,
    private readonly _server: IPanelServer,
    private readonly _saved: (dataset: Dataset) => void
  ) {
    super({
      table: null,
      cells: { columns: [], rows: [] },
      edited: false,
      canUndo: false,
      canRedo: false,
      busy: null,
      problems: [],
      told: null,
      left: 0
    });
  }

  async load(draft?: ISamplesDraft): Promise<void> {
    if (this.state.busy || this.state.table) {
      return;
    }
    this.update({ busy: 'loading', problems: [] });
    try {
      const table = await this._server.samples(this.reference);
      this.update({ table, cells: cellsOf(table), busy: null });
      if (draft?.rows.length === table.rows.length) {
        this._edit({ columns: draft.columns, rows: draft.rows });
      }
    } catch (error) {
      this.update({ busy: null, problems: problemsOf(error) });
    }
  }

  get draft(): ISamplesDraft | null {
    const { columns, rows } = this.state.cells;
    return this.state.edited ? { reference: this.reference, columns, rows } : null;
  }

  fill(range: IRange, text: string): void {
    this._edit(fill(this.state.cells, range, text));
  }

  fillDown(range: IRange): void {
    this._edit(fillDown(this.state.cells, range));
  }

  /** Returns the cells that were filled. */
  paste(at: IRange, block: readonly (readonly string[])[]): IRange {
    const done = paste(this.state.cells, at, block);
    this._edit(done.cells);
    this.update({ told: done.byName ? 'pasted_by_name' : 'pasted', left: done.left });
    return done.range;
  }

  addColumn(): void {
    this._edit(addColumn(this.state.cells));
  }

  renameColumn(column: number, name: string): void {
    this._edit(renameColumn(this.state.cells, column, name));
  }

  removeColumn(column: number): void {
    this._edit(removeColumn(this.state.cells, column));
  }

  undo(): void {
    this._step(this._undo, this._redo);
  }

  redo(): void {
    this._step(this._redo, this._undo);
  }

  /** Back to what is saved; can be undone. */
  discard(): void {
    if (this.state.table) {
      this._edit(cellsOf(this.state.table));
    }
  }

  async save(): Promise<void> {
    const { table, cells, busy } = this.state;
    if (!table || busy) {
      return;
    }
    this.update({ busy: 'saving', problems: [], told: null });
    try {
      const dataset = await this._server.setSamples(this.reference, {
        ...table,
        columns: [...cells.columns],
        rows: cells.rows.map(row => [...row]),
        proposed: []
      });
      this.update({ busy: null, edited: false, told: 'saved' });
      this._saved(dataset);
    } catch (error) {
      this.update({ busy: null, problems: problemsOf(error) });
    }
  }

  private _edit(cells: ICells): void {
    if (cells === this.state.cells) {
      return;
    }
    this._undo.push(this.state.cells);
    this._undo.splice(0, this._undo.length - STEPS);
    this._redo.length = 0;
    this._show(cells);
  }

  private _step(from: ICells[], to: ICells[]): void {
    const cells = from.pop();
    if (cells) {
      to.push(this.state.cells);
      this._show(cells);
    }
  }

  private _show(cells: ICells): void {
    const { table } = this.state;
    this.update({
      cells,
      edited: table !== null && !same(cells, table),
      canUndo: this._undo.length > 0,
      canRedo: this._redo.length > 0,
      told: null,
      left: 0
    });
  }

  private readonly _undo: ICells[] = [];
  private readonly _redo: ICells[] = [];
}

function cellsOf({ columns, rows }: SampleTable): ICells {
  return { columns, rows };
}

function same(one: ICells, other: ICells): boolean {
  const alike = (a: readonly string[], b: readonly string[] | undefined): boolean =>
    a === b || (a.length === b?.length && a.every((cell, at) => cell === b[at]));
  return (
    alike(one.columns, other.columns) &&
    one.rows.length === other.rows.length &&
    one.rows.every((row, at) => alike(row, other.rows[at]))
  );
}
