import {
  ILabShell,
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette, MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import { type Message } from '@lumino/messaging';
import * as React from 'react';

import { show } from '../core/places';
import { type IPage, matrixIcon, View } from '../core/ui';
import { Command, type ICodalab, ICodalabToken, SYSTEMATIC_PLUGIN } from '../tokens';
import { SystematicModel } from './model';
import { SystematicView } from './view/SystematicView';

const ID = 'codalab-systematic';

/** The one document of systematic analysis. */
class SystematicWidget extends View {
  constructor(page: IPage) {
    const model = new SystematicModel(page.codalab);
    super(page, () => React.createElement(SystematicView, { model }));
    this._model = model;
    this.title.icon = matrixIcon;
    this.title.label = page.codalab.trans.__('Systematic analysis');
    this.title.caption = page.codalab.trans.__('All methods on all data sets: results, gaps and reasons');
    this.addClass('codalab-SystematicWidget');
  }

  override dispose(): void {
    this._model.dispose();
    super.dispose();
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._model.show(true);
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this._model.show(this.isVisible);
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this._model.show(false);
  }

  private readonly _model: SystematicModel;
}

export const systematic: JupyterFrontEndPlugin<void> = {
  id: SYSTEMATIC_PLUGIN,
  description: 'Systematic analysis: its switch, and the matrix of data sets × methods.',
  autoStart: true,
  requires: [ICodalabToken],
  optional: [ILabShell, ILayoutRestorer, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    codalab: ICodalab,
    lab: ILabShell | null,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null
  ) => {
    const { commands } = app;
    const { trans } = codalab;
    const tracker = new WidgetTracker<MainAreaWidget<SystematicWidget>>({ namespace: ID });
    commands.addCommand(Command.openSystematic, {
      label: trans.__('Systematic Analysis'),
      caption: trans.__('All methods on all data sets: results, gaps and reasons'),
      icon: matrixIcon,
      describedBy: { args: { type: 'object' } },
      execute: async () => {
        let widget = tracker.currentWidget;
        if (!widget || widget.isDisposed) {
          const content = new SystematicWidget({ codalab, commands });
          widget = new MainAreaWidget({ content });
          widget.id = ID;
          widget.toolbar.hide();
          widget.title.closable = true;
          await tracker.add(widget);
        }
        show(app, lab, widget);
        return widget;
      }
    });
    palette?.addItem({ command: Command.openSystematic, category: trans.__('CodaLab') });
    void restorer?.restore(tracker, { command: Command.openSystematic, name: () => ID });
  }
};
