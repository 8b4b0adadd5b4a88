import { core } from './core/plugin';
import { panel } from './panel/plugin';
import { commands } from './shell/commands';
import { launcher } from './shell/launcher';
import { notifications } from './shell/notifications';
import { statusBar } from './shell/statusbar';
import { tasks } from './tasks/plugin';

export default [core, panel, tasks, commands, statusBar, notifications, launcher];
