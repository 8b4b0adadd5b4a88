import React from 'react';
import { Busy } from '../core/ui';
import { usePanel } from './context';
import { Fold, Problems } from './pieces';
import { SettingsForm } from './SettingsForm';
import { type ISchema } from './settings';
import { useStore } from './store';
import { type MethodForm, nameOf, valueOf } from './types';

/** Step 3: how it is done. What several methods share stands once; what is usually left alone is folded away. */
export function SettingsSection(): JSX.Element {
  const { model, trans } = usePanel();
  const { settings } = model;
  const { form, asking, problems } = useStore(settings);
  const methods = useStore(model.methods);
  useStore(model.datasets);
  if (problems.length > 0 && !form) {
    return <Problems problems={problems} retry={() => settings.retry()} />;
  }
  if (!form) {
    return asking ? (
      <Busy label={trans.__('Looking what can be set …')} />
    ) : (
      <p className="codalab-Panel-soft">
        {methods.chosen.length > 0
          ? trans.__('Choose a data set and a method that fits it; then its settings are here.')
          : trans.__('Choose a method; then its settings are here.')}
      </p>
    );
  }
  const shared = settings.sharedSchema;
  return (
    <div data-codalab-focus="settings">
      <Problems problems={problems} retry={() => settings.retry()} />
      <Problems problems={form.problems} />
      {form.methods.map(one => (
        <OfMethod key={one.method} form={one} />
      ))}
      {shared && (
        <section className="codalab-Panel-card">
          <h4>{trans.__('For all chosen methods')}</h4>
          <Split method={null} schema={shared} label={trans.__('Settings of all chosen methods')} />
        </section>
      )}
    </div>
  );
}

function OfMethod(props: { form: MethodForm }): JSX.Element {
  const { model, trans } = usePanel();
  const { settings, datasets } = model;
  const { form } = props;
  const schema = React.useMemo(() => settings.ownSchema(form), [settings, form]);
  const some = form.datasets.length > 0 && form.datasets.length < datasets.references.length;
  return (
    <section className="codalab-Panel-card">
      <h4>{form.title}</h4>
      {some && (
        <p className="codalab-Panel-soft">{trans.__('On %1.', form.datasets.map(nameOf).join(', '))}</p>
      )}
      <Problems problems={form.problems.filter(one => one.at === null || one.at === undefined)} />
      {Object.keys(schema.properties).length === 0 ? (
        <p className="codalab-Panel-soft">
          {Object.keys(form.values).length > 0
            ? trans.__('Nothing else to set.')
            : trans.__('Nothing to set.')}
        </p>
      ) : (
        <Split method={form.method} schema={schema} label={trans.__('Settings of %1', form.title)} />
      )}
    </section>
  );
}

/** What a person should look at, and below, folded, what is usually left as it is. */
function Split(props: { method: string | null; schema: ISchema; label: string }): JSX.Element {
  const { model, trans } = usePanel();
  const { settings } = model;
  useStore(settings);
  const { method, schema, label } = props;
  const names = Object.keys(schema.properties);
  const first = names.filter(name => isFirst(schema, name));
  const more = names.filter(name => !first.includes(name));
  const touched = more.filter(name => settings.isChanged(method, name, schema.properties[name])).length;
  const wrong = more.some(name => settings.problems(method, name).length > 0);
  return (
    <>
      {first.length > 0 && <SettingsForm method={method} schema={part(schema, first)} label={label} />}
      {more.length > 0 && (
        <Fold
          open={touched > 0 || wrong}
          title={
            touched > 0
              ? trans.__('More settings (%1 changed)', touched)
              : trans.__('More: %1', more.map(name => schema.properties[name]?.title ?? name).join(', '))
          }
        >
          <SettingsForm method={method} schema={part(schema, more)} label={trans.__('More: %1', label)} />
        </Fold>
      )}
    </>
  );
}

/** Columns and groups of the data, and what has no usual value. Never by what is typed: a field must not jump. */
function isFirst(schema: ISchema, name: string): boolean {
  const parameter = schema.properties[name];
  const source = parameter?.['x-choices-from'] ?? '';
  return (
    (schema.required ?? []).includes(name) ||
    /^levels\(/.test(source) ||
    (/^(columns|numbers)/.test(source) && parameter?.['x-default-from'] === 'role')
  );
}

function part(schema: ISchema, names: readonly string[]): ISchema {
  return {
    ...schema,
    properties: Object.fromEntries(names.map(name => [name, schema.properties[name] ?? {}]))
  };
}

/** Where it runs, and how long and how large it may become. */
export function AdvancedSection(): JSX.Element {
  const { model, trans } = usePanel();
  const { limits, pools } = useStore(model);
  const id = React.useId();
  const known = valueOf(pools) ?? [];
  const pool = known.find(one => one.name === limits.pool);
  return (
    <div className="codalab-Panel-fields">
      {pools.is === 'failed' && <Problems problems={pools.problems} />}
      {known.length > 1 && (
        <>
          <label htmlFor={`${id}pool`}>{trans.__('Where it runs (pool)')}</label>
          <select
            id={`${id}pool`}
            className="codalab-Input"
            value={limits.pool ?? ''}
            onChange={event => model.limit({ pool: event.target.value || null })}
          >
            <option value="">{trans.__('the usual one')}</option>
            {known.map(one => (
              <option key={one.name} value={one.name}>
                {one.name}
                {one.workers === null ? '' : ` (${trans._n('%1 worker', '%1 workers', one.workers)})`}
              </option>
            ))}
          </select>
          {pool?.note && <p className="codalab-Panel-soft">{pool.note}</p>}
        </>
      )}
      <label htmlFor={`${id}time`}>{trans.__('Time limit')}</label>
      <input
        id={`${id}time`}
        className="codalab-Input"
        data-lm-suppress-shortcuts="true"
        data-codalab-focus="limit:timeout"
        placeholder={trans.__('the usual one; or 90s, 15m, 2h')}
        value={limits.timeout ?? ''}
        onChange={event => model.limit({ timeout: event.target.value })}
      />
      <label htmlFor={`${id}memory`}>{trans.__('Memory limit')}</label>
      <input
        id={`${id}memory`}
        className="codalab-Input"
        data-lm-suppress-shortcuts="true"
        data-codalab-focus="limit:memory"
        placeholder={trans.__('the usual one; or 500M, 8G')}
        value={limits.memory ?? ''}
        onChange={event => model.limit({ memory: event.target.value })}
      />
      <label className="codalab-Panel-flag">
        <input
          type="checkbox"
          checked={limits.network}
          onChange={event => model.limit({ network: event.target.checked })}
        />
        {trans.__('May use the network')}
      </label>
      <p className="codalab-Panel-soft">
        {trans.__('Only for methods that load something while they run; none of those that come along does.')}
      </p>
    </div>
  );
}
