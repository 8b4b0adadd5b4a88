import { MainAreaWidget } from '@jupyterlab/apputils';
import * as React from 'react';

import { type BatchModel } from '../core/stores/batches';
import { type IPage, tasksIcon, View } from '../core/ui';
import { BatchView } from './view/BatchView';

/** The tab of one batch. */
export class BatchWidget extends MainAreaWidget<View> {
  constructor(
    batch: string,
    private readonly _page: IPage
  ) {
    const page = _page;
    const model = page.codalab.batch(batch);
    super({ content: new View(page, () => React.createElement(BatchView, { model })) });
    this.batch = batch;
    this._model = model;
    this.id = `codalab-batch-${batch}`;
    this.addClass('codalab-BatchDocument');
    this.toolbar.hide();
    this.title.closable = true;
    this.title.icon = tasksIcon;
    this.title.label = page.codalab.trans.__('Batch');
    model.changed.connect(this._retitle, this);
  }

  readonly batch: string;

  override dispose(): void {
    if (!this.isDisposed) {
      this._model.dispose();
      super.dispose();
    }
  }

  private _retitle(): void {
    const batch = this._model.batch;
    if (batch) {
      const { length } = batch.cells;
      this.title.label = this._page.codalab.trans._n('One run', '%1 runs', length);
      this.title.caption = [...batch.methods, ...batch.datasets].join(', ');
    }
  }

  private readonly _model: BatchModel;
}
