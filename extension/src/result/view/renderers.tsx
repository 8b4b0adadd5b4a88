import { type IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import { type IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { type IRenderMime } from '@jupyterlab/rendermime-interfaces';
import * as React from 'react';

/** What JupyterLab brings for drawing; without a part, the text stays plain. */
export interface IRenderers {
  readonly languages: IEditorLanguageRegistry | null;
  readonly typesetter: IRenderMime.ILatexTypesetter | null;
  /** Draws what a person trusts; used for nothing else. */
  readonly rendermime: IRenderMimeRegistry | null;
}

const RenderersContext = React.createContext<IRenderers>({
  languages: null,
  typesetter: null,
  rendermime: null
});

export const RenderersProvider = RenderersContext.Provider;

export function useRenderers(): IRenderers {
  return React.useContext(RenderersContext);
}

/** Whether this person trusts this result. Held by the open document, and gone with it. */
export interface ITrust {
  readonly trusted: boolean;
  /** Asks, and explains. */
  readonly ask: () => void;
}

const TrustContext = React.createContext<ITrust>({ trusted: false, ask: () => undefined });

export const TrustProvider = TrustContext.Provider;

export function useTrust(): ITrust {
  return React.useContext(TrustContext);
}
