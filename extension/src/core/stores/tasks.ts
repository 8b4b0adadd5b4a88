import { type ISignal, Signal } from '@lumino/signaling';

import { isOpen } from '../states';
import { type Progress, type Task } from '../types';

export interface ITasksChange {
  /** New or changed, as they are now. */
  tasks: readonly Task[];
  /** Ids. */
  removed: readonly string[];
}

/**
 * News of tasks, and the tasks somebody holds on to. Not all tasks there are: lists ask the server for theirs (TaskList),
 * and a single one is asked for where it is shown.
 */
export class TasksStore {
  /** Rows that changed or went, as the ledger told; rows hold the newest progress. */
  get changed(): ISignal<this, ITasksChange> {
    return this._changed;
  }

  /** Open tasks only; `of` has the newest word on each. */
  get progressed(): ISignal<this, readonly Progress[]> {
    return this._progressed;
  }

  /** Everything may have changed: read again what is shown. */
  get reset(): ISignal<this, void> {
    return this._reset;
  }

  /** How far an open task is, as far as was told. */
  progressOf(task: Task): Progress | null {
    return isOpen(task.state) ? (this._progress.get(task.task)?.progress ?? task.progress ?? null) : null;
  }

  /** Seconds that it runs or ran; null when it has not started, or that is not known. */
  secondsOf(task: Task): number | null {
    if (!isOpen(task.state)) {
      return task.seconds ?? null;
    }
    const told = this._progress.get(task.task);
    const seconds = told?.progress.running_s;
    return told && typeof seconds === 'number' ? seconds + (performance.now() - told.heardAt) / 1000 : null;
  }

  /** Rows that a list was read with: their progress counts from now. */
  read(tasks: readonly Task[]): void {
    tasks.forEach(task => task.progress && this._note(task.progress));
  }

  ledger(tasks: readonly Task[], removed: readonly string[]): void {
    for (const task of tasks) {
      if (!isOpen(task.state)) {
        this._progress.delete(task.task);
      } else if (task.progress) {
        this._note(task.progress);
      }
    }
    removed.forEach(task => this._progress.delete(task));
    this._changed.emit({ tasks, removed });
  }

  progress(progress: readonly Progress[]): void {
    progress.forEach(one => this._note(one));
    this._progressed.emit(progress);
  }

  forget(): void {
    this._progress.clear();
    this._reset.emit();
  }

  private _note(progress: Progress): void {
    this._progress.set(progress.task, { progress, heardAt: performance.now() });
  }

  /** The clock of the page: the server's may go differently. */
  private readonly _progress = new Map<string, { progress: Progress; heardAt: number }>();
  private readonly _changed = new Signal<this, ITasksChange>(this);
  private readonly _progressed = new Signal<this, readonly Progress[]>(this);
  private readonly _reset = new Signal<this, void>(this);
}
