import * as React from 'react';

import { harmless } from '../safe/text';
import { useRenderers } from './renderers';

const LONGEST = 100_000;

/** Source code, read-only; coloured as soon as the language is there. */
export function Source(props: { text: string; language: string }): React.ReactElement {
  const { languages } = useRenderers();
  const host = React.useRef<HTMLElement>(null);
  const text = harmless(props.text.slice(0, LONGEST));
  React.useLayoutEffect(() => {
    const element = host.current;
    if (!element) {
      return;
    }
    element.textContent = text;
    const language =
      languages?.findByName(props.language) ?? languages?.findByMIME(`text/x-${props.language}`);
    if (!languages || !language || text.length > 20_000) {
      return;
    }
    let current = true;
    const coloured = document.createElement('code');
    languages
      .highlight(text, language, coloured)
      .then(() => current && element.replaceChildren(...coloured.childNodes))
      .catch(() => undefined); // it stays plain
    return () => {
      current = false;
    };
  }, [text, props.language, languages]);
  return (
    <pre className="codalab-Source">
      <code ref={host} />
    </pre>
  );
}
