/** Ids, tokens and types that plugins share: a contract with settings, layouts and other extensions. Runs nothing. */

import { Token } from '@lumino/coreutils';

import { type ICodalab } from './core/codalab';

export { type ICodalab } from './core/codalab';

export const PACKAGE = 'codalab-nb';

export const CORE_PLUGIN = `${PACKAGE}:core`;
export const TASKS_PLUGIN = `${PACKAGE}:tasks`;
export const COMMANDS_PLUGIN = `${PACKAGE}:commands`;
export const STATUS_BAR_PLUGIN = `${PACKAGE}:statusbar`;
export const NOTIFICATIONS_PLUGIN = `${PACKAGE}:notifications`;
export const LAUNCHER_PLUGIN = `${PACKAGE}:launcher`;
export const PANEL_PLUGIN = `${PACKAGE}:panel`;
export const RESULT_PLUGIN = `${PACKAGE}:result`;
export const BATCH_PLUGIN = `${PACKAGE}:batch`;
export const NOTEBOOK_PLUGIN = `${PACKAGE}:notebook`;
export const SYSTEMATIC_PLUGIN = `${PACKAGE}:systematic`;

/** The model of everything: requests, the event stream, and what is known of status, tasks, batches and data sets. */
export const ICodalabToken = new Token<ICodalab>(
  `${PACKAGE}:ICodalab`,
  'Data sets, methods, tasks and batches of codalab_nb, kept up to date by the server.'
);

/** Commands, with their arguments. Who registers one is said beside it. */
export const Command = {
  /** Opens the left panel. `{task}` or `{batch}`: with the choices that one was made with (panel/). */
  openPanel: 'codalab:open-panel',
  /** `{path}`: adds a file of the file browser as a data set (panel/). */
  addDataset: 'codalab:add-dataset',
  /** Analyzes the notebook in front. `{path}`: another one; `{task}`: with the choices of that task (notebook/). */
  analyzeNotebook: 'codalab:analyze-notebook',
  /** `{task}`: its live result, or the finished one (result/). */
  openResult: 'codalab:open-result',
  /** `{batch}`: the table of a batch (batch/). */
  openBatch: 'codalab:open-batch',
  /** The matrix of data sets × methods, and the switch of systematic analysis (systematic/). */
  openSystematic: 'codalab:open-systematic',
  /** The list of tasks in the side bar (tasks/). */
  openTasks: 'codalab:open-tasks',
  /** The list of tasks in the main area (tasks/). */
  openTasksWide: 'codalab:open-tasks-wide',
  /** `{tasks: […]}` (tasks/). */
  cancelTasks: 'codalab:cancel-tasks',
  /** `{tasks: […]}` (tasks/). */
  retryTasks: 'codalab:retry-tasks',
  /** `{tasks: […]}`; asks first (tasks/). */
  removeTasks: 'codalab:remove-tasks',
  /** `{task}`: opens the panel, or the notebook, with the choices of that task (tasks/). */
  copyAndChange: 'codalab:copy-and-change',
  /** For the context menu of a list: of the row that was clicked (tasks/). */
  openClicked: 'codalab:open-clicked-task',
  openClickedBatch: 'codalab:open-clicked-batch',
  listClickedBatch: 'codalab:list-clicked-batch',
  /** Connects to the server again at once (shell/). */
  reconnect: 'codalab:reconnect'
} as const;
