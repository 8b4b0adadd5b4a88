import * as React from 'react';

import { useTrans } from '../../core/ui';
import { FIRST, type ILiveCell } from '../model/fold';
import { OutputView } from './OutputView';
import { Markdown, Text } from './pieces';
import { Source } from './Source';

interface IProps {
  cell: ILiveCell;
  /** From 1, as people count. */
  number: number;
  language: string;
  /** Whether its source is drawn, and not only what it made. */
  code: boolean;
  running: boolean;
  /** That of `cell`, which changes in place. */
  version: number;
}

/** A cell: its source, unless it is hidden, and below it what it made. Drawn again only when its version changed. */
export const CellView = React.memo(function CellView(props: IProps): React.ReactElement {
  const { cell, running } = props;
  const trans = useTrans();
  if (cell.type !== 'code') {
    return (
      <section className="codalab-Cell codalab-mod-words" aria-label={trans.__('Cell %1', props.number)}>
        {cell.type === 'markdown' ? <Markdown source={cell.source} /> : <Text text={cell.source} />}
      </section>
    );
  }
  const failed = cell.outputs.some(output => output.kind === 'error');
  const kind = running ? 'codalab-mod-running' : failed ? 'codalab-mod-failed' : '';
  const count = running ? '*' : (cell.count ?? ' ');
  return (
    <section
      className={`codalab-Cell ${kind}`}
      aria-label={
        running ? trans.__('Cell %1, running now', props.number) : trans.__('Cell %1', props.number)
      }
      aria-busy={running}
    >
      {props.code ? (
        <>
          <div className="codalab-Cell-input">
            <span className="codalab-Cell-prompt" aria-hidden="true">
              [{count}]:
            </span>
            <Source text={cell.source} language={props.language} />
          </div>
          <Tags cell={cell} />
        </>
      ) : null}
      {cell.outputs.length ? (
        <div className="codalab-Cell-outputs">
          {cell.outputs.map((output, i) => (
            <React.Fragment key={output.key}>
              {i === FIRST && cell.left ? <LeftOut left={cell.left} /> : null}
              <OutputView output={output} version={props.version} />
            </React.Fragment>
          ))}
          {cell.left && cell.outputs.length <= FIRST ? <LeftOut left={cell.left} /> : null}
        </div>
      ) : null}
    </section>
  );
});

function Tags(props: { cell: ILiveCell }): React.ReactElement | null {
  const trans = useTrans();
  if (props.cell.tags.includes('injected-parameters')) {
    return <p className="codalab-Cell-tag">{trans.__('the settings of this run')}</p>;
  }
  if (props.cell.tags.includes('parameters')) {
    return <p className="codalab-Cell-tag">{trans.__('the defaults of the settings')}</p>;
  }
  return null;
}

function LeftOut(props: { left: number }): React.ReactElement {
  const trans = useTrans();
  return (
    <p className="codalab-Output-note">
      {trans._n(
        '… one output is left out here; it is in the executed notebook.',
        '… %1 outputs are left out here; all are in the executed notebook.',
        props.left,
        props.left.toLocaleString()
      )}
    </p>
  );
}
