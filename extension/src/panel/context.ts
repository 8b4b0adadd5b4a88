import { type TranslationBundle } from '@jupyterlab/translation';
import { createContext, useContext } from 'react';
import { type PanelModel } from './model';

/** What every component of the panel may use. */
export interface IPanelContext {
  readonly model: PanelModel;
  readonly trans: TranslationBundle;
  /** The address of a method's first figure. */
  readonly figure: (method: string) => string;
  /** Asks a yes or no, and waits for the answer. */
  readonly ask: (title: string, body: string, yes: string) => Promise<boolean>;
}

export const PanelContext = createContext<IPanelContext | null>(null);

export function usePanel(): IPanelContext {
  const context = useContext(PanelContext);
  if (!context) {
    throw new Error('A component of the panel was drawn outside of it.');
  }
  return context;
}
