import { type TranslationBundle } from '@jupyterlab/translation';

import { oneLine } from '../safe/text';

/** What to do about an error of the notebook's own code, by its first line (`NameOfError: message`). */
export function advice(title: string, trans: TranslationBundle): string {
  const missing = /^ModuleNotFoundError: No module named '(\w{1,60})[.']/.exec(title)?.[1];
  if (missing) {
    return trans.__(
      'The Python that ran it has no "%1". If you know the package that brings it, install that where Jupyter runs (for a pool elsewhere, ask whoever keeps its workers), then click "Try again".',
      missing
    );
  }
  const file = /^FileNotFoundError: .*?'([^']+)'/.exec(title)?.[1];
  if (file) {
    return trans.__(
      'There was no "%1" where it ran. A file goes along when it lies beside the notebook or below, a cell names it in quotes, and it is ticked under "Files that go along". Put it there, then analyze the notebook again.',
      oneLine(file)
    );
  }
  if (/^MemoryError\b/.test(title)) {
    return trans.__(
      'It needed more memory than it had. Analyze again with more under "Advanced", or with less data.'
    );
  }
  return trans.__(
    'Change what it was given with "Copy and change …", or open a copy as a notebook and look at the cell there.'
  );
}
