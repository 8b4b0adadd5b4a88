import * as React from 'react';

import { size } from '../../core/text';
import { type Preview, type ResultFile } from '../../core/types';
import { ErrorBox, useTrans } from '../../core/ui';
import { type IActions } from '../actions';
import { Lazy } from '../model/lazy';
import { type ResultModel } from '../model/result';
import { harmless, oneLine } from '../safe/text';
import { useLazy } from './useLazy';

const ROWS = 20;

interface IGroup {
  model: ResultModel;
  group: readonly ResultFile[];
}

export function DownloadLink(props: {
  model: ResultModel;
  file: ResultFile;
  words: string;
}): React.ReactElement {
  const { model, file } = props;
  const href = model.codalab.api.url('/tasks/{task}/files/{path}', {
    path: { task: model.task, path: file.path }
  });
  return (
    <a className="codalab-Files-download" href={href} download={name(file.path)} title={size(file.size)}>
      {props.words}
    </a>
  );
}

/** A figure with its downloads: a PNG for slides, an SVG or PDF for a paper. */
export function FigureFile(props: IGroup): React.ReactElement {
  const { model, group } = props;
  const trans = useTrans();
  const shown = group.find(file => /\.(png|jpe?g|gif)$/i.test(file.path));
  const title = oneLine(group[0]?.title ?? name(group[0]?.path ?? ''));
  return (
    <figure className="codalab-FileCard">
      {shown ? (
        <img
          src={model.codalab.api.url('/tasks/{task}/figures/{path}', {
            path: { task: model.task, path: shown.path }
          })}
          alt={oneLine(shown.alt ?? title)}
          loading="lazy"
        />
      ) : null}
      <figcaption>
        <span>{title}</span>
        <span className="codalab-FileCard-links">
          {group.map(file => (
            <DownloadLink
              key={file.path}
              model={model}
              file={file}
              words={ending(file.path) || trans.__('file')}
            />
          ))}
        </span>
      </figcaption>
    </figure>
  );
}

/** A table: its first rows, its downloads, and the way into one's own notebook. */
export function TableFile(
  props: IGroup & { actions: IActions; run: (work: () => Promise<unknown>) => void }
): React.ReactElement {
  const { model, group, actions, run } = props;
  const trans = useTrans();
  const [brought, setBrought] = React.useState('');
  const text = group.find(file => /\.(csv|tsv|txt)$/i.test(file.path)) ?? group[0];
  const hasWorkbook = group.some(file => /\.xlsx$/i.test(file.path));
  if (!text) {
    return <></>;
  }
  const { api } = model.codalab;
  const at = { path: { task: model.task, path: text.path } };
  const bring = async (): Promise<void> => {
    setBrought('');
    setBrought(await actions.bringTable(model.task, text.path));
  };
  return (
    <div className="codalab-FileCard">
      <div className="codalab-FileCard-head">
        <span>{oneLine(text.title ?? name(text.path))}</span>
        <span className="codalab-FileCard-links">
          {hasWorkbook ? null : (
            <a
              className="codalab-Files-download"
              href={api.url('/tasks/{task}/workbooks/{path}', at)}
              download
            >
              XLSX
            </a>
          )}
          {group.map(file => (
            <DownloadLink key={file.path} model={model} file={file} words={ending(file.path)} />
          ))}
        </span>
      </div>
      {group.map(file =>
        file.note ? (
          <p key={file.path} className="codalab-Output-note">
            {harmless(file.note)}
          </p>
        ) : null
      )}
      <Rows model={model} file={text} />
      <button type="button" className="codalab-Button" onClick={() => run(bring)}>
        {trans.__('Bring the table into the current notebook')}
      </button>
      {brought ? (
        <p className="codalab-Output-note" role="status">
          {trans.__(
            'Copied to %1; the cell that reads it is in your notebook, ready to run.',
            oneLine(brought)
          )}
        </p>
      ) : null}
    </div>
  );
}

function Rows(props: { model: ResultModel; file: ResultFile }): React.ReactElement | null {
  const { model, file } = props;
  const trans = useTrans();
  const lazy = React.useMemo(
    () =>
      new Lazy<Preview>(signal =>
        model.codalab.api.get('/tasks/{task}/tables/{path}', {
          path: { task: model.task, path: file.path },
          query: { rows: ROWS },
          signal
        })
      ),
    [model, file.path]
  );
  React.useEffect(() => () => lazy.dispose(), [lazy]);
  const { value, error } = useLazy(lazy);
  if (!value) {
    return error ? <ErrorBox error={error} kind="warning" /> : null;
  }
  const total = value.n_rows ?? null;
  return (
    <>
      <div
        className="codalab-Output-wide codalab-FileCard-rows"
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls: the keyboard must reach it
        tabIndex={0}
        role="region"
        aria-label={oneLine(file.title ?? file.path)}
      >
        <table className="codalab-Output-table">
          <thead>
            <tr>
              {value.columns.map((column, i) => (
                <th key={i} scope="col">
                  {oneLine(column)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {value.rows.map((row, i) => (
              <tr key={i}>
                {row.map((cell, j) => (
                  <td
                    key={j}
                    className={/^[-+]?[\d.,]+(e[-+]?\d+)?$/i.test(cell) ? 'codalab-mod-number' : undefined}
                  >
                    {oneLine(cell)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {total !== null && total > value.rows.length ? (
        <p className="codalab-Output-note">
          {trans.__('The first %1 of %2 rows.', value.rows.length, total.toLocaleString())}
        </p>
      ) : null}
    </>
  );
}

function name(path: string): string {
  return path.split('/').at(-1) ?? path;
}

function ending(path: string): string {
  const found = /\.([A-Za-z0-9]{1,8})$/.exec(path);
  return (found?.[1] ?? '').toUpperCase();
}
