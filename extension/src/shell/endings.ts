import { type IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import { type ICodalab } from '../core/codalab';
import { isOpen } from '../core/states';
import { type ITasksChange, type TasksStore } from '../core/stores/tasks';
import { type Submitted, type Task, type TaskState } from '../core/types';

/** What one click started, when all of it has ended. */
export interface IEnding {
  batch: string | null;
  /** Id and verdict of each that was not deleted meanwhile. */
  verdicts: ReadonlyMap<string, TaskState>;
  /** Of a single task. */
  task: Task | null;
}

/** Kept for answers that come after the task has ended: a light task takes less than the answer to the click. */
const LATELY = 500;

interface IClick {
  batch: string | null;
  open: string[];
  ended: Record<string, TaskState>;
}

/**
 * Waits for the ends of what was started in this window, and tells each click once. Survives a reload: `storage` is the
 * window's own.
 */
export class Endings implements IDisposable {
  constructor(
    private readonly _codalab: ICodalab,
    private readonly _storage: Storage,
    private readonly _key = 'codalab-nb:started-here'
  ) {
    this._clicks = kept(_storage.getItem(_key));
    _codalab.submitted.connect(this._onSubmitted, this);
    _codalab.tasks.changed.connect(this._onTasks, this);
    _codalab.tasks.reset.connect(this.check, this);
  }

  get ended(): ISignal<this, IEnding> {
    return this._ended;
  }

  get isDisposed(): boolean {
    return this._disposed;
  }

  /** Asks how those stand that ended while nobody listened: after a reload, or a long time without the server. */
  check(): void {
    const open = this._clicks.flatMap(click => click.open);
    for (const task of open) {
      this._codalab.api
        .get('/tasks/{task}', { path: { task } })
        .then(found => this._note([found], []))
        .catch((error: unknown) => {
          if (error instanceof Error && 'status' in error && error.status === 404) {
            this._note([], [task]);
          }
        });
    }
  }

  dispose(): void {
    if (!this._disposed) {
      this._disposed = true;
      Signal.disconnectReceiver(this);
      Signal.clearData(this);
    }
  }

  private _onSubmitted(_: ICodalab, submitted: Submitted): void {
    this._clicks.push({ batch: submitted.batch ?? null, open: [...submitted.tasks], ended: {} });
    this._note(
      submitted.tasks.flatMap(id => this._lately.get(id) ?? []),
      []
    );
  }

  private _onTasks(_: TasksStore, change: ITasksChange): void {
    this._note(change.tasks, change.removed);
  }

  private _note(tasks: readonly Task[], removed: readonly string[]): void {
    const verdicts = tasks.filter(task => !isOpen(task.state));
    verdicts.forEach(task => this._lately.set(task.task, task));
    const surplus = [...this._lately.keys()].slice(0, Math.max(0, this._lately.size - LATELY));
    surplus.forEach(task => this._lately.delete(task));

    if (!this._clicks.length) {
      return;
    }
    const states = new Map(verdicts.map(task => [task.task, task.state]));
    const gone = new Set(removed);
    for (const click of this._clicks) {
      for (const id of click.open) {
        const state = states.get(id);
        if (state) {
          click.ended[id] = state;
        }
      }
      click.open = click.open.filter(id => !states.has(id) && !gone.has(id));
    }
    const complete = this._clicks.filter(click => !click.open.length);
    this._clicks = this._clicks.filter(click => click.open.length);
    this._storage.setItem(this._key, JSON.stringify(this._clicks));
    for (const click of complete) {
      const ids = Object.keys(click.ended);
      if (ids.length) {
        this._ended.emit({
          batch: click.batch,
          verdicts: new Map(Object.entries(click.ended)),
          task: ids.length === 1 ? (this._lately.get(ids[0]!) ?? null) : null
        });
      }
    }
  }

  private _clicks: IClick[];
  private readonly _lately = new Map<string, Task>();
  private readonly _ended = new Signal<this, IEnding>(this);
  private _disposed = false;
}

function kept(text: string | null): IClick[] {
  try {
    const clicks = JSON.parse(text ?? '[]') as IClick[];
    return clicks.filter(click => Array.isArray(click.open) && typeof click.ended === 'object');
  } catch {
    return [];
  }
}
