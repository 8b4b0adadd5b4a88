import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';
import { useSyncExternalStore } from 'react';

/** State that is replaced, never changed in place; components draw it as it is. */
export class Store<S extends object> implements IDisposable {
  constructor(initial: S) {
    this._state = initial;
  }

  get state(): Readonly<S> {
    return this._state;
  }

  /** There is another state. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    Signal.clearData(this);
  }

  protected update(patch: Partial<S>): void {
    if (this._isDisposed) {
      return; // an answer that came after the panel was closed
    }
    this._state = { ...this._state, ...patch };
    this._changed.emit();
  }

  private _state: S;
  private _changed = new Signal<this, void>(this);
  private _isDisposed = false;
}

/** The state of a store in a component, drawn again whenever it changes. */
export function useStore<S extends object>(store: Store<S>): Readonly<S> {
  return useSyncExternalStore(
    redraw => {
      const slot = (): void => redraw();
      store.changed.connect(slot);
      return () => {
        store.changed.disconnect(slot);
      };
    },
    () => store.state
  );
}
