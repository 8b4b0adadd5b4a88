import { type IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import { type ICodalab } from '../core/codalab';
import { type Task } from '../core/types';
import { type IFilter } from './filter';
import { TaskList } from './list';

/** How a row was chosen: alone, added to the others, or everything from the last one to it. */
export type Choice = 'only' | 'toggle' | 'range';

/** A list of tasks, and which of its rows a person means. */
export class TasksModel implements IDisposable {
  constructor(
    readonly codalab: ICodalab,
    filter?: IFilter
  ) {
    this.list = new TaskList(codalab, filter);
    this.list.changed.connect(this._onList, this);
  }

  readonly list: TaskList;

  /** The ids of the ticked rows. A new set whenever it is another. */
  get chosen(): ReadonlySet<string> {
    return this._chosen;
  }

  /** The row that the keyboard stands on, as an index; -1 without any. */
  get active(): number {
    const index = this._active === null ? -1 : this.list.rows.findIndex(row => row.task === this._active);
    return index >= 0 || !this.list.rows.length ? index : 0;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this.list.isDisposed;
  }

  /** The ticked rows; without any, the one the keyboard stands on when a person put it there. */
  get meant(): readonly Task[] {
    const { rows } = this.list;
    const chosen = rows.filter(row => this._chosen.has(row.task));
    return chosen.length ? chosen : rows.filter(row => row.task === this._active);
  }

  moveTo(index: number): void {
    const row = this.list.rows[Math.max(0, Math.min(index, this.list.rows.length - 1))];
    this._active = row?.task ?? null;
    this._changed.emit();
  }

  choose(index: number, choice: Choice): void {
    const { rows } = this.list;
    const row = rows[index];
    if (!row) {
      return;
    }
    const from = rows.findIndex(one => one.task === this._anchor);
    const chosen = choice === 'only' ? new Set<string>() : new Set(this._chosen);
    if (choice === 'range' && from >= 0) {
      rows.slice(Math.min(from, index), Math.max(from, index) + 1).forEach(one => chosen.add(one.task));
    } else if (!chosen.delete(row.task)) {
      chosen.add(row.task);
    }
    if (choice !== 'range') {
      this._anchor = row.task;
    }
    this._active = row.task;
    this._set(chosen);
  }

  /** Ticks all that meet the filter; those that were not scrolled to are read first. */
  async chooseAll(): Promise<void> {
    await this.list.all();
    this._set(new Set(this.list.rows.map(row => row.task)));
  }

  clear(): void {
    this._set(new Set());
  }

  setFilter(filter: IFilter): void {
    this._set(new Set());
    this.list.setFilter(filter);
  }

  dispose(): void {
    this.list.dispose();
    Signal.clearData(this);
  }

  /** Rows that went are not meant any more. */
  private _onList(): void {
    if (this._chosen.size && !this.list.loading) {
      const there = new Set(this.list.rows.map(row => row.task));
      const left = [...this._chosen].filter(task => there.has(task));
      if (left.length < this._chosen.size) {
        this._chosen = new Set(left);
      }
    }
    this._changed.emit();
  }

  private _set(chosen: ReadonlySet<string>): void {
    this._chosen = chosen;
    this._changed.emit();
  }

  private _chosen: ReadonlySet<string> = new Set();
  private _active: string | null = null;
  private _anchor: string | null = null;
  private readonly _changed = new Signal<this, void>(this);
}
