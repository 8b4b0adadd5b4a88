import { FormComponent } from '@jupyterlab/ui-components';
import { type IChangeEvent } from '@rjsf/core';
import { type RJSFSchema, type ValidatorType } from '@rjsf/utils';
import React from 'react';
import { usePanel } from './context';
import {
  ChoiceSetting,
  FlagSetting,
  type IFormContext,
  NumberSetting,
  parameterOf,
  SEPARATOR,
  SettingTemplate,
  TextSetting
} from './fields';
import { type ISchema } from './settings';
import { useStore } from './store';

/** The server judges values, in words and by the data; the form itself finds nothing wrong. */
const SERVER_JUDGES: ValidatorType = {
  validateFormData: () => ({ errors: [], errorSchema: {} }),
  toErrorList: () => [],
  isValid: () => true,
  rawValidation: () => ({})
};

const TEMPLATES = { FieldTemplate: SettingTemplate };
const WIDGETS = { SelectWidget: ChoiceSetting, TextWidget: TextSetting, CheckboxWidget: FlagSetting };
const FIELDS = { NumberField: NumberSetting };

/** Settings of one method, or (`method` null) of several, as JupyterLab's form; values belong to the model. */
export function SettingsForm(props: { method: string | null; schema: ISchema; label: string }): JSX.Element {
  const { model } = usePanel();
  const { settings } = model;
  useStore(settings);
  const { method, schema, label } = props;
  const id = React.useId();
  const context = React.useMemo((): IFormContext => ({ method }), [method]);
  const untitled = React.useMemo((): RJSFSchema => ({ ...(schema as RJSFSchema), title: '' }), [schema]);
  const values = Object.fromEntries(
    Object.keys(schema.properties).map(name => [name, settings.value(method, name)])
  );
  return (
    <div role="group" aria-label={label}>
      <FormComponent
        schema={untitled}
        idPrefix={id}
        idSeparator={SEPARATOR}
        formData={values as never}
        formContext={context}
        validator={SERVER_JUDGES as never}
        templates={TEMPLATES as never}
        widgets={WIDGETS as never}
        fields={FIELDS as never}
        tagName="div"
        noValidate
        noHtml5Validate
        showErrorList={false}
        onChange={(event: IChangeEvent, field?: string) => {
          if (field) {
            const name = parameterOf(field);
            settings.set(method, name, (event.formData as Record<string, unknown> | undefined)?.[name]);
          }
        }}
      />
    </div>
  );
}
