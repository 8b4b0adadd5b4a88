import { ReactWidget } from '@jupyterlab/ui-components';
import * as React from 'react';

import { type IPage, PageProvider } from './context';
import { Fence } from './Fence';

/** A widget that shows one component, with what every component may ask for. */
export class View extends ReactWidget {
  constructor(
    private readonly _page: IPage,
    private readonly _content: () => React.ReactElement
  ) {
    super();
    this.addClass('codalab-View');
  }

  protected override render(): React.ReactElement {
    return (
      <PageProvider value={this._page}>
        <Fence>{this._content()}</Fence>
      </PageProvider>
    );
  }
}
