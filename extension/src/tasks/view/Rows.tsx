import { useVirtualizer } from '@tanstack/react-virtual';
import * as React from 'react';

import { isOpen } from '../../core/states';
import { Busy, Empty, ErrorBox, usePage, useSignal, useTrans } from '../../core/ui';
import { Command } from '../../tokens';
import { isEverything } from '../filter';
import { type Choice, type TasksModel } from '../model';
import { useRedraw, useSecond, useWidth } from './hooks';
import { Row } from './Row';

const WIDE_FROM = 620;
const LOW_ROW = 30;
const HIGH_ROW = 64;
/** Rows asked for ahead of those in sight. */
const AHEAD = 40;

/** Only the rows in sight are in the page. The keyboard walks the list; the list has the focus, never a row. */
export function Rows(props: { model: TasksModel }): React.ReactElement {
  const { model } = props;
  const { codalab, commands } = usePage();
  const trans = useTrans();
  const rows = useSignal(model.list.changed, () => model.list.rows);
  const total = useSignal(model.list.changed, () => model.list.total);
  const error = useSignal(model.list.changed, () => model.list.error);
  const chosen = useSignal(model.changed, () => model.chosen);
  const active = useSignal(model.changed, () => model.active);
  const frame = React.useRef<HTMLDivElement>(null);
  const width = useWidth(frame);
  const wide = width >= WIDE_FROM;
  const height = wide ? LOW_ROW : HIGH_ROW;
  const list = React.useId();

  // eslint-disable-next-line react-hooks/incompatible-library -- nothing of it is remembered between drawings
  const virtual = useVirtualizer({
    count: total ?? 0,
    getScrollElement: () => frame.current,
    estimateSize: () => height,
    overscan: 8
  });
  React.useEffect(() => virtual.measure(), [height, virtual]);
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  const inSight = width > 0;
  React.useEffect(() => {
    if (inSight) {
      model.list.need(last + AHEAD);
    }
  }, [model, last, inSight]);
  useSecond(items.some(item => rows[item.index] && isOpen(rows[item.index]!.state)));
  useRedraw(codalab.tasks.progressed);

  const go = (index: number): void => {
    model.moveTo(index);
    virtual.scrollToIndex(model.active);
  };
  const open = (index: number): void => {
    const row = rows[index];
    if (row) {
      model.moveTo(index);
      void commands.execute(Command.openResult, { task: row.task });
    }
  };
  const onKey = (event: React.KeyboardEvent): void => {
    const page = Math.max(1, items.length - 10);
    const moves: Record<string, number> = {
      ArrowDown: active + 1,
      ArrowUp: active - 1,
      PageDown: active + page,
      PageUp: active - page,
      Home: 0,
      End: rows.length - 1
    };
    const to = moves[event.key];
    if (to !== undefined) {
      go(to);
      if (event.shiftKey) {
        model.choose(model.active, 'range');
      }
    } else if (event.key === ' ') {
      model.choose(active, event.shiftKey ? 'range' : 'toggle');
    } else if (event.key === 'Enter') {
      open(active);
    } else if (event.key === 'Escape') {
      model.clear();
    } else if (event.key === 'a' && (event.ctrlKey || event.metaKey)) {
      void model.chooseAll();
    } else if (event.key === 'Delete') {
      void commands.execute(Command.removeTasks, { tasks: model.meant.map(task => task.task) });
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };
  const onClick = (index: number, event: React.MouseEvent): void => {
    const ticks = (event.target as Element).closest('.codalab-Task-tick') !== null;
    const choice: Choice | null = event.shiftKey
      ? 'range'
      : ticks || event.ctrlKey || event.metaKey
        ? 'toggle'
        : null;
    if (choice) {
      model.choose(index, choice);
    } else {
      open(index);
    }
  };

  return (
    <div className="codalab-Tasks-frame">
      {error ? (
        <ErrorBox error={error} action={{ label: trans.__('Try again'), run: () => model.list.need(last) }} />
      ) : null}
      {total === null && !error ? <Busy label={trans.__('Reading the tasks …')} /> : null}
      {total === 0 ? <Nothing model={model} /> : null}
      <div
        ref={frame}
        className="codalab-Tasks-rows"
        role="listbox"
        aria-label={trans.__('Tasks, newest first')}
        aria-multiselectable="true"
        aria-activedescendant={items.some(item => item.index === active) ? `${list}-${active}` : undefined}
        tabIndex={0}
        hidden={!total}
        data-lm-suppress-shortcuts="true"
        onKeyDown={onKey}
      >
        <div
          className="codalab-Tasks-all-rows"
          role="presentation"
          style={{ height: virtual.getTotalSize() }}
        >
          {items.map(item => (
            <Row
              key={rows[item.index]?.task ?? item.index}
              id={`${list}-${item.index}`}
              task={rows[item.index]}
              index={item.index}
              total={total ?? 0}
              top={item.start}
              height={height}
              wide={wide}
              chosen={chosen.has(rows[item.index]?.task ?? '')}
              active={item.index === active}
              onClick={onClick}
            />
          ))}
        </div>
      </div>
    </div>
  );
}

function Nothing(props: { model: TasksModel }): React.ReactElement {
  const { commands } = usePage();
  const trans = useTrans();
  if (!isEverything(props.model.list.filter)) {
    return (
      <Empty title={trans.__('No task is like that.')}>{trans.__('Search for less, or show all.')}</Empty>
    );
  }
  return (
    <Empty title={trans.__('No tasks yet')}>
      <p>
        {trans.__(
          'Pick data and methods, and click Analyze. Each analysis becomes a task and is listed here.'
        )}
      </p>
      <button
        type="button"
        className="codalab-Button codalab-mod-primary"
        onClick={() => void commands.execute(Command.openPanel)}
      >
        {trans.__('Pick data and methods')}
      </button>
    </Empty>
  );
}
