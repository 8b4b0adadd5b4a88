/** How each kind of output is drawn. Text from a notebook reaches the page as text. */
import * as React from 'react';

import { useTrans } from '../../core/ui';
import { type IFrame } from '../safe/frame';
import { isPlainMath, typeset } from '../safe/latex';
import { markdownNode } from '../safe/markdown';
import { type ITable } from '../safe/table';
import { harmless, oneLine, spans } from '../safe/text';
import { useRenderers } from './renderers';

/** Printed text. Long text stands in a box of its own, whose end is in sight while it grows. */
export function Text(props: { text: string; left?: number; kind?: 'error' | 'stderr' }): React.ReactElement {
  const trans = useTrans();
  const box = React.useRef<HTMLPreElement>(null);
  const atEnd = React.useRef(true);
  React.useLayoutEffect(() => {
    const pre = box.current;
    if (pre && atEnd.current && props.kind !== 'error') {
      pre.scrollTop = pre.scrollHeight;
    }
  }, [props.text, props.kind]);
  const onScroll = (): void => {
    const pre = box.current;
    atEnd.current = pre !== null && pre.scrollTop + pre.clientHeight > pre.scrollHeight - 24;
  };
  const found = React.useMemo(() => spans(props.text), [props.text]);
  const long = props.text.length > 20_000 || (props.text.match(/\n/g)?.length ?? 0) > 30;
  return (
    <>
      {props.left ? (
        <p className="codalab-Output-note">
          {trans.__(
            '… %1 characters before this are not shown here; the log and the executed notebook have them.',
            props.left.toLocaleString()
          )}
        </p>
      ) : null}
      {/* A box that scrolls must be reachable by the keyboard. */}
      <pre
        ref={box}
        onScroll={onScroll}
        className={`codalab-Output-text ${props.kind ? `codalab-mod-${props.kind}` : ''} ${long ? 'codalab-mod-long' : ''}`}
        {...(long ? { tabIndex: 0, role: 'region', 'aria-label': trans.__('Printed text') } : {})}
      >
        {found.map((span, i) =>
          span.style ? (
            <span key={i} className={span.style.replace(/\w+/g, 'codalab-Ansi-$&')}>
              {span.text}
            </span>
          ) : (
            span.text
          )
        )}
      </pre>
    </>
  );
}

export function Picture(props: { source: string; alt: string; width: number | null }): React.ReactElement {
  const trans = useTrans();
  return (
    <figure className="codalab-Output-figure">
      <img
        src={props.source}
        alt={oneLine(props.alt) || trans.__('a figure without a description')}
        {...(props.width ? { width: props.width } : {})}
      />
    </figure>
  );
}

export function Table(props: { table: ITable }): React.ReactElement {
  const { rows, heads, numeric, caption } = props.table;
  const trans = useTrans();
  const line = (row: ITable['rows'][number], key: number, inHead: boolean): React.ReactElement => (
    <tr key={key}>
      {row.map((cell, i) => {
        const mark = numeric[i] ? 'codalab-mod-number' : undefined;
        const words = harmless(cell.text);
        return cell.head && (inHead || i === 0) && words ? (
          <th key={i} className={mark} scope={inHead ? 'col' : 'row'}>
            {words}
          </th>
        ) : (
          <td key={i} className={mark}>
            {words}
          </td>
        );
      })}
    </tr>
  );
  return (
    <>
      {caption ? <p className="codalab-Output-caption">{harmless(caption)}</p> : null}
      <div
        className="codalab-Output-wide"
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls: the keyboard must reach it
        tabIndex={0}
        role="region"
        aria-label={caption ? oneLine(caption) : trans.__('Table')}
      >
        <table className="codalab-Output-table">
          <thead>{rows.slice(0, heads).map((row, i) => line(row, i, true))}</thead>
          <tbody>{rows.slice(heads).map((row, i) => line(row, i, false))}</tbody>
        </table>
      </div>
    </>
  );
}

/** HTML of somebody else's: no scripts, no origin, no network. */
export function Frame(props: { frame: IFrame }): React.ReactElement {
  const trans = useTrans();
  return (
    <iframe
      className="codalab-Output-frame"
      sandbox=""
      referrerPolicy="no-referrer"
      title={trans.__('HTML made by the notebook')}
      style={{ height: props.frame.height }}
      srcDoc={props.frame.page}
    />
  );
}

export function Json(props: { text: string }): React.ReactElement {
  const trans = useTrans();
  return (
    <details className="codalab-Output-json">
      <summary>{trans.__('JSON')}</summary>
      <Text text={props.text} />
    </details>
  );
}

export function Latex(props: { source: string }): React.ReactElement {
  const { typesetter } = useRenderers();
  const make = React.useCallback(
    (host: HTMLElement) => {
      host.textContent = harmless(props.source);
      if (isPlainMath(props.source)) {
        typeset(host, typesetter);
      }
    },
    [props.source, typesetter]
  );
  return <Made className="codalab-Output-latex" make={make} />;
}

export function Markdown(props: { source: string }): React.ReactElement {
  const { typesetter } = useRenderers();
  const make = React.useCallback(
    (host: HTMLElement) => {
      const { node, math } = markdownNode(props.source);
      host.replaceChildren(...node.childNodes);
      if (math) {
        typeset(host, typesetter);
      }
    },
    [props.source, typesetter]
  );
  return <Made className="codalab-Output-markdown" make={make} />;
}

/** An element that is filled by hand, apart from React. */
function Made(props: { className: string; make: (host: HTMLElement) => void }): React.ReactElement {
  const { make } = props;
  const host = React.useRef<HTMLDivElement>(null);
  React.useLayoutEffect(() => {
    if (host.current) {
      host.current.replaceChildren();
      make(host.current);
    }
  }, [make]);
  return <div ref={host} className={props.className} />;
}
