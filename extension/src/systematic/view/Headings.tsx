import * as React from 'react';

import { type MatrixColumn } from '../../core/types';
import { useSignal, useTrans } from '../../core/ui';
import { type SystematicModel } from '../model';
import { type Spot } from '../spot';
import { questionWords } from '../words';

interface IProps {
  model: SystematicModel;
  columns: readonly MatrixColumn[];
  at: Spot;
  onLook: (column: number) => void;
}

/** Kinds of question, and below them their configurations. A click sorts: the best first, then the least, then not. */
export function Headings(props: IProps): React.ReactElement {
  const { model, columns, at } = props;
  const trans = useTrans();
  const { sort } = useSignal(model.changed, () => model.filter);
  const spotOf = (column: number): { tabIndex: number; 'data-spot': string } => ({
    tabIndex: at.row === -1 && at.column === column ? 0 : -1,
    'data-spot': `-1:${column}`
  });
  const sortBy = (key: string): void => {
    const before = sort?.key === key ? sort : null;
    model.setFilter({ sort: before?.up ? null : { key, up: before !== null } });
  };
  return (
    <thead>
      <tr className="codalab-Matrix-questions" aria-rowindex={1}>
        <td />
        {groups(columns).map(group => (
          <th key={group.question} scope="colgroup" colSpan={group.columns}>
            <span>{questionWords(group.question, trans)}</span>
          </th>
        ))}
      </tr>
      <tr className="codalab-Matrix-titles" aria-rowindex={2}>
        <th scope="col" aria-colindex={1} aria-sort={sort ? 'none' : 'ascending'}>
          <button
            type="button"
            {...spotOf(-1)}
            title={trans.__('By name')}
            onFocus={() => props.onLook(-1)}
            onClick={() => model.setFilter({ sort: null })}
          >
            {trans.__('Data set')}
          </button>
        </th>
        {columns.map((column, i) => {
          const sorted = sort?.key === column.key ? (sort.up ? 'ascending' : 'descending') : 'none';
          return (
            <th key={column.key} scope="col" aria-colindex={i + 2} aria-sort={sorted}>
              <button
                type="button"
                {...spotOf(i)}
                title={[
                  column.title,
                  column.words,
                  column.measure ? trans.__('Score: %1', column.measure) : trans.__('It has no score.')
                ]
                  .filter(Boolean)
                  .join('\n')}
                onFocus={() => props.onLook(i)}
                onClick={() => sortBy(column.key)}
              >
                <span className="codalab-Matrix-title">{column.title}</span>
                {column.words && <span className="codalab-Matrix-words">{column.words}</span>}
                <span className="codalab-Matrix-arrow" aria-hidden="true">
                  {sorted === 'ascending' ? '▴' : sorted === 'descending' ? '▾' : ''}
                </span>
              </button>
            </th>
          );
        })}
      </tr>
    </thead>
  );
}

/** Neighbouring columns of one kind of question. */
function groups(columns: readonly MatrixColumn[]): { question: string; columns: number }[] {
  const found: { question: string; columns: number }[] = [];
  for (const { question: asked, method } of columns) {
    const question = asked === method ? '' : asked; // it is compared with nothing
    const group = found.at(-1);
    if (group?.question === question) {
      group.columns += 1;
    } else {
      found.push({ question, columns: 1 });
    }
  }
  return found;
}
