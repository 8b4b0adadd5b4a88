import { type IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import { type Api } from '../api';
import { isOpen } from '../states';
import { type Batch, type Task } from '../types';
import { type ITasksChange, type TasksStore } from './tasks';

/** One batch somebody looks at. Rows follow the ledger; figures and metrics are read again when a task has ended. */
export class BatchModel implements IDisposable {
  constructor(
    readonly id: string,
    private readonly _api: Api,
    private readonly _tasks: TasksStore
  ) {
    _tasks.changed.connect(this._onTasks, this);
    _tasks.reset.connect(this._onReset, this);
    void this.refresh();
  }

  /** Null until it was read once. */
  get batch(): Batch | null {
    return this._batch;
  }

  /** Why it could not be read, the last time. */
  get error(): unknown {
    return this._error;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._abort.signal.aborted;
  }

  /** Never throws: `error` has it. */
  async refresh(): Promise<void> {
    if (this._reading) {
      this._again = true;
      return;
    }
    this._reading = true;
    do {
      this._again = false;
      try {
        this._batch = await this._api.get('/batches/{batch}', {
          path: { batch: this.id },
          signal: this._abort.signal
        });
        this._error = null;
      } catch (error) {
        this._error = error;
      }
    } while (this._again && !this.isDisposed);
    this._reading = false;
    if (!this.isDisposed) {
      this._changed.emit();
    }
  }

  dispose(): void {
    if (!this.isDisposed) {
      this._abort.abort();
      this._tasks.changed.disconnect(this._onTasks, this);
      this._tasks.reset.disconnect(this._onReset, this);
      Signal.clearData(this);
    }
  }

  private _onTasks(_: TasksStore, change: ITasksChange): void {
    const mine = new Map(change.tasks.filter(task => task.batch === this.id).map(task => [task.task, task]));
    const gone = new Set(change.removed);
    const batch = this._batch;
    if (!batch) {
      if (mine.size) {
        void this.refresh();
      }
      return;
    }
    const kept = batch.cells.filter(cell => !gone.has(cell.task.task));
    if (!mine.size && kept.length === batch.cells.length) {
      return;
    }
    this._batch = {
      ...batch,
      cells: kept.map(cell => ({ ...cell, task: mine.get(cell.task.task) ?? cell.task }))
    };
    this._changed.emit();
    if ([...mine.values()].some(task => ended(task, batch))) {
      void this.refresh();
    }
  }

  private _onReset(): void {
    void this.refresh();
  }

  private _batch: Batch | null = null;
  private _error: unknown = null;
  private _reading = false;
  private _again = false;
  private readonly _abort = new AbortController();
  private readonly _changed = new Signal<this, void>(this);
}

/** Whether the task has a verdict that the batch as it was read did not know. */
function ended(task: Task, batch: Batch): boolean {
  const before = batch.cells.find(cell => cell.task.task === task.task);
  return !isOpen(task.state) && (before === undefined || isOpen(before.task.state));
}
