import { type ISignal, Signal } from '@lumino/signaling';

import { type Api } from '../api';
import { type DatasetSummary } from '../types';

/** The newest version of each data set. Read when first asked for, and again whenever the server says they changed. */
export class DatasetsStore {
  constructor(private readonly _api: Api) {}

  /** Null until they were read once. */
  get datasets(): readonly DatasetSummary[] | null {
    return this._datasets;
  }

  /** Why they could not be read, the last time. */
  get error(): unknown {
    return this._error;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Reads them unless that was done. */
  ensure(): void {
    if (!this._asked) {
      void this.refresh();
    }
  }

  /** Never throws: `error` has it. Calls while one is under way lead to one more, not to many. */
  async refresh(): Promise<void> {
    this._asked = true;
    if (this._reading) {
      this._again = true;
      return this._reading;
    }
    this._reading = this._read();
    await this._reading;
  }

  /** The server said that they changed. Nobody asked for them yet: nothing to do. */
  stale(): void {
    if (this._asked) {
      void this.refresh();
    }
  }

  private async _read(): Promise<void> {
    do {
      this._again = false;
      try {
        this._datasets = (await this._api.get('/datasets')).datasets;
        this._error = null;
      } catch (error) {
        this._error = error;
      }
    } while (this._again);
    this._reading = null;
    this._changed.emit();
  }

  private _datasets: readonly DatasetSummary[] | null = null;
  private _error: unknown = null;
  private _asked = false;
  private _again = false;
  private _reading: Promise<void> | null = null;
  private readonly _changed = new Signal<this, void>(this);
}
