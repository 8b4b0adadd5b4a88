import { nullTranslator } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';
import { act, cleanup, render, screen, within } from '@testing-library/react';
import { userEvent } from '@testing-library/user-event';
import * as React from 'react';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { Codalab } from '../../src/core/codalab';
import { type Task } from '../../src/core/types';
import { PageProvider } from '../../src/core/ui';
import { StatusItem } from '../../src/shell/statusbar';
import { TasksModel } from '../../src/tasks/model';
import { TasksView } from '../../src/tasks/view/TasksView';
import { Command } from '../../src/tokens';
import { FakeServer, serveTasks, status, task } from '../support/fakeServer';
import { until } from '../support/until';

describe('what a person sees', () => {
  let server: FakeServer;
  let codalab: Codalab;
  let commands: CommandRegistry;
  let model: TasksModel;
  let tasks: Task[];
  const executed: [string, unknown][] = [];

  const show = (what: React.ReactElement): void => {
    render(<PageProvider value={{ codalab, commands }}>{what}</PageProvider>);
  };

  beforeEach(async () => {
    // jsdom lays nothing out: what is seen has this size.
    vi.stubGlobal('ResizeObserver', FixedSize);
    vi.spyOn(Element.prototype, 'clientHeight', 'get').mockReturnValue(600);
    vi.spyOn(Element.prototype, 'clientWidth', 'get').mockReturnValue(300);
    server = new FakeServer();
    tasks = [
      task(3, { state: 'running', progress: progress(3, { cell: 4, cells: 10, running_s: 65 }) }),
      task(2, { progress: progress(2, { place: 2 }) }),
      task(1, {
        state: 'failed',
        seconds: 3,
        why: { code: 'cell_error', message: 'No such column.', fix: '', cell: 2 }
      })
    ];
    serveTasks(server, () => tasks);
    server.on('GET', '/datasets', () => ({ datasets: [{ name: 'golub' }] }));
    server.on('GET', '/methods', () => ({ methods: [{ method: 'pca-overview', title: 'PCA overview' }] }));
    codalab = new Codalab({ settings: server.settings, trans: nullTranslator.load('') });
    await codalab.start();
    await until(() => codalab.stream.state === 'open');
    commands = new CommandRegistry();
    executed.length = 0;
    for (const id of Object.values(Command)) {
      commands.addCommand(id, { execute: args => void executed.push([id, args]) });
    }
    model = new TasksModel(codalab);
  });

  afterEach(() => {
    cleanup();
    model.dispose();
    codalab.dispose();
    vi.unstubAllGlobals();
  });

  test('says of each task how far it is, its place, or why it failed', async () => {
    show(<TasksView model={model} place="side" />);
    expect(await screen.findByText(/cell 4 of 10 · 1 min 5 s/)).toBeDefined();
    expect(screen.getByText('place 2 in the queue')).toBeDefined();
    expect(screen.getByText('No such column. · 3.0 s')).toBeDefined();
    expect(screen.getByRole('progressbar').getAttribute('aria-valuenow')).toBe('3');
    expect(screen.getByText('3 tasks')).toBeDefined();
  });

  test('follows what the server tells', async () => {
    show(<TasksView model={model} place="side" />);
    await screen.findByText(/cell 4 of 10/);
    act(() => server.say({ type: 'progress', tasks: [progress(3, { cell: 9, cells: 10, running_s: 70 })] }));
    expect(await screen.findByText(/cell 9 of 10/)).toBeDefined();
  });

  test('is worked with by keys alone', async () => {
    const user = userEvent.setup();
    show(<TasksView model={model} place="side" />);
    const list = await screen.findByRole('listbox');
    await screen.findByText(/cell 4 of 10/);
    act(() => list.focus());
    await user.keyboard('{ArrowDown}{ArrowDown}{Enter}');
    expect(executed).toEqual([[Command.openResult, { task: tasks[2]!.task }]]);
    await user.keyboard(' {Home} ');
    expect([...model.chosen].sort()).toEqual([tasks[2]!.task, tasks[0]!.task].sort());
    expect(within(list).getAllByRole('option', { selected: true })).toHaveLength(2);
    await user.keyboard('{Delete}');
    expect(executed[1]).toEqual([Command.removeTasks, { tasks: [tasks[0]!.task, tasks[2]!.task] }]);
    await user.keyboard('{Escape}');
    expect(model.chosen.size).toBe(0);
  });

  test('says why a button does nothing yet, and hands it the ticked tasks', async () => {
    const user = userEvent.setup();
    show(<TasksView model={model} place="side" />);
    await screen.findByText(/cell 4 of 10/);
    const cancel = screen.getByRole<HTMLButtonElement>('button', { name: 'Cancel' });
    expect(cancel.disabled).toBe(true);
    expect(cancel.title).toBe('Tick tasks in the list first.');
    await user.click(screen.getByRole('checkbox', { name: 'All' }));
    expect(model.chosen.size).toBe(3);
    await user.click(cancel);
    expect(executed[0]?.[0]).toBe(Command.cancelTasks);
  });

  test('asks the server for what is searched and chosen', async () => {
    const user = userEvent.setup();
    show(<TasksView model={model} place="side" />);
    await screen.findByText(/cell 4 of 10/);
    await user.selectOptions(screen.getByRole('combobox', { name: 'State' }), 'failed');
    await user.type(screen.getByRole('searchbox'), 'golub');
    await until(() => server.asked('GET', '/tasks').at(-1)?.query.get('q') === 'golub');
    expect(server.asked('GET', '/tasks').at(-1)?.query.getAll('state')).toEqual(['failed']);
  });

  test('leaves out what runs by itself unless a person wants to see it', async () => {
    const user = userEvent.setup();
    show(<TasksView model={model} place="side" />);
    await screen.findByText(/cell 4 of 10/);
    const tell = (number: number): void =>
      act(() =>
        server.say({
          type: 'ledger',
          seq: number,
          tasks: [task(number, { systematic: true, title: `By itself ${number}` })],
          removed: [],
          busy: { queued: 0, running: 0 }
        })
      );
    tell(8);
    expect(screen.queryByText('By itself 8')).toBeNull();
    await user.click(screen.getByRole('checkbox', { name: 'Show systematic analysis' }));
    await until(() => server.asked('GET', '/tasks').at(-1)?.query.get('systematic') === 'yes');
    await screen.findByText(/cell 4 of 10/);
    tell(9);
    expect(await screen.findByText('By itself 9')).toBeDefined();
  });

  test('says what to do when there is nothing', async () => {
    tasks = [];
    const user = userEvent.setup();
    show(<TasksView model={model} place="side" />);
    await user.click(await screen.findByRole('button', { name: 'Pick data and methods' }));
    expect(executed[0]?.[0]).toBe(Command.openPanel);
  });

  test('keeps the rows while the server is gone, and tries again when asked', async () => {
    const user = userEvent.setup();
    show(<TasksView model={model} place="side" />);
    await screen.findByText(/cell 4 of 10/);
    act(() => server.stop());
    expect(screen.getByRole('alert').textContent).toContain('The connection to the Jupyter server is lost.');
    expect(screen.getByText('place 2 in the queue')).toBeDefined();
    server.start();
    await user.click(screen.getByRole('button', { name: 'Try again now' }));
    await until(() => screen.queryByRole('alert') === null);
  });

  test('shows in the status bar how much runs and waits, and that nothing does', async () => {
    show(<StatusItem />);
    expect(screen.getByRole('button').textContent).toBe('CodaLab: idle');
    act(() =>
      server.say({ type: 'ledger', seq: 8, tasks: [], removed: [], busy: { queued: 1, running: 2 } })
    );
    expect(screen.getByRole('button').textContent).toBe('CodaLab: 2 running, 1 queued');
    act(() => server.say({ type: 'status', status: status({ stuck: 'No worker runs. Start one.' }) }));
    expect(screen.getByRole('button').title).toBe('No worker runs. Start one.');
    await userEvent.setup().click(screen.getByRole('button'));
    expect(executed[0]?.[0]).toBe(Command.openTasks);
  });
});

function progress(
  number: number,
  more: Partial<NonNullable<Task['progress']>>
): NonNullable<Task['progress']> {
  return { task: task(number).task, cell: null, cells: null, place: null, running_s: null, ...more };
}

class FixedSize implements ResizeObserver {
  constructor(private readonly _seen: ResizeObserverCallback) {}

  observe(target: Element): void {
    const contentRect = new DOMRect(0, 0, 300, 600);
    this._seen([{ target, contentRect } as ResizeObserverEntry], this);
  }

  unobserve(): void {}

  disconnect(): void {}
}
