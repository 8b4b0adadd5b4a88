import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import { IStateDB } from '@jupyterlab/statedb';
import { type Message } from '@lumino/messaging';
import React from 'react';

import { problemsOf } from '../core/errors';
import { confirm, logoIcon, View } from '../core/ui';
import { Command, type ICodalab, ICodalabToken, PANEL_PLUGIN } from '../tokens';
import { type IPanelContext, PanelContext } from './context';
import { PanelModel } from './model';
import { Panel } from './Panel';
import { panelServer } from './server';
import { type Submitted } from './types';

const ID = 'codalab-panel';
const A_FILE = '.jp-DirListing-item[data-isdir="false"]';

/** The panel in the side bar. Each time it comes into sight a kernel is warmed. */
class PanelWidget extends View {
  constructor(page: ConstructorParameters<typeof View>[0], context: IPanelContext) {
    super(page, () => (
      <PanelContext.Provider value={context}>
        <Panel />
      </PanelContext.Provider>
    ));
    const { trans } = context;
    this._warm = () => context.model.warm();
    this.id = ID;
    this.title.icon = logoIcon;
    this.title.caption = trans.__('Analyze data sets');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('Analyze data sets'));
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._warm();
  }

  private readonly _warm: () => void;
}

export const panel: JupyterFrontEndPlugin<void> = {
  id: PANEL_PLUGIN,
  description: 'The panel in which data sets, methods and settings are chosen and analyzed.',
  autoStart: true,
  requires: [ICodalabToken],
  optional: [ILayoutRestorer, IStateDB, ICommandPalette, IFileBrowserFactory],
  activate: (
    app: JupyterFrontEnd,
    codalab: ICodalab,
    restorer: ILayoutRestorer | null,
    memory: IStateDB | null,
    palette: ICommandPalette | null,
    browsers: IFileBrowserFactory | null
  ) => {
    const { trans } = codalab;
    const { commands } = app;
    const opened = (sent: Submitted): void => {
      if (codalab.preferences.now.openResult) {
        void show(sent);
      }
    };
    const show = async (sent: Submitted): Promise<void> => {
      const [task] = sent.tasks;
      if (sent.tasks.length === 1 && task) {
        await commands.execute(Command.openResult, { task });
      } else if (sent.batch) {
        await commands.execute(Command.openBatch, { batch: sent.batch });
      }
    };
    const server = { ...panelServer(codalab.api), analyze: codalab.analyze.bind(codalab) };
    const model = new PanelModel({ server, opened, show, ...(memory ? { memory } : {}) });
    const context: IPanelContext = {
      model,
      trans,
      figure: method => codalab.api.url('/methods/{method}/figure', { path: { method } }),
      ask: (title, body, verb) => confirm({ title, body, verb, trans })
    };
    const widget = new PanelWidget({ codalab, commands }, context);
    app.shell.add(widget, 'left', { rank: 150 });
    restorer?.add(widget, widget.id);

    // The server says when data sets change; a server that came back may have others.
    codalab.stream.said.connect((_, message) => {
      if (model.isStarted && (message.type === 'datasets' || message.type === 'reset')) {
        void model.refresh();
      }
    });
    let gone = false;
    codalab.stream.stateChanged.connect((_, state) => {
      if (state === 'open' && gone) {
        void model.refresh();
      }
      gone = state === 'gone' || (gone && state !== 'open');
    });

    commands.addCommand(Command.openPanel, {
      label: trans.__('Analyze Data Sets'),
      caption: trans.__('Choose data sets and methods, and analyze'),
      icon: logoIcon,
      describedBy: {
        args: { type: 'object', properties: { task: { type: 'string' }, batch: { type: 'string' } } }
      },
      execute: async args => {
        app.shell.activateById(widget.id);
        const task = typeof args['task'] === 'string' ? args['task'] : null;
        const batch = typeof args['batch'] === 'string' ? args['batch'] : null;
        if (!task && !batch) {
          return;
        }
        try {
          model.choose(
            task
              ? await codalab.api.get('/tasks/{task}/again', { path: { task } })
              : await codalab.api.get('/batches/{batch}/again', { path: { batch: batch ?? '' } })
          );
        } catch (error) {
          model.refuse(problemsOf(error));
        }
      }
    });
    commands.addCommand(Command.addDataset, {
      label: trans.__('Add as Data Set'),
      icon: logoIcon,
      describedBy: { args: { type: 'object', properties: { path: { type: 'string' } } } },
      isVisible: () => browsers !== null,
      execute: async args => {
        const { contents } = app.serviceManager;
        const selected = [...(browsers?.tracker.currentWidget?.selectedItems() ?? [])]
          .filter(item => item.type !== 'directory')
          .map(item => item.path);
        const paths = typeof args['path'] === 'string' ? [args['path']] : selected;
        app.shell.activateById(widget.id);
        await model.adding.paths(paths.map(path => contents.localPath(path)));
      }
    });
    app.contextMenu.addItem({ command: Command.addDataset, selector: A_FILE, rank: 20 });
    palette?.addItem({ command: Command.openPanel, category: trans.__('CodaLab') });

    void app.restored.then(() => model.start());
  }
};
