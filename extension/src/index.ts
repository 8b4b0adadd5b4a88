import { batch } from './batch/plugin';
import { core } from './core/plugin';
import { notebook } from './notebook/plugin';
import { panel } from './panel/plugin';
import { result } from './result/plugin';
import { commands } from './shell/commands';
import { launcher } from './shell/launcher';
import { notifications } from './shell/notifications';
import { statusBar } from './shell/statusbar';
import { systematic } from './systematic/plugin';
import { tasks } from './tasks/plugin';

export default [
  core,
  panel,
  notebook,
  result,
  batch,
  tasks,
  systematic,
  commands,
  statusBar,
  notifications,
  launcher
];
