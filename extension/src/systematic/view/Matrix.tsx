import { useVirtualizer } from '@tanstack/react-virtual';
import * as React from 'react';

import { Busy, Empty, usePage, useSignal, useTrans } from '../../core/ui';
import { Command } from '../../tokens';
import { type SystematicModel } from '../model';
import { moved, type Spot } from '../spot';
import { About } from './About';
import { Headings } from './Headings';
import { MatrixRow } from './MatrixRow';

const ROW = 32;
const HEADINGS = 100;
/** Rows asked for ahead of those in sight. */
const AHEAD = 30;

/**
 * Data sets × configurations. Only the rows in sight are in the page. One cell has the focus, moved by the keys of a
 * grid; headings are its row -1, names of data sets its column -1.
 */
export function Matrix(props: { model: SystematicModel }): React.ReactElement {
  const { model } = props;
  const { commands } = usePage();
  const trans = useTrans();
  const head = useSignal(model.changed, () => model.head);
  const filter = useSignal(model.changed, () => model.filter);
  useSignal(model.changed, () => model.pages);
  const error = useSignal(model.changed, () => model.error);
  const frame = React.useRef<HTMLDivElement>(null);
  const [spot, setSpot] = React.useState<Spot>({ row: 0, column: 0 });
  const [looked, setLooked] = React.useState(false); // there is something to tell of the cell
  const focusDue = React.useRef(false);
  const total = head?.total ?? 0;
  const columns = head?.columns ?? [];

  // eslint-disable-next-line react-hooks/incompatible-library -- nothing of it is remembered between drawings
  const virtual = useVirtualizer({
    count: total,
    getScrollElement: () => frame.current,
    estimateSize: () => ROW,
    scrollPaddingStart: HEADINGS,
    overscan: 8
  });
  const items = virtual.getVirtualItems();
  const first = items[0]?.index ?? 0;
  const last = items.at(-1)?.index ?? 0;
  React.useEffect(() => {
    model.need(Math.max(0, first - AHEAD), last + AHEAD);
  }, [model, first, last]);
  // A cell far away is in the page only after it was scrolled to.
  React.useEffect(() => {
    const cell = focusDue.current && frame.current?.querySelector<HTMLElement>('[data-spot][tabindex="0"]');
    if (cell) {
      focusDue.current = false;
      cell.focus();
    }
  });

  if (!head) {
    return <>{error ? null : <Busy label={trans.__('Reading the matrix …')} />}</>;
  }
  if (!columns.length || (!total && !filter.q)) {
    return <Nothing methods={columns.length > 0} />;
  }
  if (!total) {
    return <Empty title={trans.__('No data set has all of these words.')} />;
  }
  const at: Spot = {
    row: Math.min(spot.row, total - 1),
    column: Math.min(spot.column, columns.length - 1)
  };
  // The grid can be reached by Tab wherever it was scrolled to.
  const there = at.row < 0 || items.some(item => item.index === at.row);
  const reached: Spot = there ? at : { ...at, row: items[Math.floor(items.length / 2)]?.index ?? -1 };
  const open = (row: number, column: number): void => {
    const task = model.row(row)?.cells[column]?.task;
    if (task) {
      void commands.execute(Command.openResult, { task });
    }
  };
  const go = (to: Spot): void => {
    setSpot(to);
    setLooked(true);
    focusDue.current = true;
    if (to.row >= 0) {
      virtual.scrollToIndex(to.row);
    }
  };
  const onKey = (event: React.KeyboardEvent): void => {
    const to = moved(event, at, {
      rows: total,
      columns: columns.length,
      page: Math.max(1, items.length - 10)
    });
    if (to) {
      go(to);
      event.preventDefault();
      event.stopPropagation();
    }
  };
  const before = items[0]?.start ?? 0;
  const after = virtual.getTotalSize() - (items.at(-1)?.end ?? 0);
  return (
    <>
      <div ref={frame} className="codalab-Matrix-frame" data-lm-suppress-shortcuts="true">
        <table
          role="grid"
          className="codalab-Matrix"
          aria-label={trans.__('Data sets and methods')}
          aria-rowcount={total + 2}
          aria-colcount={columns.length + 1}
          onKeyDown={onKey}
        >
          <Headings
            model={model}
            columns={columns}
            at={reached}
            onLook={column => setSpot({ row: -1, column })}
          />
          <tbody>
            <Gap height={before} />
            {items.map(item => (
              <MatrixRow
                key={item.index}
                index={item.index}
                row={model.row(item.index)}
                columns={columns}
                active={reached.row === item.index ? reached.column : null}
                onLook={column => {
                  setSpot({ row: item.index, column });
                  setLooked(true);
                }}
                onOpen={column => open(item.index, column)}
              />
            ))}
            <Gap height={after} />
          </tbody>
        </table>
      </div>
      <About
        row={looked ? model.row(at.row) : undefined}
        column={looked ? columns[at.column] : undefined}
        cell={looked ? model.row(at.row)?.cells[at.column] : undefined}
        onOpen={() => open(at.row, at.column)}
      />
    </>
  );
}

/** In the place of the rows that are not in the page. */
function Gap(props: { height: number }): React.ReactElement | null {
  return props.height > 0 ? (
    <tr aria-hidden="true" className="codalab-Matrix-gap">
      <td style={{ height: props.height }} />
    </tr>
  ) : null;
}

function Nothing(props: { methods: boolean }): React.ReactElement {
  const { commands } = usePage();
  const trans = useTrans();
  if (!props.methods) {
    return (
      <Empty title={trans.__('No method is looked at yet')}>
        <p>{trans.__('Rules name methods; `codalab-nb systematic rule list` shows them.')}</p>
      </Empty>
    );
  }
  return (
    <Empty title={trans.__('No data sets yet')}>
      <p>{trans.__('Add one: then it has a row here, with a cell for each method.')}</p>
      <button
        type="button"
        className="codalab-Button codalab-mod-primary"
        onClick={() => void commands.execute(Command.openPanel)}
      >
        {trans.__('Add data')}
      </button>
    </Empty>
  );
}
