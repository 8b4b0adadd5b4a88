import { type TranslationBundle } from '@jupyterlab/translation';
import { type CommandRegistry } from '@lumino/commands';
import { type ISignal } from '@lumino/signaling';
import * as React from 'react';

import { type ICodalab } from '../codalab';

/** What every component may ask for. */
export interface IPage {
  codalab: ICodalab;
  commands: CommandRegistry;
}

const PageContext = React.createContext<IPage | null>(null);

export const PageProvider = PageContext.Provider;

export function usePage(): IPage {
  const page = React.useContext(PageContext);
  if (!page) {
    throw new Error('This component stands outside a View.');
  }
  return page;
}

/** For words on the screen: `trans.__('Analyze')`. */
export function useTrans(): TranslationBundle {
  return usePage().codalab.trans;
}

/** Draws again whenever the signal fires; `read` must answer the same object while nothing changed. */
export function useSignal<S, A, T>(signal: ISignal<S, A>, read: () => T): T {
  const subscribe = React.useCallback(
    (changed: () => void) => {
      signal.connect(changed);
      return () => void signal.disconnect(changed);
    },
    [signal]
  );
  return React.useSyncExternalStore(subscribe, read);
}
