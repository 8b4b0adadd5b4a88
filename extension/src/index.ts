import { core } from './core/plugin';
import { commands } from './shell/commands';
import { launcher } from './shell/launcher';
import { notifications } from './shell/notifications';
import { statusBar } from './shell/statusbar';
import { tasks } from './tasks/plugin';

export default [core, tasks, commands, statusBar, notifications, launcher];
