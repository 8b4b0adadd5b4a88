import {
  ILabShell,
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { WidgetTracker } from '@jupyterlab/apputils';

import { show } from '../core/places';
import { BATCH_PLUGIN, Command, type ICodalab, ICodalabToken } from '../tokens';
import { BatchWidget } from './widget';

export const batch: JupyterFrontEndPlugin<void> = {
  id: BATCH_PLUGIN,
  description: 'The table of a batch.',
  autoStart: true,
  requires: [ICodalabToken],
  optional: [ILabShell, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    codalab: ICodalab,
    lab: ILabShell | null,
    restorer: ILayoutRestorer | null
  ) => {
    const { commands } = app;
    const tracker = new WidgetTracker<BatchWidget>({ namespace: 'codalab-batch' });
    commands.addCommand(Command.openBatch, {
      label: codalab.trans.__('Open Batch'),
      describedBy: {
        args: { type: 'object', properties: { batch: { type: 'string' } }, required: ['batch'] }
      },
      execute: async args => {
        const id = typeof args['batch'] === 'string' ? args['batch'] : '';
        const open = tracker.find(widget => widget.batch === id);
        const widget = open ?? new BatchWidget(id, { codalab, commands });
        show(app, lab, widget);
        if (!open) {
          await tracker.add(widget);
        }
        return widget;
      }
    });
    void restorer?.restore(tracker, {
      command: Command.openBatch,
      args: widget => ({ batch: widget.batch }),
      name: widget => widget.batch
    });
  }
};
