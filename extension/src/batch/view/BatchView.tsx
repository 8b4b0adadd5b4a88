import * as React from 'react';

import { type BatchModel } from '../../core/stores/batches';
import { isOpen } from '../../core/states';
import { longTime } from '../../core/text';
import { type Batch } from '../../core/types';
import { Busy, Empty, ErrorBox, ServerGoneBanner, useCodalab, usePage, useSignal, useTrans } from './shared';
import { Command } from '../../tokens';
import { countsOf } from '../table';
import { Compare } from './Compare';
import { Figures } from './Figures';
import { RunsTable } from './RunsTable';

/** So many runs fit beside each other. */
const MOST = 4;
type Mode = 'table' | 'figures' | 'compare';

/** The table of one batch. */
export function BatchView(props: { model: BatchModel }): React.ReactElement {
  const { model } = props;
  const trans = useTrans();
  const batch = useSignal(model.changed, () => model.batch);
  const error = useSignal(model.changed, () => model.error);
  const [chosen, setMode] = React.useState<Mode | null>(null);
  const [picked, setPicked] = React.useState<readonly string[]>([]);
  const problem = (
    <ErrorBox error={error} action={{ label: trans.__('Try again'), run: () => void model.refresh() }} />
  );
  if (!batch) {
    return (
      <div className="codalab-Batch">
        <ServerGoneBanner />
        {error ? problem : <Busy label={trans.__('Reading the batch …')} />}
      </div>
    );
  }
  if (!batch.cells.length) {
    return (
      <div className="codalab-Batch">
        <Empty title={trans.__('The tasks of this batch were removed.')}>
          <p>{trans.__('Close this tab; copies that you made of results stay.')}</p>
        </Empty>
      </div>
    );
  }
  const mode = chosen ?? (seenBetter(batch) ? 'figures' : 'table');
  const present = picked.filter(id => batch.cells.some(cell => cell.task.task === id));
  const pick = (task: string): void =>
    setPicked(
      present.includes(task) ? present.filter(id => id !== task) : [...present.slice(1 - MOST), task]
    );
  return (
    <div className="codalab-Batch">
      <ServerGoneBanner />
      <Header batch={batch} mode={mode} setMode={setMode} picked={present.length} />
      {problem}
      <div className="codalab-Batch-body">
        {mode === 'table' ? <RunsTable batch={batch} picked={present} pick={pick} /> : null}
        {mode === 'figures' ? <Figures batch={batch} /> : null}
        {mode === 'compare' ? <Compare batch={batch} picked={present} /> : null}
      </div>
    </div>
  );
}

function Header(props: {
  batch: Batch;
  mode: Mode;
  setMode: (mode: Mode) => void;
  picked: number;
}): React.ReactElement {
  const { batch, mode, setMode } = props;
  const trans = useTrans();
  const codalab = useCodalab();
  const { commands } = usePage();
  const [failed, setFailed] = React.useState<unknown>(null);
  const [busy, setBusy] = React.useState(false);
  const counts = countsOf(batch);
  const act = (work: () => Promise<unknown>): void => {
    setFailed(null);
    setBusy(true);
    work()
      .catch(setFailed)
      .finally(() => setBusy(false));
  };
  const retry = async (): Promise<void> => {
    const acted = await codalab.act({ action: 'retry', batches: [batch.batch], failed_only: true });
    const tasks = acted.tasks.flatMap(one => one.new_task ?? []);
    if (acted.batch) {
      await commands.execute(Command.openBatch, { batch: acted.batch });
    } else if (tasks[0]) {
      await commands.execute(Command.openResult, { task: tasks[0] });
    }
  };
  const modes: [Mode, string][] = [
    ['table', trans.__('Table')],
    ['figures', trans.__('Figures')],
    ['compare', trans.__('Compare (%1)', props.picked)]
  ];
  return (
    <header className="codalab-Batch-header">
      <h1>
        {trans._n('%2, one data set', '%2, %1 data sets', batch.datasets.length, methods(batch, trans))}
      </h1>
      <p role="status">
        {[
          counts.open ? trans.__('%1 of %2 done', counts.all - counts.open, counts.all) : '',
          trans._n('one succeeded', '%1 succeeded', counts.succeeded),
          counts.bad ? trans._n('one did not', '%1 did not', counts.bad) : '',
          trans.__('submitted %1', longTime(batch.submitted_at))
        ]
          .filter(Boolean)
          .join(' · ')}
      </p>
      <div className="codalab-Batch-buttons">
        <div role="group" aria-label={trans.__('View')} className="codalab-Batch-modes">
          {modes.map(([one, label]) => (
            <button
              key={one}
              type="button"
              className="codalab-Button"
              aria-pressed={mode === one}
              onClick={() => setMode(one)}
            >
              {label}
            </button>
          ))}
        </div>
        {counts.open ? (
          <button
            type="button"
            className="codalab-Button codalab-mod-bad"
            disabled={busy}
            onClick={() => act(() => codalab.act({ action: 'cancel', batches: [batch.batch] }))}
          >
            {trans.__('Cancel all')}
          </button>
        ) : null}
        {counts.bad ? (
          <button type="button" className="codalab-Button" disabled={busy} onClick={() => act(retry)}>
            {trans.__('Retry what failed')}
          </button>
        ) : null}
        <button
          type="button"
          className="codalab-Button"
          onClick={() =>
            act(() => commands.execute(Command.openPanel, { batch: batch.batch }) as Promise<unknown>)
          }
        >
          {trans.__('Copy and change …')}
        </button>
        <a
          className="codalab-Button"
          href={codalab.api.url('/batches/{batch}/table.csv', { path: { batch: batch.batch } })}
          download={`batch-${batch.batch.slice(-8)}.csv`}
        >
          {trans.__('Export as CSV')}
        </a>
      </div>
      <ErrorBox error={failed} onClose={() => setFailed(null)} />
    </header>
  );
}

/** Several methods on one data set have no numbers in common: figures say more than a table with holes. */
function seenBetter(batch: Batch): boolean {
  return (
    batch.methods.length > 1 &&
    batch.datasets.length === 1 &&
    batch.varying.length === 0 &&
    batch.cells.some(cell => cell.figure || isOpen(cell.task.state))
  );
}

function methods(batch: Batch, trans: ReturnType<typeof useTrans>): string {
  const titles = new Set(batch.cells.map(cell => cell.task.title ?? cell.task.method ?? cell.task.notebook));
  const [only] = titles;
  return titles.size === 1 && only ? only : trans.__('%1 methods', titles.size);
}
