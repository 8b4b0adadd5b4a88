import { type ServerConnection } from '@jupyterlab/services';
import { type TranslationBundle } from '@jupyterlab/translation';
import { type IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import { Api, type Sent } from './api';
import { Refused } from './errors';
import { Preferences } from './preferences';
import { BatchModel } from './stores/batches';
import { DatasetsStore } from './stores/datasets';
import { StatusStore } from './stores/status';
import { TasksStore } from './stores/tasks';
import { Stream, type StreamState } from './stream';
import { type Acted, type FromServer, type Submitted } from './types';

/** The model that every part of the page shares. */
export interface ICodalab extends IDisposable {
  readonly api: Api;
  readonly stream: Stream;
  readonly status: StatusStore;
  readonly tasks: TasksStore;
  readonly datasets: DatasetsStore;
  readonly preferences: Preferences;
  readonly trans: TranslationBundle;

  /** Why the server's part cannot be used at all, as when it is not installed there; null while it can. */
  readonly fault: Refused | null;
  readonly faultChanged: ISignal<ICodalab, void>;

  /** What was submitted from this page: only those are told about when they end. */
  readonly submitted: ISignal<ICodalab, Submitted>;

  /** A batch to look at. The caller disposes of it. */
  batch(id: string): BatchModel;

  /** Data sets × methods. Throws as Api.request does. */
  analyze(body: NonNullable<Sent<'post', '/batches'>['body']>): Promise<Submitted>;

  /** A notebook, saved or not. Throws as Api.request does. */
  runNotebook(body: NonNullable<Sent<'post', '/tasks'>['body']>): Promise<Submitted>;

  /** Cancels, retries or removes. Throws as Api.request does; what failed of many stands in the answer. */
  act(body: NonNullable<Sent<'post', '/tasks/act'>['body']>): Promise<Acted>;

  /** Tries the server again at once. */
  reconnect(): void;
}

export class Codalab implements ICodalab {
  constructor(options: { settings: ServerConnection.ISettings; trans: TranslationBundle }) {
    this.trans = options.trans;
    this.api = new Api(options.settings);
    this.stream = new Stream(options.settings, () => this.api.streamUrl);
    this.datasets = new DatasetsStore(this.api);
    this.stream.said.connect(this._heard, this);
    this.stream.stateChanged.connect(this._onConnection, this);
  }

  readonly api: Api;
  readonly stream: Stream;
  readonly status = new StatusStore();
  readonly tasks = new TasksStore();
  readonly datasets: DatasetsStore;
  readonly preferences = new Preferences();
  readonly trans: TranslationBundle;

  get fault(): Refused | null {
    return this._fault;
  }

  get faultChanged(): ISignal<this, void> {
    return this._faultChanged;
  }

  get submitted(): ISignal<this, Submitted> {
    return this._submitted;
  }

  get isDisposed(): boolean {
    return this._disposed;
  }

  /** Reads the status and connects the stream. Never throws: `fault` and the stream's state tell. */
  async start(): Promise<void> {
    await this._readStatus();
    if (!this._fault && !this._disposed) {
      this.stream.open(this.status.status?.seq ?? null);
    }
  }

  batch(id: string): BatchModel {
    return new BatchModel(id, this.api, this.tasks);
  }

  async analyze(body: NonNullable<Sent<'post', '/batches'>['body']>): Promise<Submitted> {
    return this._told(await this.api.post('/batches', { body }));
  }

  async runNotebook(body: NonNullable<Sent<'post', '/tasks'>['body']>): Promise<Submitted> {
    return this._told(await this.api.post('/tasks', { body }));
  }

  async act(body: NonNullable<Sent<'post', '/tasks/act'>['body']>): Promise<Acted> {
    const acted = await this.api.post('/tasks/act', { body });
    const tasks = acted.tasks.flatMap(one => one.new_task ?? []);
    if (tasks.length) {
      this._told({ tasks, batch: acted.batch ?? null, warnings: [] });
    }
    return acted;
  }

  reconnect(): void {
    if (this._fault) {
      void this.start();
    } else {
      this.stream.retryNow();
    }
  }

  dispose(): void {
    if (!this._disposed) {
      this._disposed = true;
      this.stream.dispose();
      Signal.disconnectReceiver(this);
      Signal.clearData(this);
    }
  }

  private _told(submitted: Submitted): Submitted {
    this._submitted.emit(submitted);
    return submitted;
  }

  private _heard(_: Stream, message: FromServer): void {
    switch (message.type) {
      case 'ledger':
        this.status.setBusy(message.busy);
        this.tasks.ledger(message.tasks, message.removed ?? []);
        break;
      case 'progress':
        this.tasks.progress(message.tasks);
        break;
      case 'datasets':
        this.datasets.stale();
        break;
      case 'status':
        this.status.set(message.status);
        break;
      case 'reset':
        this.tasks.forget();
        this.datasets.stale();
        void this._readStatus();
        break;
    }
  }

  /** A server that came back may be another one: newer, or without a worker. */
  private _onConnection(_: Stream, state: StreamState): void {
    if (state === 'gone') {
      this._wasGone = true;
    } else if (state === 'open' && (this._wasGone || !this.status.status)) {
      this._wasGone = false;
      this.datasets.stale();
      void this._readStatus();
    }
  }

  private async _readStatus(): Promise<void> {
    let fault: Refused | null = null;
    try {
      this.status.set(await this.api.get('/status'));
    } catch (error) {
      // Gone: the stream notices, too, and tries again.
      fault = error instanceof Refused ? error : null;
    }
    if (fault !== this._fault && !this._disposed) {
      this._fault = fault;
      this._faultChanged.emit();
    }
  }

  private _fault: Refused | null = null;
  private _wasGone = false;
  private _disposed = false;
  private readonly _faultChanged = new Signal<this, void>(this);
  private readonly _submitted = new Signal<this, Submitted>(this);
}
