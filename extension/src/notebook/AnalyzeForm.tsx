import { FormComponent } from '@jupyterlab/ui-components';
import { type IChangeEvent } from '@rjsf/core';
import { type FieldTemplateProps, type RJSFSchema, type ValidatorType } from '@rjsf/utils';
import * as React from 'react';

import { size } from '../core/text';
import { type NotebookDraft, type Problem } from '../core/types';
import { Busy, ErrorBox, useSignal, useTrans } from '../core/ui';
import { type AnalyzeModel, problemsAt } from './model';

/** The server judges values, in words; the form itself finds nothing wrong. */
const SERVER_JUDGES: ValidatorType = {
  validateFormData: () => ({ errors: [], errorSchema: {} }),
  toErrorList: () => [],
  isValid: () => true,
  rawValidation: () => ({})
};

/** One setting with its name, the author's word on it, and what is wrong with its value. */
function Setting(props: FieldTemplateProps<unknown, RJSFSchema, Wrong>): React.ReactElement {
  const { children, id, label, schema } = props;
  if (schema.type === 'object' && schema.properties) {
    return <>{children}</>; // all of them together
  }
  const wrong = props.formContext?.get(label) ?? [];
  return (
    <div className="codalab-Analyze-setting">
      {/* A box to tick carries its own label. */}
      {schema.type === 'boolean' ? null : <label htmlFor={id}>{label}</label>}
      {schema.description ? <p className="codalab-Analyze-soft">{schema.description}</p> : null}
      {children}
      <ErrorBox problems={wrong} />
    </div>
  );
}

/** By the name of a setting. */
type Wrong = ReadonlyMap<string, readonly Problem[]>;
const TEMPLATES = { FieldTemplate: Setting };

/** What will be sent away: its settings, its files, its limits. */
export function AnalyzeForm(props: { model: AnalyzeModel }): React.ReactElement {
  const { model } = props;
  const trans = useTrans();
  const draft = useSignal(model.changed, () => model.draft);
  const error = useSignal(model.changed, () => model.error);
  const busy = useSignal(model.changed, () => model.busy);
  const again = { label: trans.__('Try again'), run: () => void model.retry() };
  if (!draft) {
    return error ? (
      <ErrorBox error={error} action={again} />
    ) : (
      <Busy label={trans.__('Looking at the notebook …')} />
    );
  }
  const names = new Set(Object.keys((draft.schema['properties'] as object | undefined) ?? {}));
  const elsewhere = problemsAt(draft.problems, names).get('') ?? [];
  return (
    <div className="codalab-Analyze" aria-busy={busy}>
      <p>
        {trans.__(
          'A copy of %1 as it stands here, saved or not, runs in the background with a kernel of its own (%2). Your notebook stays as it is.',
          draft.path,
          draft.kernel
        )}
      </p>
      <ErrorBox problems={elsewhere} />
      <ErrorBox error={error} />
      <Settings model={model} draft={draft} names={names} />
      <Files model={model} draft={draft} />
      <ErrorBox kind="warning" problems={draft.warnings} />
      <Advanced model={model} />
      {busy ? <Busy label={trans.__('Sending it away …')} /> : null}
    </div>
  );
}

function Settings(props: {
  model: AnalyzeModel;
  draft: NotebookDraft;
  names: ReadonlySet<string>;
}): React.ReactElement {
  const { model, draft, names } = props;
  const trans = useTrans();
  const id = React.useId();
  const untitled = React.useMemo(
    (): RJSFSchema => ({ ...(draft.schema as RJSFSchema), title: '' }),
    [draft.schema]
  );
  // The form is told the values again only when they changed elsewhere: what is being typed stays.
  const [values, setValues] = React.useState(model.values);
  const wrong = problemsAt(draft.problems, names);
  wrong.delete('');
  return (
    <section aria-labelledby={id}>
      <h3 id={id}>{trans.__('Settings')}</h3>
      {names.size ? (
        <>
          <FormComponent
            schema={untitled}
            idPrefix={id}
            formData={values as never}
            validator={SERVER_JUDGES as never}
            tagName="div"
            noValidate
            noHtml5Validate
            showErrorList={false}
            formContext={wrong}
            templates={TEMPLATES as never}
            onChange={(event: IChangeEvent) => {
              const told = (event.formData ?? {}) as Record<string, unknown>;
              setValues(told);
              model.setValues(told);
            }}
          />
        </>
      ) : draft.problems.length ? null : (
        <p className="codalab-Analyze-soft">
          {trans.__(
            'None were found: give a cell the tag "parameters" (in the property inspector at the right), and what it sets can be changed here.'
          )}
        </p>
      )}
    </section>
  );
}

