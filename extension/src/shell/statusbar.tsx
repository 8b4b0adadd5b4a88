import { type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IStatusBar } from '@jupyterlab/statusbar';
import * as React from 'react';

import { useSignal, usePage, useTrans, View } from '../core/ui';
import { Command, type ICodalab, ICodalabToken, STATUS_BAR_PLUGIN } from '../tokens';

export const statusBar: JupyterFrontEndPlugin<void> = {
  id: STATUS_BAR_PLUGIN,
  description: 'How much runs and waits, in the status bar.',
  autoStart: true,
  requires: [ICodalabToken],
  optional: [IStatusBar],
  activate: (app: JupyterFrontEnd, codalab: ICodalab, bar: IStatusBar | null) => {
    if (bar) {
      const item = new View({ codalab, commands: app.commands }, () => <StatusItem />);
      item.addClass('codalab-StatusItem');
      bar.registerStatusItem(STATUS_BAR_PLUGIN, { item, align: 'left', rank: 20 });
    }
  }
};

/** `2 running, 1 queued`; that the server is gone; or that no work is taken. Opens the list of tasks. */
export function StatusItem(): React.ReactElement {
  const { codalab, commands } = usePage();
  const trans = useTrans();
  const status = useSignal(codalab.status.changed, () => codalab.status.status);
  const connection = useSignal(codalab.stream.stateChanged, () => codalab.stream.state);
  const fault = useSignal(codalab.faultChanged, () => codalab.fault);
  const { running, queued } = status?.busy ?? { running: 0, queued: 0 };
  const wrong = fault !== null || connection === 'gone' || Boolean(status?.stuck);

  let words: string;
  let title = trans.__('Show the tasks of CodaLab');
  if (fault) {
    words = trans.__('not available');
    title = fault.message;
  } else if (connection === 'gone') {
    words = trans.__('connecting …');
    title = trans.__('The connection to the Jupyter server is lost. It is tried again by itself.');
  } else if (running && queued) {
    words = trans.__('%1 running, %2 queued', running, queued);
  } else if (running) {
    words = trans.__('%1 running', running);
  } else if (queued) {
    words = trans.__('%1 queued', queued);
  } else {
    words = trans.__('idle');
  }
  if (status?.stuck) {
    title = status.stuck;
  }
  return (
    <button
      type="button"
      className={`codalab-StatusItem-button${wrong ? ' codalab-mod-wrong' : ''}`}
      title={title}
      onClick={() => void commands.execute(Command.openTasks)}
    >
      {wrong ? <span aria-hidden="true">⚠ </span> : null}
      {trans.__('CodaLab: %1', words)}
    </button>
  );
}
