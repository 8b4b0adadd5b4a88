import { type IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import { type ICodalab } from '../../core/codalab';
import { isAbort, Refused } from '../../core/errors';
import { isOpen } from '../../core/states';
import { type ITasksChange, type TasksStore } from '../../core/stores/tasks';

/** `report.html` of a result: made when somebody asks for it, by a task of its own. */
export class ReportModel implements IDisposable {
  constructor(
    private readonly _task: string,
    private readonly _codalab: ICodalab
  ) {
    _codalab.tasks.changed.connect(this._onTasks, this);
  }

  /** `asked`: the server was asked. `making`: a worker makes it. */
  get state(): 'none' | 'asked' | 'making' | 'ready' {
    return this._state;
  }

  /** Why it could not be made, the last time. */
  get error(): unknown {
    return this._error;
  }

  /** Of the finished report. */
  get url(): string {
    return this._codalab.api.url('/tasks/{task}/report.html', { path: { task: this._task } });
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._abort.signal.aborted;
  }

  /** Never throws: `error` has it. */
  async make(): Promise<void> {
    this._set('asked');
    try {
      const answer = await this._codalab.api.post('/tasks/{task}/report', {
        path: { task: this._task },
        signal: this._abort.signal
      });
      this._maker = answer.task;
      this._set(answer.ready ? 'ready' : 'making');
    } catch (error) {
      if (!isAbort(error)) {
        this._set('none', error);
      }
    }
  }

  dispose(): void {
    this._abort.abort();
    Signal.disconnectReceiver(this);
    Signal.clearData(this);
  }

  private _onTasks(_: TasksStore, change: ITasksChange): void {
    const maker = this._state === 'making' && change.tasks.find(one => one.task === this._maker);
    if (!maker || isOpen(maker.state)) {
      return;
    }
    if (maker.state === 'succeeded') {
      void this.make(); // says that it is ready
    } else {
      const { code, message, fix } = maker.why ?? { code: maker.state, message: '', fix: '' };
      this._set('none', new Refused([{ code, message, fix: fix ?? '', at: 'report.html' }], 200));
    }
  }

  private _set(state: ReportModel['state'], error: unknown = null): void {
    [this._state, this._error] = [state, error];
    this._changed.emit();
  }

  private _state: ReportModel['state'] = 'none';
  private _error: unknown = null;
  private _maker = '';
  private readonly _abort = new AbortController();
  private readonly _changed = new Signal<this, void>(this);
}
