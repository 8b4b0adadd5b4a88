import * as React from 'react';

import { problemsOf } from '../errors';
import { usePage } from './context';
import { ErrorBox } from './ErrorBox';

/** A fault while drawing stays in this view, is told, and can be tried again. */
export function Fence(props: { children: React.ReactNode }): React.ReactElement {
  const { codalab } = usePage();
  return <Boundary retryLabel={codalab.trans.__('Try again')}>{props.children}</Boundary>;
}

interface IProps {
  children: React.ReactNode;
  retryLabel: string;
}

class Boundary extends React.Component<IProps, { error: unknown }> {
  override state: { error: unknown } = { error: null };

  static getDerivedStateFromError(error: unknown): { error: unknown } {
    return { error };
  }

  override render(): React.ReactNode {
    return this.state.error === null ? (
      this.props.children
    ) : (
      <ErrorBox
        problems={problemsOf(this.state.error)}
        action={{ label: this.props.retryLabel, run: () => this.setState({ error: null }) }}
      />
    );
  }
}
