import * as React from 'react';

import { Busy, ErrorBox, useSignal, useTrans } from '../../core/ui';
import { type ReportModel } from '../model/report';

/** report.html: one file with everything in it, to be sent to somebody. */
export function ReportButton(props: { report: ReportModel }): React.ReactElement {
  const { report } = props;
  const trans = useTrans();
  const state = useSignal(report.changed, () => report.state);
  const error = useSignal(report.changed, () => report.error);
  if (state === 'ready') {
    return (
      <a className="codalab-Button" href={report.url} download="report.html">
        {trans.__('Download report.html')}
      </a>
    );
  }
  if (state !== 'none') {
    return <Busy label={trans.__('Making report.html …')} />;
  }
  return (
    <>
      <button
        type="button"
        className="codalab-Button"
        title={trans.__('One file with everything in it, to be sent to somebody')}
        onClick={() => void report.make()}
      >
        {trans.__('Make report.html')}
      </button>
      <ErrorBox error={error} />
    </>
  );
}
