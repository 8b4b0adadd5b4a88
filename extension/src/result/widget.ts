import { MainAreaWidget } from '@jupyterlab/apputils';
import * as React from 'react';

import { oneLine } from './safe/text';
import { type IPage, logoIcon, View } from '../core/ui';
import { type IActions } from './actions';
import { ResultModel } from './model/result';
import { type IRenderers } from './view/renderers';
import { ResultView } from './view/ResultView';

/** The tab of one task. */
export class ResultWidget extends MainAreaWidget<View> {
  constructor(options: { task: string; page: IPage; actions: IActions; renderers: IRenderers }) {
    const { task, page, actions, renderers } = options;
    const model = new ResultModel(task, page.codalab);
    super({ content: new View(page, () => React.createElement(ResultView, { model, actions, renderers })) });
    this.task = task;
    this._model = model;
    this.id = `codalab-result-${task}`;
    this.addClass('codalab-ResultDocument');
    this.toolbar.hide();
    this.title.closable = true;
    this.title.icon = logoIcon;
    this.title.label = page.codalab.trans.__('Result');
    model.changed.connect(this._retitle, this);
  }

  readonly task: string;

  override dispose(): void {
    if (!this.isDisposed) {
      this._model.dispose();
      super.dispose();
    }
  }

  private _retitle(): void {
    const detail = this._model.detail;
    if (detail) {
      const { trans } = this._model.codalab;
      const label = detail.method ? oneLine(detail.label) : trans.__('Result of %1', oneLine(detail.label));
      this.title.label = label.length > 40 ? `${label.slice(0, 39)}…` : label;
      this.title.caption = label;
    }
  }

  private readonly _model: ResultModel;
}
