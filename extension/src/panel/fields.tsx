/** How JupyterLab's form draws a setting here: a label that belongs to its field, the help, what is wrong with it. */
import { type FieldProps, type FieldTemplateProps, type WidgetProps } from '@rjsf/utils';
import React from 'react';
import { ErrorSentence } from './pieces';
import { usePanel } from './context';
import { type IParameter, readNumber } from './settings';
import { useStore } from './store';
import { spelled } from './words';

/** Which method a form is of; null: parameters that several share. */
export interface IFormContext {
  readonly method: string | null;
}

export const PREFIX = 'codalab';
export const SEPARATOR = '/';

/** The parameter in the id of a field, `codalab-3/alpha`. */
export function parameterOf(id: string): string {
  return id.slice(id.lastIndexOf(SEPARATOR) + 1);
}

export function SettingTemplate(props: FieldTemplateProps): JSX.Element {
  const { model, trans } = usePanel();
  const { settings } = model;
  useStore(settings);
  const { id, label, schema, children } = props;
  if (schema.type === 'object') {
    return children;
  }
  const { method } = props.formContext as IFormContext;
  const name = parameterOf(id);
  const parameter = schema as IParameter;
  const problems = settings.problems(method, name);
  const changed = settings.isChanged(method, name, parameter);
  return (
    <div
      className={`codalab-Panel-setting ${problems.length > 0 ? 'codalab-mod-wrong' : ''}`}
      data-codalab-focus={`field:${method ?? ''}:${name}`}
    >
      {schema.type !== 'boolean' && <label htmlFor={id}>{label}</label>}
      {children}
      {problems.map((problem, at) => (
        <ErrorSentence key={at} problem={problem} />
      ))}
      <Reference method={method} name={name} />
      {schema.description && (
        <span id={`${id}help`} className="codalab-Panel-soft">
          {schema.description}
        </span>
      )}
      {changed && parameter.default !== undefined && (
        <button
          type="button"
          className="codalab-Panel-link"
          onClick={() => settings.set(method, name, undefined)}
        >
          {parameter.default === ''
            ? trans.__('Back to the usual: none')
            : trans.__('Back to the usual: %1', spelled(parameter.default))}
        </button>
      )}
    </div>
  );
}

/** For a reference group: which way is up, and whether somebody has confirmed that. */
function Reference(props: { method: string | null; name: string }): JSX.Element | null {
  const { model, trans } = usePanel();
  const { settings } = model;
  const { form } = useStore(settings);
  const { method, name } = props;
  const asked = (form?.methods ?? [])
    .filter(one => method === null || one.method === method)
    .flatMap(one => one.references.map(question => ({ of: one.method, question })))
    .filter(({ question }) => question.parameter === name);
  const told = [...new Map(asked.map(one => [one.question.sentence, one])).values()];
  if (told.length === 0) {
    return null;
  }
  const open = asked.find(({ question, of }) => question.proposed && !settings.isChosen(of, name));
  return (
    <div className={`codalab-Panel-reference ${open ? 'codalab-mod-open' : ''}`}>
      {told.map(({ question }) => (
        <p key={question.sentence}>
          <strong>{question.sentence}</strong>
          {!open && <span className="codalab-Panel-good"> ✓</span>}
        </p>
      ))}
      {open && (
        <button
          type="button"
          className="codalab-Button codalab-mod-primary"
          onClick={() => settings.confirm(open.of, name)}
        >
          {trans.__('Yes, this is right')}
        </button>
      )}
    </div>
  );
}

export function TextSetting(props: WidgetProps): JSX.Element {
  const { id, onChange } = props;
  return (
    <input
      id={id}
      className="codalab-Input"
      data-lm-suppress-shortcuts="true"
      aria-describedby={`${id}help`}
      value={spelled(props.value)}
      onChange={event => onChange(event.target.value)}
    />
  );
}

/** Numbers are typed as text, so that `0,05` or half a number stays as it is until it is one. */
export function NumberSetting(props: FieldProps): JSX.Element {
  const { idSchema, onChange } = props;
  const value = props.formData as unknown;
  const [typed, setTyped] = React.useState(() => spelled(value));
  const shown = readNumber(typed) === value ? typed : spelled(value);
  return (
    <input
      id={idSchema.$id}
      className="codalab-Input"
      data-lm-suppress-shortcuts="true"
      inputMode="decimal"
      aria-describedby={`${idSchema.$id}help`}
      value={shown}
      onChange={event => {
        setTyped(event.target.value);
        onChange(readNumber(event.target.value), undefined, idSchema.$id);
      }}
    />
  );
}

export function ChoiceSetting(props: WidgetProps): JSX.Element {
  const { trans } = usePanel();
  const { id, schema, onChange } = props;
  const value = props.value as unknown;
  const choices = (schema.enum ?? []) as readonly unknown[];
  const offered = choices.indexOf(value);
  const words = (choice: unknown): string => (choice === '' ? trans.__('— none —') : spelled(choice));
  return (
    <select
      id={id}
      className="codalab-Input"
      aria-describedby={`${id}help`}
      value={offered}
      onChange={event => onChange(choices[Number(event.target.value)])}
    >
      {offered < 0 && (
        <option value={-1} disabled>
          {value === undefined || value === null || value === ''
            ? trans.__('— choose —')
            : trans.__('%1 (not in this data)', spelled(value))}
        </option>
      )}
      {choices.map((choice, at) => (
        <option key={at} value={at}>
          {words(choice)}
        </option>
      ))}
    </select>
  );
}

export function FlagSetting(props: WidgetProps): JSX.Element {
  const { id, label, onChange } = props;
  return (
    <label className="codalab-Panel-flag" htmlFor={id}>
      <input
        id={id}
        type="checkbox"
        aria-describedby={`${id}help`}
        checked={props.value === true}
        onChange={event => onChange(event.target.checked)}
      />
      {label}
    </label>
  );
}
