import { type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILauncher } from '@jupyterlab/launcher';

import { Command, type ICodalab, ICodalabToken, LAUNCHER_PLUGIN } from '../tokens';

export const launcher: JupyterFrontEndPlugin<void> = {
  id: LAUNCHER_PLUGIN,
  description: 'Cards in the launcher.',
  autoStart: true,
  requires: [ICodalabToken],
  optional: [ILauncher],
  activate: (_: JupyterFrontEnd, { trans }: ICodalab, launcher: ILauncher | null) => {
    const category = trans.__('CodaLab');
    launcher?.add({ command: Command.openPanel, category, rank: 0 });
    launcher?.add({ command: Command.openTasksWide, category, rank: 1 });
  }
};
