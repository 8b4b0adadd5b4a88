import { type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';

import { Command, COMMANDS_PLUGIN, type ICodalab, ICodalabToken } from '../tokens';

/** Commands that belong to no view, and those of the list of tasks in the command palette. */
export const commands: JupyterFrontEndPlugin<void> = {
  id: COMMANDS_PLUGIN,
  description: 'Commands of CodaLab.',
  autoStart: true,
  requires: [ICodalabToken],
  optional: [ICommandPalette],
  activate: (app: JupyterFrontEnd, codalab: ICodalab, palette: ICommandPalette | null) => {
    const { trans } = codalab;
    app.commands.addCommand(Command.reconnect, {
      label: trans.__('Connect to the server again'),
      isEnabled: () => codalab.fault !== null || codalab.stream.state === 'gone',
      execute: () => codalab.reconnect(),
      describedBy: { args: { type: 'object' } }
    });
    const category = trans.__('CodaLab');
    for (const command of [Command.openTasks, Command.openTasksWide, Command.reconnect]) {
      palette?.addItem({ command, category, args: { isPalette: true } });
    }
    const refresh = (): void => app.commands.notifyCommandChanged(Command.reconnect);
    codalab.stream.stateChanged.connect(refresh);
    codalab.faultChanged.connect(refresh);
  }
};
