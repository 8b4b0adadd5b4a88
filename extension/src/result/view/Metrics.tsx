import * as React from 'react';

import { Empty, useSignal, useTrans } from '../../core/ui';
import { type ResultModel } from '../model/result';
import { oneLine } from '../safe/text';

/** The numbers that the notebook reported: live while it runs. */
export function MetricsTab(props: { model: ResultModel }): React.ReactElement {
  const { model } = props;
  const trans = useTrans();
  const detail = useSignal(model.changed, () => model.detail);
  useSignal(model.drawn, () => model.version);
  const found = Object.entries({ ...Object.fromEntries(model.notebook.metrics), ...(detail?.metrics ?? {}) });
  if (!found.length) {
    return (
      <Empty title={trans.__('No numbers were reported.')}>
        <p>{trans.__('A notebook reports one with:')}</p>
        <pre>from codalab_nb import report{'\n'}report.metric("genes_found", 691)</pre>
      </Empty>
    );
  }
  return (
    <table className="codalab-Output-table">
      <thead>
        <tr>
          <th scope="col">{trans.__('Metric')}</th>
          <th scope="col" className="codalab-mod-number">
            {trans.__('Value')}
          </th>
        </tr>
      </thead>
      <tbody>
        {found.map(([name, value]) => (
          <tr key={name}>
            <th scope="row">{oneLine(name)}</th>
            <td className="codalab-mod-number">{number(value)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Four figures that count, whole numbers whole. */
export function number(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e15) {
    return value.toLocaleString();
  }
  const small = Math.abs(value) < 1e-3 || Math.abs(value) >= 1e6;
  return small
    ? value.toExponential(2)
    : Number(value.toPrecision(4)).toLocaleString(undefined, { maximumFractionDigits: 6 });
}
