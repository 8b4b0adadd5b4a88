import { type IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import { type ICodalab } from '../core/codalab';
import { type ITasksChange, type TasksStore } from '../core/stores/tasks';
import { type Stream } from '../core/stream';
import { type FromServer, type Matrix, type MatrixRow, type SystematicStatus } from '../core/types';

const PAGE = 100; // rows in one request
const PAUSE_MS = 1500; // between two readings of what changes all the time

export interface ISorting {
  /** Of a configuration. */
  readonly key: string;
  readonly up: boolean;
}

/** What of the matrix is shown. `question`: of one kind, or "" for all; `q`: words in names of data sets. */
export interface IMatrixFilter {
  readonly question: string;
  readonly q: string;
  readonly sort: ISorting | null;
}

export type Head = Omit<Matrix, 'rows' | 'offset'>;

/**
 * The matrix, as many of its rows as somebody scrolled to, and the switch. What changes while one looks is read again,
 * after a pause; while nobody looks, when somebody looks again.
 */
export class SystematicModel implements IDisposable {
  constructor(
    private readonly _codalab: ICodalab,
    private readonly _pause = PAUSE_MS
  ) {
    _codalab.tasks.changed.connect(this._onTasks, this);
    _codalab.tasks.reset.connect(this._onReset, this);
    _codalab.stream.said.connect(this._onSaid, this);
  }

  /** Null until it was read once. */
  get status(): SystematicStatus | null {
    return this._status;
  }

  /** Columns and counts; null until they were read once. */
  get head(): Head | null {
    return this._head;
  }

  get filter(): IMatrixFilter {
    return this._filter;
  }

  /** The rows that were read, by page. A new map whenever one is new. */
  get pages(): ReadonlyMap<number, readonly MatrixRow[]> {
    return this._pages;
  }

  row(index: number): MatrixRow | undefined {
    return this._pages.get(Math.floor(index / PAGE))?.[index % PAGE];
  }

  /** Why it could not be read, the last time. */
  get error(): unknown {
    return this._error;
  }

  /** It is being switched. */
  get switching(): boolean {
    return this._switching;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._closed.signal.aborted;
  }

  /** The view is in sight, or is not any more. */
  show(shown: boolean): void {
    this._shown = shown;
    if (shown && this._due) {
      this.refresh();
    }
  }

  setFilter(filter: Partial<IMatrixFilter>): void {
    this._filter = { ...this._filter, ...filter };
    this._turn += 1;
    this._fresh = true;
    this._range = [0, PAGE - 1];
    this._changed.emit();
    void this._read();
  }

  /** Rows from `first` to `last` are in sight, or soon will be. */
  need(first: number, last: number): void {
    this._range = [first, last];
    void this._read();
  }

  /** Reads what is in sight again, and the status. Never throws: `error` has it. */
  refresh(): void {
    clearTimeout(this._timer);
    this._timer = undefined;
    this._due = false;
    this._statusDue = true;
    this._stale = new Set(this._pages.keys());
    this._fresh = this._fresh || this._head === null || this._pages.size === 0;
    void this._read();
  }

  /** Throws as Api.request does. */
  async switch(on: boolean): Promise<void> {
    this._switching = true;
    this._changed.emit();
    try {
      const path = on ? '/systematic/start' : '/systematic/stop';
      this._status = await this._codalab.api.post(path, { signal: this._closed.signal });
    } finally {
      this._switching = false;
      this._emit();
    }
    this.refresh();
  }

  dispose(): void {
    if (!this.isDisposed) {
      clearTimeout(this._timer);
      this._closed.abort();
      this._codalab.tasks.changed.disconnect(this._onTasks, this);
      this._codalab.tasks.reset.disconnect(this._onReset, this);
      this._codalab.stream.said.disconnect(this._onSaid, this);
      Signal.clearData(this);
    }
  }

  private async _read(): Promise<void> {
    if (this._reading || !this._shown) {
      this._due = this._due || !this._shown;
      return;
    }
    this._reading = true;
    try {
      for (
        let page = this._next();
        !this.isDisposed && (page !== null || this._statusDue);
        page = this._next()
      ) {
        if (this._statusDue) {
          this._statusDue = false;
          this._status = await this._codalab.api.get('/systematic', { signal: this._closed.signal });
          this._emit();
        }
        if (page !== null) {
          await this._readPage(page);
        }
        this._error = null;
      }
    } catch (error) {
      this._error = error;
    }
    this._reading = false;
    this._emit();
  }

  private async _readPage(page: number): Promise<void> {
    const turn = this._turn;
    const { question, q, sort } = this._filter;
    const { rows, offset, ...head } = await this._codalab.api.get('/systematic/matrix', {
      query: {
        question,
        q: q.trim(),
        sort: sort?.key ?? '',
        order: sort ? (sort.up ? 'up' : 'down') : '',
        offset: page * PAGE,
        limit: PAGE
      },
      signal: this._closed.signal
    });
    if (turn !== this._turn) {
      return; // something else is wanted by now
    }
    const kept = this._fresh ? [] : [...this._pages].filter(([one]) => one * PAGE < head.total);
    this._pages = new Map([...kept, [offset / PAGE, rows]]);
    this._stale.delete(page);
    if (this._fresh) {
      this._stale.clear();
      this._fresh = false;
    }
    this._head = head;
    this._emit();
  }

  /** The page to read next: of those in sight the first that is missing or old; null when all are there. */
  private _next(): number | null {
    const last = this._head && !this._fresh ? this._head.total - 1 : PAGE - 1;
    const [from, to] = this._range.map(row => Math.floor(Math.max(0, Math.min(row, last)) / PAGE));
    for (let page = from ?? 0; page <= (to ?? 0); page++) {
      if (this._fresh || !this._pages.has(page) || this._stale.has(page)) {
        return page;
      }
    }
    return null;
  }

  private _onTasks(_: TasksStore, change: ITasksChange): void {
    if (change.removed.length || change.tasks.some(task => task.method)) {
      this._later();
    }
  }

  private _onReset(): void {
    this._later();
  }

  private _onSaid(_: Stream, message: FromServer): void {
    if (message.type === 'systematic' || message.type === 'datasets') {
      this._later();
    }
  }

  /** Soon, however much happens until then. */
  private _later(): void {
    if (!this._shown) {
      this._due = true;
    } else if (this._timer === undefined) {
      this._timer = window.setTimeout(() => this.refresh(), this._pause);
    }
  }

  private _emit(): void {
    if (!this.isDisposed) {
      this._changed.emit();
    }
  }

  private _status: SystematicStatus | null = null;
  private _head: Head | null = null;
  private _filter: IMatrixFilter = { question: '', q: '', sort: null };
  private _pages: ReadonlyMap<number, readonly MatrixRow[]> = new Map();
  private _stale = new Set<number>();
  private _range: readonly [number, number] = [0, PAGE - 1];
  private _turn = 0; // of the filter
  private _fresh = true; // what is shown is of another filter, or there is nothing
  private _statusDue = true;
  private _due = true; // something changed while nobody looked
  private _shown = false;
  private _reading = false;
  private _switching = false;
  private _error: unknown = null;
  private _timer: number | undefined;
  private readonly _closed = new AbortController();
  private readonly _changed = new Signal<this, void>(this);
}
