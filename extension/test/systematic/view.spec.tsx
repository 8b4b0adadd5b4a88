import { nullTranslator } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';
import { cleanup, render, screen, within } from '@testing-library/react';
import { userEvent } from '@testing-library/user-event';
import * as React from 'react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { Codalab } from '../../src/core/codalab';
import { PageProvider } from '../../src/core/ui';
import { SystematicModel } from '../../src/systematic/model';
import { SystematicView } from '../../src/systematic/view/SystematicView';
import { Command } from '../../src/tokens';
import { FakeServer } from '../support/fakeServer';
import { until } from '../support/until';
import { FakeMatrix, systematicStatus } from './fakeMatrix';

let matrix: FakeMatrix;
let codalab: Codalab;
let model: SystematicModel;
const executed: [string, unknown][] = [];

function show(): void {
  const commands = new CommandRegistry();
  executed.length = 0;
  for (const id of [Command.openResult, Command.openPanel]) {
    commands.addCommand(id, { execute: args => void executed.push([id, args]) });
  }
  model = new SystematicModel(codalab, 0);
  render(
    <PageProvider value={{ codalab, commands }}>
      <SystematicView model={model} />
    </PageProvider>
  );
  model.show(true);
}

beforeEach(async () => {
  // jsdom lays nothing out: what is seen has this size.
  for (const name of ['clientHeight', 'offsetHeight'] as const) {
    vi.spyOn(HTMLElement.prototype, name, 'get').mockReturnValue(600);
  }
  vi.spyOn(HTMLElement.prototype, 'offsetWidth', 'get').mockReturnValue(900);
  const server = new FakeServer();
  matrix = new FakeMatrix(server);
  codalab = new Codalab({ settings: server.settings, trans: nullTranslator.load('') });
  await codalab.start();
});

afterEach(() => {
  cleanup();
  model.dispose();
  codalab.dispose();
});

test('shows scores, gaps with their reasons, and opens the result behind a cell', async () => {
  show();
  const user = userEvent.setup();
  const grid = await screen.findByRole('grid', { name: 'Data sets and methods' });
  const row = within(grid).getByRole('row', { name: /golub/ });
  expect(within(row).getByText('0.88')).toBeDefined();
  expect(within(row).getByTitle('does not fit · It needs two classes.').textContent).toContain('–');
  await user.click(within(row).getByRole('button', { name: /the best of this data set/ }));
  expect(executed).toEqual([[Command.openResult, { task: 't1' }]]);
  expect(within(grid).getByRole('columnheader', { name: 'Class prediction' })).toBeDefined();
});

test('is walked through with arrow keys; the reason of the cell is told below', async () => {
  show();
  const user = userEvent.setup();
  await screen.findByRole('grid');
  await user.tab(); // the switch
  while (!document.activeElement?.closest('[role=grid]')) {
    await user.tab();
  }
  await user.keyboard('{ArrowRight}{ArrowDown}');
  expect(document.activeElement?.getAttribute('data-spot')).toBe('1:1');
  expect(screen.getByRole('contentinfo').textContent).toContain(
    'yeast@2 · CLASSIFY (model = svm): does not fit · It needs two classes.'
  );
  await user.keyboard('{ArrowLeft}{Enter}');
  expect(executed).toEqual([[Command.openResult, { task: 't1' }]]);
});

test('a heading sorts by its scores: the best first, the least first, not', async () => {
  show();
  const user = userEvent.setup();
  const heading = await screen.findByRole('columnheader', { name: 'DE' });
  for (const expected of ['descending', 'ascending', 'none']) {
    await user.click(within(heading).getByRole('button'));
    expect(heading.getAttribute('aria-sort')).toBe(expected);
  }
});

test('the switch says what is done, and what a rule used of its budget', async () => {
  show();
  const user = userEvent.setup();
  await user.click(await screen.findByRole('switch', { name: 'Systematic analysis', checked: false }));
  await screen.findByRole('switch', { checked: true });
  expect(screen.getByText(/No rule yet/)).toBeDefined();
  matrix.status = systematicStatus({
    on: true,
    rules: [
      {
        rule: 'night',
        tasks: 3,
        tasks_limit: 50,
        cpu_seconds: 60,
        cpu_seconds_limit: null,
        problem: 'There is no method predict-clas.'
      }
    ]
  });
  model.refresh();
  await screen.findByText('⚠ Not followed: There is no method predict-clas.');
  expect(screen.getByText('3 of 50 tasks, 0 CPU hours')).toBeDefined();
});

test('says what to do where there is nothing', async () => {
  matrix.names = [];
  show();
  await userEvent.setup().click(await screen.findByRole('button', { name: 'Add data' }));
  expect(executed).toEqual([[Command.openPanel, {}]]);
});

test('a search asks when a person stops typing, and says when nothing is like that', async () => {
  show();
  await screen.findByRole('grid');
  await userEvent.setup().type(screen.getByRole('searchbox'), 'zebra');
  await screen.findByText('No data set has all of these words.');
  await until(() => matrix.asked.at(-1)?.get('q') === 'zebra');
  expect(matrix.asked.some(query => query.get('q') === 'z')).toBe(false);
});
