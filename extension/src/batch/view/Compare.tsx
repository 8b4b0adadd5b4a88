import * as React from 'react';

import { type Batch } from '../../core/types';
import { oneLine } from '../../result/safe/text';
import { number } from '../../result/view/Metrics';
import { nameOf } from '../table';
import { Figures } from './Figures';
import { Empty, useTrans } from './shared';

/** Two to four runs side by side: first figures, settings that differ, metrics. */
export function Compare(props: { batch: Batch; picked: readonly string[] }): React.ReactElement {
  const { batch, picked } = props;
  const trans = useTrans();
  const cells = batch.cells.filter(cell => picked.includes(cell.task.task));
  if (cells.length < 2) {
    return (
      <Empty title={trans.__('Pick two to four runs to see them side by side.')}>
        <p>{trans.__('Go to the table, and tick the boxes at the left.')}</p>
      </Empty>
    );
  }
  const metrics = batch.metrics.filter(metric => cells.some(cell => metric.name in cell.task.metrics));
  return (
    <>
      <Figures batch={{ ...batch, cells }} />
      <div
        className="codalab-Output-wide"
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls: the keyboard must reach it
        tabIndex={0}
        role="region"
        aria-label={trans.__('Metrics')}
      >
        <table className="codalab-Output-table">
          <thead>
            <tr>
              <th scope="col">{trans.__('Metric')}</th>
              {cells.map(cell => (
                <th key={cell.task.task} scope="col" className="codalab-mod-number">
                  {oneLine(nameOf(batch, cell.task))}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {metrics.map(metric => (
              <tr key={metric.name}>
                <th scope="row">{oneLine(metric.title)}</th>
                {cells.map(cell => {
                  const value = cell.task.metrics[metric.name];
                  return (
                    <td key={cell.task.task} className="codalab-mod-number">
                      {value === undefined ? '' : number(value)}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}
