import * as React from 'react';

import { type Status } from '../types';
import { usePage, useSignal, useTrans } from './context';
import { ErrorBox } from './ErrorBox';

/**
 * Above whatever it concerns: the server is gone, does not know us, or no work is taken. What is shown below stays, so
 * that nothing is lost, and is up to date again as soon as the connection is.
 */
export function ServerGoneBanner(): React.ReactElement | null {
  const { codalab } = usePage();
  const trans = useTrans();
  const state = useSignal(codalab.stream.stateChanged, () => codalab.stream.state);
  const fault = useSignal(codalab.faultChanged, () => codalab.fault);
  const status = useSignal(codalab.status.changed, () => codalab.status.status);
  const retry = { label: trans.__('Try again now'), run: () => codalab.reconnect() };
  if (fault) {
    return <ErrorBox problems={fault.problems} action={retry} />;
  }
  if (state === 'gone') {
    return (
      <ErrorBox
        problems={[
          {
            code: 'server_gone',
            message: trans.__('The connection to the Jupyter server is lost.'),
            fix: trans.__(
              'What you see may be old. Tasks go on without this page; it catches up by itself when the server is back.'
            ),
            at: null
          }
        ]}
        action={retry}
      />
    );
  }
  return <Stuck status={status} />;
}

function Stuck(props: { status: Status | null }): React.ReactElement | null {
  const stuck = props.status?.stuck;
  return stuck ? (
    <ErrorBox kind="warning" problems={[{ code: 'stuck', message: stuck, fix: '', at: null }]} />
  ) : null;
}
