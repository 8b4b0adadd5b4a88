import { type ISignal, Signal } from '@lumino/signaling';

import { type Busy, type Status } from '../types';

/** Whether work is done, and how much is waiting. */
export class StatusStore {
  /** Null until the server answered once. */
  get status(): Status | null {
    return this._status;
  }

  get busy(): Busy {
    return this._status?.busy ?? { queued: 0, running: 0 };
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  set(status: Status): void {
    this._status = status;
    this._changed.emit();
  }

  setBusy(busy: Busy): void {
    if (this._status && (busy.queued !== this.busy.queued || busy.running !== this.busy.running)) {
      this.set({ ...this._status, busy });
    }
  }

  private _status: Status | null = null;
  private readonly _changed = new Signal<this, void>(this);
}
