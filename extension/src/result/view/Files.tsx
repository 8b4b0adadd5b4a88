import * as React from 'react';

import { isOpen } from '../../core/states';
import { Busy, Empty, ErrorBox, useSignal, useTrans } from '../../core/ui';
import { type ResultFile } from '../../core/types';
import { type IActions } from '../actions';
import { type ResultModel } from '../model/result';
import { oneLine } from '../safe/text';
import { DownloadLink, FigureFile, TableFile } from './FileCards';
import { useLazy } from './useLazy';

interface IProps {
  model: ResultModel;
  actions: IActions;
  run: (work: () => Promise<unknown>) => void;
}

/** Figures, tables and whatever else the run left behind; while it runs there is nothing to ask for. */
export function FilesTab(props: IProps): React.ReactElement {
  const { model } = props;
  const trans = useTrans();
  const open = useSignal(model.changed, () => model.detail !== null && isOpen(model.detail.state));
  return open ? (
    <Empty title={trans.__('Files are here when the run has ended.')}>
      <p>{trans.__('Figures and tables that are ready already stand in the notebook.')}</p>
    </Empty>
  ) : (
    <Left {...props} />
  );
}

function Left(props: IProps): React.ReactElement {
  const { model } = props;
  const trans = useTrans();
  const { value, error } = useLazy(model.files);
  const groups = React.useMemo(() => grouped(value?.files ?? []), [value]);
  if (!value) {
    return error ? <ErrorBox error={error} /> : <Busy label={trans.__('Reading the files …')} />;
  }
  if (!value.files.length) {
    return <Empty title={trans.__('The run left no files.')} />;
  }
  const of = (kind: ResultFile['kind']): (readonly ResultFile[])[] =>
    groups.filter(([one]) => one?.kind === kind);
  const rest = groups.filter(([one]) => one && one.kind !== 'figure' && one.kind !== 'table').flat();
  return (
    <div className="codalab-Files">
      <Section title={trans.__('Figures')} groups={of('figure')}>
        {group => <FigureFile model={model} group={group} />}
      </Section>
      <Section title={trans.__('Tables')} groups={of('table')}>
        {group => <TableFile {...props} group={group} />}
      </Section>
      {rest.length ? (
        <section>
          <h2>{trans.__('Other files')}</h2>
          <ul className="codalab-Files-list">
            {rest.map(file => (
              <li key={file.path}>
                <DownloadLink model={model} file={file} words={oneLine(file.title ?? file.path)} />
                {file.note ? <span className="codalab-Output-note">{oneLine(file.note)}</span> : null}
              </li>
            ))}
          </ul>
        </section>
      ) : null}
      {value.skipped.length ? (
        <section>
          <h2>{trans.__('Not kept')}</h2>
          <ul className="codalab-Files-list">
            {value.skipped.map(one => (
              <li key={one}>{oneLine(one)}</li>
            ))}
          </ul>
        </section>
      ) : null}
      {value.folder ? (
        <p className="codalab-Output-note">{trans.__('Folder: %1', oneLine(value.folder))}</p>
      ) : null}
    </div>
  );
}

function Section(props: {
  title: string;
  groups: readonly (readonly ResultFile[])[];
  children: (group: readonly ResultFile[]) => React.ReactElement;
}): React.ReactElement | null {
  return props.groups.length ? (
    <section>
      <h2>{props.title}</h2>
      <ul className="codalab-Files-cards">
        {props.groups.map(group => (
          <li key={group[0]?.path}>{props.children(group)}</li>
        ))}
      </ul>
    </section>
  ) : null;
}

/** The same figure or table in several formats stands together. */
function grouped(files: readonly ResultFile[]): (readonly ResultFile[])[] {
  const groups = new Map<string, ResultFile[]>();
  for (const file of files) {
    const key = file.group ? `${file.kind}/${file.group}` : file.path;
    groups.set(key, [...(groups.get(key) ?? []), file]);
  }
  return [...groups.values()];
}
