import { useVirtualizer } from '@tanstack/react-virtual';
import * as React from 'react';

import { isOpen } from '../../core/states';
import { longTime } from '../../core/text';
import { Busy, Empty, ErrorBox, useTrans } from '../../core/ui';
import { type ResultModel } from '../model/result';
import { spans } from '../safe/text';
import { overwritten } from '../model/tail';
import { useLazy } from './useLazy';

/** What was printed and what happened, line by line, with the time. */
export function LogTab(props: { model: ResultModel }): React.ReactElement {
  const { model } = props;
  const trans = useTrans();
  const { value: log, error } = useLazy(model.log);
  const scroller = React.useRef<HTMLDivElement>(null);
  const lines = log?.lines ?? [];
  // eslint-disable-next-line react-hooks/incompatible-library -- what it returns goes into no memo
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => 20,
    overscan: 20
  });
  if (!log) {
    return error ? <ErrorBox error={error} /> : <Busy label={trans.__('Reading the log …')} />;
  }
  return (
    <div className="codalab-Log">
      {error ? <ErrorBox error={error} /> : null}
      <div className="codalab-Log-head">
        {log.truncated ? (
          <p className="codalab-Output-note">{trans.__('The log is longer than what is shown here.')}</p>
        ) : null}
        {model.detail && isOpen(model.detail.state) ? (
          <button type="button" className="codalab-Button" onClick={() => void model.log.refresh()}>
            {trans.__('Read on')}
          </button>
        ) : null}
      </div>
      {lines.length === 0 ? <Empty title={trans.__('Nothing was printed yet.')} /> : null}
      <div
        ref={scroller}
        className="codalab-Log-scroller"
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls: the keyboard must reach it
        tabIndex={0}
        role="region"
        aria-label={trans.__('Log')}
      >
        <div style={{ height: virtual.getTotalSize(), position: 'relative' }}>
          {virtual.getVirtualItems().map(item => {
            const line = lines[item.index];
            return line ? (
              <div
                key={item.key}
                data-index={item.index}
                ref={virtual.measureElement}
                className={`codalab-Log-line codalab-mod-${line.kind.replace(/\W/g, '')}`}
                style={{ transform: `translateY(${item.start}px)` }}
              >
                <time dateTime={line.at} title={longTime(line.at)}>
                  {new Date(line.at).toLocaleTimeString()}
                </time>
                <span className="codalab-Log-where">{line.cell ? trans.__('cell %1', line.cell) : ''}</span>
                <span className="codalab-Log-text">
                  {spans(overwritten(line.text))
                    .map(span => span.text)
                    .join('')}
                </span>
              </div>
            ) : null;
          })}
        </div>
      </div>
    </div>
  );
}
