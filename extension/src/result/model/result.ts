import { type IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import { type ICodalab } from '../../core/codalab';
import { isAbort, Refused } from '../../core/errors';
import { isOpen } from '../../core/states';
import { type ITasksChange, type TasksStore } from '../../core/stores/tasks';
import { type LiveEvent, type Progress, type TaskDetail, type Why } from '../../core/types';
import { type components } from '../../core/wire';
import { NotebookFold } from './fold';
import { Lazy } from './lazy';
import { Painter } from './painter';
import { ReportModel } from './report';

type Schemas = components['schemas'];
export type ResultFiles = Schemas['ResultFiles'];
export type Log = Schemas['Log'];
export type Provenance = Schemas['Provenance'];

/**
 * One task somebody looks at: its row, its notebook as it grows, and what it left behind.
 *
 * Read from the server as it is now, then kept up to date by events; what it shows is right whether it is opened early,
 * late, again, or the server went away in between.
 */
export class ResultModel implements IDisposable {
  constructor(
    readonly task: string,
    readonly codalab: ICodalab
  ) {
    const path = { task };
    this.files = new Lazy(signal => codalab.api.get('/tasks/{task}/files', { path, signal }));
    this.log = new Lazy(signal => codalab.api.get('/tasks/{task}/log', { path, signal }));
    this.provenance = new Lazy(signal => codalab.api.get('/tasks/{task}/provenance', { path, signal }));
    this.report = new ReportModel(task, codalab);
    codalab.tasks.changed.connect(this._onTasks, this);
    codalab.tasks.progressed.connect(this._onProgress, this);
    codalab.tasks.reset.connect(this._onReset, this);
    void this.refresh();
  }

  readonly notebook = new NotebookFold();
  readonly files: Lazy<ResultFiles>;
  readonly log: Lazy<Log>;
  readonly provenance: Lazy<Provenance>;
  readonly report: ReportModel;

  /** Null until it was read once. */
  get detail(): TaskDetail | null {
    return this._detail;
  }

  /** Why it could not be read, the last time. */
  get error(): unknown {
    return this._error;
  }

  /** It was removed, here or elsewhere; what was read of it stays. */
  get gone(): boolean {
    return this._gone;
  }

  /** Whether the notebook was read once. */
  get loaded(): boolean {
    return this._loaded;
  }

  /** Why it ended as it did: from its row, or from the notebook when that came first. */
  get why(): Why | null {
    return this._detail?.why ?? this._why;
  }

  get progress(): Progress | null {
    return this._detail && this.codalab.tasks.progressOf(this._detail);
  }

  /** Seconds that it ran so far, or in all; null before. */
  get seconds(): number | null {
    const detail = this._detail;
    if (!detail || !isOpen(detail.state)) {
      return detail?.seconds ?? null;
    }
    return this._running === null ? null : this._running.s + (performance.now() - this._running.at) / 1000;
  }

  /** Something other than the notebook changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The notebook changed: emitted in an animation frame. The number grows with each. */
  get drawn(): ISignal<this, number> {
    return this._drawn;
  }

  get version(): number {
    return this._version;
  }

  get isDisposed(): boolean {
    return this._abort.signal.aborted;
  }

  /** Reads all of it from the server. Never throws: `error` has it. */
  async refresh(): Promise<void> {
    const turn = ++this._turn;
    const sent = { path: { task: this.task }, signal: this._abort.signal };
    const [detail, live] = await Promise.allSettled([
      this.codalab.api.get('/tasks/{task}', sent),
      this._readNotebook(turn)
    ]);
    if (this.isDisposed || turn !== this._turn) {
      return;
    }
    const failed = [detail, live].find(one => one.status === 'rejected');
    this._error = failed && !isAbort(failed.reason) ? failed.reason : null;
    if (this._error instanceof Refused && this._error.status === 404 && !this._error.has('no_server_part')) {
      this._gone = true;
      this._error = null;
    }
    if (detail.status === 'fulfilled') {
      this._setDetail(detail.value);
    }
    this._changed.emit();
  }

  dispose(): void {
    if (this.isDisposed) {
      return;
    }
    this._abort.abort();
    this._watch?.dispose();
    this._painter.dispose();
    this.report.dispose();
    [this.files, this.log, this.provenance].forEach(one => one.dispose());
    Signal.disconnectReceiver(this);
    Signal.clearData(this);
  }

  private async _readNotebook(turn: number): Promise<void> {
    const live = await this.codalab.api.get('/tasks/{task}/notebook', {
      path: { task: this.task },
      signal: this._abort.signal
    });
    if (this.isDisposed || turn !== this._turn) {
      return;
    }
    this._watch?.dispose();
    this._watch = null;
    this.notebook.load(live);
    this._why = live.why ?? null;
    this._loaded = true;
    if (isOpen(live.state)) {
      this._watch = this.codalab.stream.watch(this.task, { n: live.n, seq: live.seq }, (events, ended) =>
        this._heard(events, ended)
      );
    }
    this._painter.request();
  }

  private _heard(events: readonly LiveEvent[], ended: boolean): void {
    if (events.filter(event => this.notebook.apply(event)).length) {
      this._painter.request();
    }
    if (ended) {
      this._ended();
    }
  }

  /** The executed notebook has what was too much for the events. */
  private _ended(): void {
    this._watch?.dispose();
    this._watch = null;
    void this.refresh();
    [this.files, this.log, this.provenance].forEach(one => one.stale());
  }

  private _setDetail(detail: TaskDetail): void {
    this._detail = detail;
    this._takeProgress(this.progress);
  }

  private _takeProgress(progress: Progress | null): void {
    const s = progress?.running_s;
    this._running = typeof s === 'number' ? { s, at: performance.now() } : this._running;
  }

  private _onTasks(_: TasksStore, change: ITasksChange): void {
    if (change.removed.includes(this.task)) {
      this._gone = true;
      this._changed.emit();
      return;
    }
    const row = change.tasks.find(one => one.task === this.task);
    if (!row) {
      return;
    }
    const wasOpen = this._detail !== null && isOpen(this._detail.state);
    if (this._detail) {
      this._setDetail({ ...this._detail, ...row });
      this._changed.emit();
    }
    if (wasOpen && !isOpen(row.state)) {
      this._ended();
    }
  }

  private _onProgress(_: TasksStore, told: readonly Progress[]): void {
    const mine = told.find(one => one.task === this.task);
    if (mine) {
      this._takeProgress(mine);
      this._changed.emit();
    }
  }

  private _onReset(): void {
    void this.refresh();
  }

  private _detail: TaskDetail | null = null;
  private _error: unknown = null;
  private _gone = false;
  private _loaded = false;
  private _why: Why | null = null;
  private _running: { s: number; at: number } | null = null;
  private _turn = 0;
  private _version = 0;
  private _watch: IDisposable | null = null;
  private readonly _abort = new AbortController();
  private readonly _changed = new Signal<this, void>(this);
  private readonly _drawn = new Signal<this, number>(this);
  private readonly _painter = new Painter(() => this._drawn.emit(++this._version));
}