function Files(props: { model: AnalyzeModel; draft: NotebookDraft }): React.ReactElement {
  const { model, draft } = props;
  const trans = useTrans();
  const id = React.useId();
  useSignal(model.changed, () => model.draft);
  return (
    <section aria-labelledby={id}>
      <h3 id={id}>
        {trans.__('Files that go along')}
        {draft.files.length ? <span className="codalab-Analyze-soft"> {size(draft.total_size)}</span> : null}
      </h3>
      {draft.files.length ? (
        <ul className="codalab-Analyze-files">
          {draft.files.map(file => (
            <File key={file.path} model={model} file={file} />
          ))}
        </ul>
      ) : (
        <p className="codalab-Analyze-soft">{trans.__('The notebook names no files that are here.')}</p>
      )}
    </section>
  );
}

function File(props: { model: AnalyzeModel; file: NotebookDraft['files'][number] }): React.ReactElement {
  const { model, file } = props;
  const [, drawn] = React.useReducer((n: number) => n + 1, 0);
  const id = React.useId();
  return (
    <li>
      <input
        id={id}
        type="checkbox"
        checked={model.travels(file.path)}
        onChange={event => {
          model.setTravels(file.path, event.target.checked);
          drawn();
        }}
      />
      <label htmlFor={id}>
        <span className="codalab-Analyze-file">{file.path}</span> <span>{size(file.size)}</span>{' '}
        <span className="codalab-Analyze-soft">{file.why}</span>
      </label>
    </li>
  );
}

function Advanced(props: { model: AnalyzeModel }): React.ReactElement {
  const { model } = props;
  const trans = useTrans();
  const limits = useSignal(model.changed, () => model.limits);
  const pools = useSignal(model.changed, () => model.pools);
  const id = React.useId();
  const chosen = pools.find(pool => pool.name === limits.pool) ?? pools[0];
  return (
    <details className="codalab-Analyze-advanced">
      <summary>{trans.__('Advanced')}</summary>
      <div className="codalab-Analyze-grid">
        <label htmlFor={`${id}-time`}>{trans.__('Longest time')}</label>
        <input
          id={`${id}-time`}
          className="codalab-Input"
          placeholder={trans.__('as 90s, 15m, 2h')}
          value={limits.timeout ?? ''}
          onChange={event => model.setLimits({ timeout: event.target.value })}
        />
        <label htmlFor={`${id}-memory`}>{trans.__('Most memory')}</label>
        <input
          id={`${id}-memory`}
          className="codalab-Input"
          placeholder={trans.__('as 500M, 2G')}
          value={limits.memory ?? ''}
          onChange={event => model.setLimits({ memory: event.target.value })}
        />
        {pools.length > 1 ? (
          <>
            <label htmlFor={`${id}-pool`}>{trans.__('Where it runs')}</label>
            <select
              id={`${id}-pool`}
              className="codalab-Input"
              value={chosen?.name}
              onChange={event => model.setLimits({ pool: event.target.value })}
            >
              {pools.map(pool => (
                <option key={pool.name}>{pool.name}</option>
              ))}
            </select>
            {chosen?.note ? <p className="codalab-Analyze-soft">{chosen.note}</p> : null}
          </>
        ) : null}
        <span />
        <label>
          <input
            type="checkbox"
            checked={limits.network}
            onChange={event => model.setLimits({ network: event.target.checked })}
          />{' '}
          {trans.__('It may use the network')}
        </label>
      </div>
    </details>
  );
}
