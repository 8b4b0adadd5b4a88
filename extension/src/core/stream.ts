import { type ServerConnection } from '@jupyterlab/services';
import { DisposableDelegate, type IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import { type FromPage, type FromServer } from './types';
import { type Heard, type IPlace, Watches } from './watches';

/** `gone`: the connection broke and is tried again at `Stream.nextTry`. */
export type StreamState = 'idle' | 'connecting' | 'open' | 'gone';

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 30_000;

/**
 * News from the server, over one WebSocket. It resumes after the last sequence number it saw, so that nothing is missed
 * and nothing told twice, and tries again, ever more slowly, for as long as the page is open.
 */
export class Stream implements IDisposable {
  constructor(
    private readonly _settings: ServerConnection.ISettings,
    private readonly _url: () => string
  ) {}

  get state(): StreamState {
    return this._state;
  }

  get stateChanged(): ISignal<this, StreamState> {
    return this._stateChanged;
  }

  /** Whatever the server says. Live events come by `watch`. */
  get said(): ISignal<this, FromServer> {
    return this._said;
  }

  /** The ledger's last sequence number that was heard of; null before the first. */
  get seq(): number | null {
    return this._seq;
  }

  /** When it is tried again, as `Date.now()` counts; null unless `gone`. */
  get nextTry(): number | null {
    return this._nextTry;
  }

  get isDisposed(): boolean {
    return this._disposed;
  }

  /** `seq`: what is known already, as `Status.seq`. */
  open(seq: number | null): void {
    this._seq = seq;
    window.addEventListener('online', this.retryNow);
    this._connect();
  }

  /** Connects at once instead of waiting: a person asked for it, or the network is back. */
  readonly retryNow = (): void => {
    if (this._state === 'gone' && !this._disposed) {
      this._failures = 0;
      this._connect();
    }
  };

  /**
   * The live events of a task after `seq` of attempt `n`, in order, each once; also across reconnections. One watcher a
   * task: views of the same task share a model. `heard` is called with every portion. Dispose to stop.
   */
  watch(task: string, after: IPlace, heard: Heard): IDisposable {
    this._watches.add(task, after, heard);
    this._send({ type: 'watch', task, n: after.n, seq: after.seq });
    return new DisposableDelegate(() => {
      this._watches.remove(task);
      this._send({ type: 'unwatch', task });
    });
  }

  dispose(): void {
    if (this._disposed) {
      return;
    }
    this._disposed = true;
    window.removeEventListener('online', this.retryNow);
    clearTimeout(this._timer);
    this._close();
    this._setState('idle');
    Signal.clearData(this);
  }

  private _connect(): void {
    clearTimeout(this._timer);
    this._close();
    this._nextTry = null;
    this._setState('connecting');
    let socket: WebSocket;
    try {
      socket = new this._settings.WebSocket(this._url());
    } catch {
      this._lost();
      return;
    }
    this._socket = socket;
    socket.onopen = () => {
      this._send({ type: 'hello', after: this._seq });
      this._watches.forEach((task, after) => this._send({ type: 'watch', task, ...after }));
      this._failures = 0;
      this._setState('open');
    };
    socket.onmessage = event => this._heard(JSON.parse(event.data as string) as FromServer);
    // An error is always followed by a close.
    socket.onclose = () => this._lost();
  }

  private _heard(message: FromServer): void {
    if (message.type === 'events') {
      this._watches.heard(message.task, message.events, message.ended ?? false);
      return;
    }
    if (message.type === 'ledger' || message.type === 'reset') {
      this._seq = message.seq;
    }
    this._said.emit(message);
  }

  private _lost(): void {
    this._close();
    this._failures += 1;
    const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (this._failures - 1));
    // Not all pages at once when a server comes back.
    const wait = longest * (0.5 + Math.random() / 2);
    this._nextTry = Date.now() + wait;
    this._timer = window.setTimeout(() => this._connect(), wait);
    this._setState('gone');
  }

  private _close(): void {
    const socket = this._socket;
    this._socket = null;
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
  }

  private _send(message: FromPage): void {
    if (this._socket?.readyState === WebSocket.OPEN) {
      this._socket.send(JSON.stringify(message));
    }
  }

  private _setState(state: StreamState): void {
    if (state !== this._state) {
      this._state = state;
      this._stateChanged.emit(state);
    }
  }

  private _state: StreamState = 'idle';
  private readonly _stateChanged = new Signal<this, StreamState>(this);
  private readonly _said = new Signal<this, FromServer>(this);
  private readonly _watches = new Watches();
  private _socket: WebSocket | null = null;
  private _seq: number | null = null;
  private _failures = 0;
  private _timer = 0;
  private _nextTry: number | null = null;
  private _disposed = false;
}
