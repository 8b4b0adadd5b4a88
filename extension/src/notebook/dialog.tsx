import { Dialog } from '@jupyterlab/apputils';
import * as React from 'react';

import { type IPage, View } from '../core/ui';
import { AnalyzeForm } from './AnalyzeForm';
import { type AnalyzeModel } from './model';

const ANALYZE = 1;

/** The dialog stays open until what it submits is accepted: what is wrong is told in it, and nothing typed is lost. */
export class AnalyzeDialog extends Dialog<unknown> {
  constructor(
    private readonly _model: AnalyzeModel,
    page: IPage
  ) {
    const { trans } = page.codalab;
    const body = new View(page, () => <AnalyzeForm model={_model} />);
    body.addClass('codalab-Dialog');
    super({
      title: trans.__('Analyze this notebook'),
      body,
      buttons: [Dialog.cancelButton(), Dialog.okButton({ label: trans.__('Analyze') })],
      defaultButton: ANALYZE,
      hasClose: true
    });
    this.addClass('codalab-AnalyzeDialog');
    _model.changed.connect(this._onChanged, this);
    this._onChanged();
  }

  /** The new task, when there is one. */
  get task(): string | null {
    return this._task;
  }

  override resolve(index?: number): void {
    if ((index ?? ANALYZE) !== ANALYZE) {
      super.resolve(index);
      return;
    }
    void this._model.submit().then(task => {
      if (task !== null && !this.isDisposed) {
        this._task = task;
        super.resolve(ANALYZE);
      }
    });
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this._model.changed.disconnect(this._onChanged, this);
      this._model.dispose();
      super.dispose();
    }
  }

  private _onChanged(): void {
    const button = this.node.querySelector<HTMLButtonElement>('button.jp-mod-accept');
    if (button) {
      button.disabled = !this._model.ready;
    }
  }

  private _task: string | null = null;
}
