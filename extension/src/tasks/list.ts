import { type IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import { type ICodalab } from '../core/codalab';
import { isAbort } from '../core/errors';
import { type ITasksChange, type TasksStore } from '../core/stores/tasks';
import { type Task } from '../core/types';
import { asQuery, EVERYTHING, type IFilter, isListed, matches } from './filter';

const LARGEST_PAGE = 500;

/**
 * The tasks that meet a filter, newest first, as many of them as somebody scrolled to. Pages come from the server; rows
 * that change, come or go while one looks come by the stream.
 */
export class TaskList implements IDisposable {
  constructor(
    private readonly _codalab: ICodalab,
    filter: IFilter = EVERYTHING
  ) {
    this._filter = filter;
    _codalab.tasks.changed.connect(this._onTasks, this);
    _codalab.tasks.reset.connect(this._onReset, this);
  }

  /** The first of them. A new array whenever anything in it is new. */
  get rows(): readonly Task[] {
    return this._rows;
  }

  /** How many there are in all; null until the server told. */
  get total(): number | null {
    return this._total;
  }

  get filter(): IFilter {
    return this._filter;
  }

  get loading(): boolean {
    return this._page !== null;
  }

  /** Why the last page could not be read; null when it could. */
  get error(): unknown {
    return this._error;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._disposed;
  }

  setFilter(filter: IFilter): void {
    this._filter = filter;
    this.reload();
  }

  /** Reads from the start; what is shown stays until the new rows are there. */
  reload(): void {
    this._page?.abort();
    this._page = null;
    this._fresh = true;
    this._next = null;
    this.need(0);
  }

  /** Makes sure that the row with this index is read, if there is one: the view says what it shows. */
  need(index: number): void {
    this._needed = Math.max(index, this._fresh ? 0 : this._needed);
    const more = this._fresh || (this._next !== null && this._needed >= this._rows.length);
    if (more && !this._page && !this._disposed) {
      void this._read();
    }
  }

  /** Reads all there are. Ends early when a page cannot be read: `error` has why. */
  async all(): Promise<void> {
    this.need(Number.MAX_SAFE_INTEGER);
    while (this.loading && !this._disposed) {
      await new Promise<void>(resolve => {
        const once = (): void => {
          this._changed.disconnect(once);
          resolve();
        };
        this._changed.connect(once);
      });
    }
  }

  dispose(): void {
    if (!this._disposed) {
      this._disposed = true;
      this._page?.abort();
      this._codalab.tasks.changed.disconnect(this._onTasks, this);
      this._codalab.tasks.reset.disconnect(this._onReset, this);
      Signal.clearData(this);
    }
  }

  private async _read(): Promise<void> {
    const page = (this._page = new AbortController());
    const { pageSize } = this._codalab.preferences.now;
    const missing = this._fresh ? 0 : this._needed + 1 - this._rows.length;
    try {
      const answer = await this._codalab.api.get('/tasks', {
        query: {
          ...asQuery(this._filter),
          limit: Math.min(LARGEST_PAGE, Math.max(pageSize, missing)),
          ...(this._fresh || this._next === null ? {} : { before: this._next })
        },
        signal: page.signal
      });
      this._codalab.tasks.read(answer.tasks);
      this._take(answer.tasks, answer.next ?? null, answer.total);
      this._error = null;
    } catch (error) {
      if (isAbort(error) || page.signal.aborted) {
        return; // another read took its place
      }
      this._error = error;
    }
    this._page = null;
    this._emit();
    if (!this._error) {
      this.need(this._needed);
    }
  }

  private _take(tasks: readonly Task[], next: string | null, total: number): void {
    const before = this._fresh ? [] : this._rows;
    const known = new Set(before.map(task => task.task));
    this._rows = [...before, ...tasks.filter(task => !known.has(task.task))];
    this._fresh = false;
    this._next = next;
    this._total = total;
  }

  private _onTasks(_: TasksStore, change: ITasksChange): void {
    if (this._fresh) {
      return; // the first page is under way, and will have it
    }
    const told = change.tasks.filter(task => isListed(task, this._filter));
    const news = new Map(told.map(task => [task.task, task]));
    const gone = new Set(change.removed);
    const known = new Set(this._rows.map(row => row.task));
    const kept = this._rows
      .map(row => news.get(row.task) ?? row)
      .filter(row => !gone.has(row.task) && (!news.has(row.task) || matches(row, this._filter)));
    // Beyond the last row that was read, rows come with their page. Told in the order of submitting: newest last.
    const last = this._next === null ? undefined : this._rows.at(-1);
    const fresh = told
      .filter(task => !known.has(task.task) && !gone.has(task.task) && matches(task, this._filter))
      .filter(task => last === undefined || newer(task, last) <= 0)
      .reverse()
      .sort(newer);
    const counted = kept.length === known.size && told.every(task => known.has(task.task));
    this._rows = merged(kept, fresh);
    if (!counted || gone.size) {
      void this._count();
    }
    this._emit();
  }

  private _onReset(): void {
    this.reload();
  }

  /** How many there are now. Asked one at a time, and once more when rows changed meanwhile. */
  private async _count(): Promise<void> {
    if (this._counting) {
      this._countAgain = true;
      return;
    }
    this._counting = true;
    do {
      this._countAgain = false;
      try {
        const filter = this._filter;
        const { total } = await this._codalab.api.get('/tasks', { query: { ...asQuery(filter), limit: 1 } });
        if (filter === this._filter) {
          this._total = total;
        }
      } catch {
        // The rows are right; the number is again with the next page, or when the server is back.
      }
    } while (this._countAgain && !this._disposed);
    this._counting = false;
    this._emit();
  }

  private _emit(): void {
    if (!this._disposed) {
      this._changed.emit();
    }
  }

  private _filter: IFilter;
  private _rows: readonly Task[] = [];
  private _total: number | null = null;
  /** The next page is the first one, and replaces all rows. */
  private _fresh = true;
  private _next: string | null = null;
  private _needed = 0;
  private _page: AbortController | null = null;
  private _error: unknown = null;
  private _counting = false;
  private _countAgain = false;
  private _disposed = false;
  private readonly _changed = new Signal<this, void>(this);
}

/** Newest first; those of one batch have the same time, and stay as they were told. */
function newer(a: Task, b: Task): number {
  return Date.parse(b.submitted_at) - Date.parse(a.submitted_at);
}

function merged(rows: readonly Task[], fresh: readonly Task[]): readonly Task[] {
  if (!fresh.length) {
    return rows;
  }
  const all: Task[] = [];
  let next = 0;
  for (const row of rows) {
    for (let task = fresh[next]; task && newer(task, row) <= 0; task = fresh[++next]) {
      all.push(task);
    }
    all.push(row);
  }
  all.push(...fresh.slice(next));
  return all;
}
