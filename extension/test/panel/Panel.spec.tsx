import { cleanup, fireEvent, render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import React from 'react';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Codalab } from '../../src/core/codalab';
import { PageProvider } from '../../src/core/ui';
import { type IPanelContext, PanelContext } from '../../src/panel/context';
import { PanelModel } from '../../src/panel/model';
import { Panel } from '../../src/panel/Panel';
import { CommandRegistry } from '@lumino/commands';
import { nullTranslator } from '@jupyterlab/translation';
import { FakeServer } from '../support/fakeServer';
import { dataset, FakePanel, No } from './fakePanel';

let server: FakePanel;
let model: PanelModel;
let asked: string[];

async function show(): Promise<void> {
  const trans = nullTranslator.load('codalab_nb');
  const codalab = new Codalab({ settings: new FakeServer().settings, trans });
  model = new PanelModel({ server, opened: () => undefined, show: () => undefined, pause: 0 });
  const context: IPanelContext = {
    model,
    trans,
    figure: () => '',
    ask: title => {
      asked.push(title);
      return Promise.resolve(true);
    }
  };
  render(
    <PageProvider value={{ codalab, commands: new CommandRegistry() }}>
      <PanelContext.Provider value={context}>
        <Panel />
      </PanelContext.Provider>
    </PageProvider>
  );
  await model.start();
}

afterEach(() => {
  cleanup();
  model.dispose();
});

beforeEach(() => {
  server = new FakePanel();
  asked = [];
  Element.prototype.scrollIntoView = () => undefined; // jsdom has no layout
});

const go = (): HTMLElement => screen.getByRole('button', { name: /^Analyze/ });

test('from nothing to Analyze with sample data, by names that a screen reader says', async () => {
  await show();
  const user = userEvent.setup();
  await user.click(await screen.findByRole('button', { name: /Leukemia/ }));
  await user.click(await screen.findByRole('checkbox', { name: 'PCA' }));
  await screen.findByText('1 task, about 4 s');
  await user.click(go());
  await screen.findByText(/1 task submitted/);
  expect(server.analyzed.map(one => [one.datasets, one.methods])).toEqual([[['golub@1'], ['pca']]]);
});

test('the button says what is missing and leads there', async () => {
  server.put(dataset('a'));
  await show();
  const user = userEvent.setup();
  const missing = await screen.findByRole('list', { name: 'Still missing' });
  expect(
    within(missing)
      .getAllByRole('button')
      .map(one => one.textContent)
  ).toEqual(['Choose a data set', 'Choose a method']);
  expect(go().getAttribute('aria-disabled')).toBe('true');
  await user.click(go());
  await new Promise(requestAnimationFrame);
  expect(document.activeElement).toBe(screen.getByRole('checkbox', { name: /^a\d/ }));
  await user.keyboard(' ');
  await screen.findByRole('heading', { name: 'a@1' });
  expect(server.analyzed).toEqual([]);
});

test('a question is answered by its button; what the server refuses stands in place', async () => {
  const choices = [
    { label: 'Yes, ALL', answer: { roles: {}, kind: null, reference: 'ALL', renames: {}, accept: false } }
  ];
  server.put(
    dataset('a', 1, { open_questions: [{ code: 'reference', text: 'Is `ALL` the control?', choices }] })
  );
  await show();
  const user = userEvent.setup();
  await user.click(screen.getByRole('checkbox', { name: /^a\d/ }));
  server.refusals.set('setDataset', new No('The store is full.'));
  await user.click(await screen.findByRole('button', { name: 'Yes, ALL' }));
  expect((await screen.findByRole('alert')).textContent).toContain('The store is full.');
  server.refusals.clear();
  await user.click(screen.getByRole('button', { name: 'Yes, ALL' }));
  await screen.findByRole('heading', { name: 'a@2' });
});

test('what does not fit is told with the reason, once one asks', async () => {
  server.put(dataset('a'));
  await show();
  const user = userEvent.setup();
  await user.click(screen.getByRole('checkbox', { name: /^a\d/ }));
  await user.click(await screen.findByRole('button', { name: /1 method does not fit/ }));
  const list = screen.getByRole('list', { name: 'Methods that do not fit' });
  expect(within(list).getByText('Needs counts.')).toBeTruthy();
  expect(within(list).getByRole('checkbox', { name: 'COUNTS' })).toHaveProperty('disabled', true);
});

test('a data set is removed after a question', async () => {
  server.put(dataset('a'), dataset('b'));
  await show();
  const user = userEvent.setup();
  await user.click(screen.getByRole('checkbox', { name: /^a\d/ }));
  await user.click(await screen.findByRole('button', { name: 'Remove …' }));
  expect(asked).toEqual(['Remove a?']);
  await screen.findByRole('checkbox', { name: /^b\d/ });
  expect(screen.queryByRole('checkbox', { name: /^a\d/ })).toBeNull();
});

test('files dropped anywhere on the panel come in', async () => {
  await show();
  const files = [new File(['gene,a,b'], 'mine.csv')];
  fireEvent.drop(screen.getByRole('button', { name: 'Choose a file …' }), {
    dataTransfer: { types: ['Files'], files }
  });
  await screen.findByRole('heading', { name: 'leukemia@1' });
  expect(server.added).toEqual([{ uploads: ['u-mine.csv'] }]);
});
