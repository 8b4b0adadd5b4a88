import * as React from 'react';

import { useTrans } from '../../core/ui';
import { type Output } from '../model/output';
import { shownOf, type Shown } from '../safe/choose';
import { oneLine } from '../safe/text';
import { Frame, Json, Latex, Markdown, Picture, Table, Text } from './pieces';
import { useTrust } from './renderers';
import { Trusted } from './Trusted';

/** One output. `version` tells a stream that has grown from one that has not. */
export function OutputView(props: { output: Output; version: number }): React.ReactElement | null {
  const { output, version } = props;
  const { trusted } = useTrust();
  const grows = output.kind === 'stream' ? version : 0;
  // eslint-disable-next-line react-hooks/exhaustive-deps -- a stream grows in place
  const shown = React.useMemo(() => shownOf(output), [output, grows]);
  if (trusted && output.kind === 'data' && (shown.kind === 'interactive' || shown.kind === 'frame')) {
    return <Trusted output={output} />;
  }
  if (output.kind === 'stream' && shown.kind === 'text') {
    return (
      <Text text={shown.text} left={shown.left} {...(output.name === 'stderr' ? { kind: 'stderr' } : {})} />
    );
  }
  return draw(shown);
}

function draw(shown: Shown): React.ReactElement | null {
  switch (shown.kind) {
    case 'picture':
      return <Picture {...shown} />;
    case 'markdown':
      return <Markdown source={shown.source} />;
    case 'table':
      return <Table table={shown.table} />;
    case 'frame':
      return <Frame frame={shown.frame} />;
    case 'latex':
      return <Latex source={shown.source} />;
    case 'json':
      return <Json text={shown.text} />;
    case 'text':
      return <Text text={shown.text} left={shown.left} />;
    case 'error':
      return <Text text={shown.text} kind="error" />;
    case 'interactive':
      return <NotRun name={shown.name} text={shown.text} />;
    case 'unknown':
      return <Unknown mimes={shown.mimes} />;
    case 'nothing':
      return null;
  }
}

function NotRun(props: { name: string | null; text: string }): React.ReactElement {
  const trans = useTrans();
  const trust = useTrust();
  const what =
    props.name === null
      ? trans.__('A script that the notebook made is not run here.')
      : trans.__('An interactive output (%1) is not run here.', oneLine(props.name));
  return (
    <div className="codalab-Output-notRun">
      <p>
        {what} {trans.__('It came from a worker, and could act in your name.')}
      </p>
      <button type="button" className="codalab-Button" onClick={trust.ask}>
        {trans.__('Trust this result …')}
      </button>
      {props.text.trim() ? <Text text={props.text} /> : null}
    </div>
  );
}

function Unknown(props: { mimes: string }): React.ReactElement {
  const trans = useTrans();
  return (
    <p className="codalab-Output-note">
      {trans.__('An output of the kind %1 is in the executed notebook only.', oneLine(props.mimes))}
    </p>
  );
}
