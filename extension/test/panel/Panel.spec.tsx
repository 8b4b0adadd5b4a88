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
import { until } from '../support/until';
import { dataset, FakePanel, No, recommendation } from './fakePanel';

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

const titles = (): (string | null)[] =>
  within(screen.getByRole('list', { name: 'Methods that fit' }))
    .getAllByRole('checkbox')
    .map(one => one.closest('label')?.textContent ?? null);

test('what is recommended stands first, with its why, what that rests on, and its settings at a click', async () => {
  server.put(dataset('a'));
  server.advised = [
    {
      dataset: 'a@1',
      evidence: 14,
      note: '',
      recommended: [
        recommendation('pca', 'a@1', { parameters: { floor: 5 }, words: 'floor = 5' }),
        recommendation('de', 'a@1', { badge: false })
      ]
    }
  ];
  await show();
  const user = userEvent.setup();
  await user.click(screen.getByRole('checkbox', { name: /^a\d/ }));
  await until(() => titles().join() === 'PCARecommended,DE');
  const box = screen.getByRole('checkbox', { name: /^PCA/ });
  const told = (box.getAttribute('aria-describedby') ?? '')
    .split(' ')
    .map(id => document.getElementById(id)?.textContent)
    .join(' ');
  expect(told).toContain('pca was best on 4 of 5 data sets like this one.');
  expect(screen.getByText('Recommended').title).toContain('pca was best');
  await user.click(screen.getByText('What that rests on'));
  expect(screen.getByText('Expected repeatable discoveries: 0.87 (mostly 0.70 to 0.95).')).toBeTruthy();
  expect(screen.getByRole('row', { name: 'near 0.90 1 of 6' })).toBeTruthy();
  await user.click(screen.getByRole('button', { name: 'Settings' })); // jsdom cannot draw JupyterLab's form
  await user.click(screen.getByRole('button', { name: 'Use these settings of PCA' }));
  expect(model.settings.state.own).toEqual({ pca: { floor: 5 } });
  expect(model.methods.state.chosen).toEqual(['pca']);
  expect(screen.getByRole('button', { name: 'These settings of PCA are used' })).toHaveProperty(
    'disabled',
    true
  );
});

test('without evidence no method is marked, and a sentence says so', async () => {
  server.put(dataset('a'));
  server.advised = [
    { dataset: 'a@1', evidence: 0, note: 'No evidence yet: simple and fast first.', recommended: [] }
  ];
  await show();
  await userEvent.setup().click(screen.getByRole('checkbox', { name: /^a\d/ }));
  expect(await screen.findByText('No evidence yet: simple and fast first.')).toBeTruthy();
  expect(screen.queryByText('Recommended')).toBeNull();
});

test('the list does not wait for what is recommended, and does not move under the pointer', async () => {
  server.put(dataset('a'));
  server.advised = [{ dataset: 'a@1', evidence: 14, note: '', recommended: [recommendation('pca', 'a@1')] }];
  const advise = server.hold('advice');
  await show();
  const user = userEvent.setup();
  await user.click(screen.getByRole('checkbox', { name: /^a\d/ }));
  await until(() => titles().join() === 'DE,PCA');
  await user.hover(screen.getByRole('checkbox', { name: 'DE' }));
  advise();
  await screen.findByText('Recommended');
  expect(titles()).toEqual(['DE', 'PCARecommended']);
  await user.unhover(screen.getByRole('checkbox', { name: 'DE' }));
  await until(() => titles().join() === 'PCARecommended,DE');
});

test('a fault of the recommender leaves the list as it is, and is told', async () => {
  server.put(dataset('a'));
  server.refusals.set('advice', new No('Recommendations need sklearn.'));
  await show();
  await userEvent.setup().click(screen.getByRole('checkbox', { name: /^a\d/ }));
  expect(await screen.findByText(/Recommendations need sklearn/)).toBeTruthy();
  expect(titles()).toEqual(['DE', 'PCA']);
});
