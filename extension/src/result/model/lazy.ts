import { type ISignal, Signal } from '@lumino/signaling';

import { isAbort } from '../../core/errors';

/** Something that is read when it is first looked at, and again when it may have changed. */
export class Lazy<T> {
  constructor(private readonly _read: (signal: AbortSignal) => Promise<T>) {}

  /** Null until it was read once. */
  get value(): T | null {
    return this._value;
  }

  /** Why it could not be read, the last time. */
  get error(): unknown {
    return this._error;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Reads it unless that was done. */
  ensure(): void {
    if (!this._asked) {
      void this.refresh();
    }
  }

  /** It is not as it was; read it again if anybody looks at it. */
  stale(): void {
    if (this._asked) {
      void this.refresh();
    }
  }

  /** Never throws: `error` has it. */
  async refresh(): Promise<void> {
    this._asked = true;
    this._abort.abort();
    const abort = (this._abort = new AbortController());
    try {
      const value = await this._read(abort.signal);
      if (abort.signal.aborted) {
        return;
      }
      [this._value, this._error] = [value, null];
    } catch (error) {
      if (isAbort(error) || abort.signal.aborted) {
        return;
      }
      this._error = error;
    }
    this._changed.emit();
  }

  dispose(): void {
    this._abort.abort();
    Signal.clearData(this);
  }

  private _value: T | null = null;
  private _error: unknown = null;
  private _asked = false;
  private _abort = new AbortController();
  private readonly _changed = new Signal<this, void>(this);
}
