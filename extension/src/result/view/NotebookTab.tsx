import { useVirtualizer } from '@tanstack/react-virtual';
import * as React from 'react';

import { isOpen } from '../../core/states';
import { Busy, Empty, useSignal, useTrans } from '../../core/ui';
import { type ILiveCell } from '../model/fold';
import { type ResultModel } from '../model/result';
import { CellView } from './CellView';
import { FailureCard } from './FailureCard';
import { useFollow } from './follow';

const LINE = 18;

/** The notebook as it runs. Only what is in sight is drawn, however many cells there are. */
export function NotebookTab(props: { model: ResultModel }): React.ReactElement {
  const { model } = props;
  const trans = useTrans();
  const version = useSignal(model.drawn, () => model.version);
  const scroller = React.useRef<HTMLDivElement>(null);
  const { cells, running, language, truncated } = model.notebook;
  const state = model.detail?.state;
  const open = state !== undefined && isOpen(state);
  const { preferences } = model.codalab;
  const shown = useSignal(preferences.changed, () => preferences.now.showCode);
  const ofMethod = Boolean(model.detail?.method);
  const code = shown || !ofMethod;
  // The cells begin below whatever stands above them.
  const list = React.useRef<HTMLDivElement>(null);
  const [above, setAbove] = React.useState(0);
  React.useLayoutEffect(() => setAbove(list.current?.offsetTop ?? 0), [version, state]);
  // eslint-disable-next-line react-hooks/incompatible-library -- what it returns goes into no memo
  const virtual = useVirtualizer({
    count: cells.length,
    getScrollElement: () => scroller.current,
    estimateSize: index => estimate(cells[index], code),
    getItemKey: index => cells[index]?.key ?? index,
    scrollMargin: above,
    overscan: 3
  });
  React.useLayoutEffect(() => virtual.measure(), [virtual, code]); // what is out of sight has another height now
  const follow = useFollow(scroller, open ? running : null, version);
  // A run that was followed to its end: why it failed stands at the top, and so does what a method found.
  const fromTheTop = follow.following && (state === 'failed' || (state === 'succeeded' && !code));
  React.useEffect(() => {
    if (fromTheTop) {
      scroller.current?.scrollTo({ top: 0 });
    }
  }, [fromTheTop]);
  if (!model.loaded) {
    return model.error ? <></> : <Busy label={trans.__('Reading the notebook …')} />;
  }
  return (
    <div className="codalab-Notebook">
      <div
        ref={scroller}
        className="codalab-Notebook-scroller"
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls: the keyboard must reach it
        tabIndex={0}
        role="region"
        aria-label={trans.__('Notebook')}
        {...follow.handlers}
      >
        {ofMethod ? (
          <label className="codalab-Notebook-code">
            <input
              type="checkbox"
              checked={shown}
              onChange={event => void preferences.set('showCode', event.target.checked)}
            />
            {trans.__('Show code')}
          </label>
        ) : null}
        {state === 'failed' ? <FailureCard model={model} /> : null}
        {truncated ? (
          <p className="codalab-Output-note">
            {trans.__('The notebook said more than its limit; the places are marked where output was cut.')}
          </p>
        ) : null}
        {cells.length === 0 ? <Empty title={trans.__('The notebook has no cells.')} /> : null}
        <div ref={list} className="codalab-Notebook-cells" style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map(item => {
            const cell = cells[item.index];
            return cell ? (
              <div
                key={item.key}
                data-index={item.index}
                ref={virtual.measureElement}
                className={`codalab-Notebook-item ${isBare(cell, code) ? 'codalab-mod-bare' : ''}`}
                style={{ transform: `translateY(${item.start - above}px)` }}
              >
                <CellView
                  cell={cell}
                  number={item.index + 1}
                  language={language}
                  code={code}
                  running={open && running === item.index}
                  version={cell.version}
                />
              </div>
            ) : null;
          })}
        </div>
      </div>
      {open && running !== null && !follow.following ? (
        <button type="button" className="codalab-Button codalab-Notebook-follow" onClick={follow.resume}>
          {trans.__('Follow the run')}
        </button>
      ) : null}
    </div>
  );
}

/** Code that is hidden and has made nothing yet takes no place. */
function isBare(cell: ILiveCell, code: boolean): boolean {
  return !code && cell.type === 'code' && cell.outputs.length === 0;
}

/** About how high a cell will be, until it is measured. */
function estimate(cell: ILiveCell | undefined, code: boolean): number {
  if (!cell || isBare(cell, code)) {
    return 0;
  }
  const lines = (text: string): number => text.split('\n', 200).length;
  return 30 + (code || cell.type !== 'code' ? LINE * lines(cell.source) : 0) + 60 * cell.outputs.length;
}
