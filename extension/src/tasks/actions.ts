import { Notification } from '@jupyterlab/apputils';
import { type CommandRegistry } from '@lumino/commands';

import { type ICodalab } from '../core/codalab';
import { problemsOf } from '../core/errors';
import { isOpen } from '../core/states';
import { type Acted, type Task } from '../core/types';
import { confirm } from '../core/ui';
import { Command } from '../tokens';

/** What can be done to tasks, from wherever they are shown. What could not be done is told, each reason once. */
export class Actions {
  constructor(
    private readonly _codalab: ICodalab,
    private readonly _commands: CommandRegistry
  ) {}

  async cancel(tasks: readonly string[]): Promise<void> {
    await this._act('cancel', tasks);
  }

  async retry(tasks: readonly string[]): Promise<void> {
    await this._act('retry', tasks);
  }

  async remove(tasks: readonly string[]): Promise<void> {
    const { trans } = this._codalab;
    const sure = await confirm({
      title: trans._n('Delete this task?', 'Delete %1 tasks?', tasks.length),
      body: trans._n(
        'Its result is deleted, too. This cannot be undone.',
        'Their results are deleted, too. This cannot be undone.',
        tasks.length
      ),
      verb: trans.__('Delete'),
      trans
    });
    if (sure) {
      await this._act('remove', tasks);
    }
  }

  /** Opens where its choices can be changed: the panel for an analysis, the notebook for a notebook. */
  async copyAndChange(task: string): Promise<void> {
    try {
      const again = await this._codalab.api.get('/tasks/{task}/again', { path: { task } });
      await this._commands.execute(
        again.kind === 'notebook' ? Command.analyzeNotebook : Command.openPanel,
        again.kind === 'notebook' ? { path: again.notebook ?? '', task } : { task }
      );
    } catch (error) {
      this._tell(error);
    }
  }

  private async _act(action: 'cancel' | 'retry' | 'remove', tasks: readonly string[]): Promise<void> {
    if (!tasks.length) {
      return;
    }
    try {
      this._tellUndone(await this._codalab.act({ action, tasks: [...tasks] }));
    } catch (error) {
      this._tell(error);
    }
  }

  private _tellUndone(acted: Acted): void {
    const reasons = new Map<string, number>();
    acted.tasks
      .filter(one => !one.done)
      .forEach(one => reasons.set(one.message, (reasons.get(one.message) ?? 0) + 1));
    reasons.forEach((count, reason) => {
      Notification.warning(count > 1 ? this._codalab.trans.__('%1 tasks: %2', count, reason) : reason);
    });
  }

  private _tell(error: unknown): void {
    for (const problem of problemsOf(error)) {
      Notification.error([problem.message, problem.fix].filter(Boolean).join(' '), { autoClose: false });
    }
  }
}

/** Which actions make sense for these tasks. */
export function possible(tasks: readonly Task[]): {
  cancel: boolean;
  retry: boolean;
  remove: boolean;
  copy: boolean;
} {
  const ended = tasks.some(task => !isOpen(task.state));
  return {
    cancel: tasks.some(task => isOpen(task.state)),
    retry: ended,
    remove: ended,
    copy: tasks.length === 1
  };
}
