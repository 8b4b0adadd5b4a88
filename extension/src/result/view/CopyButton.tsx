import { Clipboard } from '@jupyterlab/apputils';
import * as React from 'react';

import { useTrans } from '../../core/ui';

export function CopyButton(props: { text: string; label: string }): React.ReactElement {
  const trans = useTrans();
  const [copied, setCopied] = React.useState(false);
  const copy = (): void => {
    Clipboard.copyToSystem(props.text);
    setCopied(true);
  };
  return (
    <button type="button" className="codalab-Button" onClick={copy}>
      <span aria-live="polite">{copied ? trans.__('Copied') : props.label}</span>
    </button>
  );
}
