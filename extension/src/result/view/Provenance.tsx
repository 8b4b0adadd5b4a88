import * as React from 'react';

import { longTime, size } from '../../core/text';
import { Busy, ErrorBox, useTrans } from '../../core/ui';
import { type Provenance, type ResultModel } from '../model/result';
import { harmless, oneLine } from '../safe/text';
import { CopyButton } from './CopyButton';
import { useLazy } from './useLazy';

/** What ran on what, and how to do it again. */
export function ProvenanceTab(props: { model: ResultModel }): React.ReactElement {
  const trans = useTrans();
  const { value, error } = useLazy(props.model.provenance);
  if (!value) {
    return error ? <ErrorBox error={error} /> : <Busy label={trans.__('Reading …')} />;
  }
  return (
    <div className="codalab-Provenance">
      {value.methods_paragraph ? (
        <section>
          <h2>{trans.__('For the methods section of a paper')}</h2>
          <blockquote>{harmless(value.methods_paragraph)}</blockquote>
          <CopyButton text={value.methods_paragraph} label={trans.__('Copy the paragraph')} />
        </section>
      ) : null}
      <References references={value.references ?? []} />
      <Facts value={value} />
      <section>
        <h2>{trans.__('To do it again')}</h2>
        <pre className="codalab-Output-text">{harmless(value.commands.join('\n'))}</pre>
        <CopyButton text={value.commands.join('\n')} label={trans.__('Copy the commands')} />
      </section>
    </div>
  );
}

function References(props: { references: readonly string[] }): React.ReactElement | null {
  const trans = useTrans();
  return props.references.length ? (
    <section>
      <h2>{trans.__('References')}</h2>
      <ol>
        {props.references.map((reference, i) => (
          <li key={i}>{harmless(reference)}</li>
        ))}
      </ol>
    </section>
  ) : null;
}

function Facts(props: { value: Provenance }): React.ReactElement {
  const { value } = props;
  const trans = useTrans();
  const { packages, ...surroundings } = value.environment;
  const facts: [string, string | null][] = [
    [trans.__('Task'), value.task],
    [trans.__('Data set'), value.dataset ?? null],
    [trans.__('Method'), value.method ?? null],
    [trans.__('Notebook'), value.notebook],
    [trans.__('SHA-256 of the notebook'), value.notebook_sha256],
    [trans.__('Submitted'), longTime(value.submitted_at)],
    [trans.__('Finished'), value.finished_at ? longTime(value.finished_at) : null],
    [trans.__('Worker'), value.worker ?? null],
    [trans.__('Sandbox'), value.sandbox ?? null]
  ];
  return (
    <>
      <section>
        <h2>{trans.__('What ran')}</h2>
        <Pairs pairs={facts.flatMap(([name, told]) => (told ? [[name, told]] : []))} />
      </section>
      <Values title={trans.__('Settings')} values={value.parameters} />
      {value.inputs.length ? (
        <section>
          <h2>{trans.__('Inputs')}</h2>
          <table className="codalab-Output-table">
            <thead>
              <tr>
                <th scope="col">{trans.__('File')}</th>
                <th scope="col">{trans.__('Size')}</th>
                <th scope="col">SHA-256</th>
              </tr>
            </thead>
            <tbody>
              {value.inputs.map(input => (
                <tr key={input.path}>
                  <th scope="row">{oneLine(input.path)}</th>
                  <td>{size(input.size)}</td>
                  <td>
                    <code>{oneLine(input.sha256)}</code>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      ) : null}
      <Values title={trans.__('Environment')} values={surroundings} />
      <Packages packages={packages} />
    </>
  );
}

/** As `pip freeze` says it: hundreds of lines, shown when asked for. */
function Packages(props: { packages: unknown }): React.ReactElement | null {
  const trans = useTrans();
  const names = Array.isArray(props.packages) ? props.packages.map(name => oneLine(String(name))) : [];
  return names.length ? (
    <details>
      <summary>{trans.__('%1 packages with their versions', names.length)}</summary>
      <pre className="codalab-Output-text">{names.join('\n')}</pre>
      <CopyButton text={names.join('\n')} label={trans.__('Copy the list')} />
    </details>
  ) : null;
}

function Values(props: {
  title: string;
  values: Readonly<Record<string, unknown>>;
}): React.ReactElement | null {
  const pairs = Object.entries(props.values).map(([name, value]): [string, string] => [
    name,
    typeof value === 'string' ? value : JSON.stringify(value)
  ]);
  return pairs.length ? (
    <section>
      <h2>{props.title}</h2>
      <Pairs pairs={pairs} />
    </section>
  ) : null;
}

function Pairs(props: { pairs: readonly (readonly string[])[] }): React.ReactElement {
  return (
    <dl className="codalab-Provenance-pairs">
      {props.pairs.map(([name = '', value = '']) => (
        <React.Fragment key={name}>
          <dt>{oneLine(name)}</dt>
          <dd>{harmless(value.slice(0, 2_000))}</dd>
        </React.Fragment>
      ))}
    </dl>
  );
}
