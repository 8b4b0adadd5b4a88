/** The settings of the chosen methods: what a person typed, and the server's word on it. */
import { problemsOf } from '../core/errors';
import { Store } from './store';
import {
  type Form,
  type FormRequest,
  type IPanelServer,
  type MethodForm,
  type Problem,
  type ReferenceQuestion
} from './types';

const PAUSE_MS = 250; // after the last key, before the server is asked

type Values = Readonly<Record<string, unknown>>;

export interface ISettingsState {
  readonly shared: Values;
  readonly own: Readonly<Record<string, Values>>;
  readonly form: Form | null; // the newest answer, which may be of an earlier choice
  readonly asking: boolean; // `form` is not yet the word on what is chosen now
  readonly problems: readonly Problem[]; // why there is no form
}

/** A parameter as JSON Schema; what the form and the model look at. */
export interface IParameter {
  readonly type?: string;
  readonly title?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly 'x-choices-from'?: string;
  readonly 'x-default-from'?: string;
  readonly 'x-differs-from'?: string;
}

export interface ISchema {
  readonly properties: Readonly<Record<string, IParameter>>;
  readonly required?: readonly string[];
}

/** What follows from other parameters, as the groups of a column do. */
const GROUPS_OF = /^levels\((.*)\)$/;

export class Settings extends Store<ISettingsState> {
  /** `pause`: milliseconds to wait for the next key. */
  constructor(
    private readonly _server: IPanelServer,
    private readonly _pause = PAUSE_MS
  ) {
    super({ shared: {}, own: {}, form: null, asking: false, problems: [] });
  }

  override dispose(): void {
    clearTimeout(this._timer);
    super.dispose();
  }

  /** Asks for the form of these choices; at once, since a click made them. */
  choose(datasets: readonly string[], methods: readonly string[]): void {
    this._datasets = datasets;
    this._methods = methods;
    clearTimeout(this._timer);
    void this._ask();
  }

  /** Asks again, as after the server was gone. */
  retry(): void {
    void this._ask();
  }

  /** Typed or chosen by a person; `method` null: for each method that has it. `undefined`: back to the default. */
  set(method: string | null, name: string, value: unknown): void {
    const { shared, own } = this.state;
    const follow = this._dependents(name);
    if (method === null) {
      const others = Object.fromEntries(
        Object.entries(own).map(([one, values]) => [one, without(values, [name, ...follow])] as const)
      );
      this.update({ shared: put(without(shared, follow), name, value), own: others });
    } else {
      const mine = put(without(own[method] ?? {}, follow), name, value);
      this.update({ shared: without(shared, follow), own: { ...own, [method]: mine } });
    }
    this._later();
  }

  /** Another's choices: those that are the same for all methods become shared when the form tells which can be. */
  takeOver(own: Readonly<Record<string, Values>>): void {
    this.update({ shared: {}, own });
  }

  restore(shared: Values, own: Readonly<Record<string, Values>>): void {
    this.update({ shared, own });
  }

  /** What stands in a field. */
  value(method: string | null, name: string): unknown {
    const { shared, own, form } = this.state;
    const mine = method === null ? undefined : own[method]?.[name];
    if (mine !== undefined) {
      return mine;
    }
    if (shared[name] !== undefined && (method === null || this.isShared(name))) {
      return shared[name];
    }
    const forms = form?.methods ?? [];
    const one =
      method === null ? forms.find(it => name in it.values) : forms.find(it => it.method === method);
    return one?.values[name] ?? undefined;
  }

  /** Whether a person chose this value, so that it is no default. */
  isChosen(method: string | null, name: string): boolean {
    const { shared, own } = this.state;
    return (
      (method !== null && own[method]?.[name] !== undefined) ||
      (this.isShared(name) && shared[name] !== undefined)
    );
  }

  /** Whether a person chose something else than the usual. */
  isChanged(method: string | null, name: string, parameter: IParameter | undefined): boolean {
    return this.isChosen(method, name) && this.value(method, name) !== parameter?.default;
  }

  /** Parameters that are asked for once. One that methods were given different values of is asked for each. */
  get sharedSchema(): ISchema | null {
    const schema = schemaOf(this.state.form?.shared);
    const names = Object.keys(schema.properties).filter(name => this.isShared(name));
    return names.length > 0 ? only(schema, names) : null;
  }

  isShared(name: string): boolean {
    const { form, own } = this.state;
    return (
      name in schemaOf(form?.shared).properties &&
      !this._methods.some(method => own[method]?.[name] !== undefined)
    );
  }

  /** The parameters of one method that are not asked for with others. */
  ownSchema(form: MethodForm): ISchema {
    const schema = schemaOf(form.schema);
    return only(
      schema,
      Object.keys(schema.properties).filter(name => !this.isShared(name))
    );
  }

  /** References that are proposed and that nobody has confirmed. */
  get unconfirmed(): readonly { method: string; question: ReferenceQuestion }[] {
    return (this.state.form?.methods ?? []).flatMap(form =>
      form.references
        .filter(question => question.proposed && !this.isChosen(form.method, question.parameter))
        .map(question => ({ method: form.method, question }))
    );
  }

  /** The value that is shown is what is wanted. */
  confirm(method: string, parameter: string): void {
    const value = this.value(method, parameter);
    this.set(this.isShared(parameter) ? null : method, parameter, value);
  }

  /** Problems of one parameter; `method` null: of a shared one. */
  problems(method: string | null, name: string): readonly Problem[] {
    const forms = (this.state.form?.methods ?? []).filter(one => method === null || one.method === method);
    const found = forms.flatMap(one => one.problems).filter(one => one.at === name);
    return found.filter((one, at) => found.findIndex(other => other.message === one.message) === at);
  }

  /** The choices as requests take them: only of what is chosen. */
  get request(): FormRequest {
    const { shared, own } = this.state;
    return {
      datasets: [...this._datasets],
      methods: [...this._methods],
      shared: { ...shared },
      own: Object.fromEntries(this._methods.filter(one => own[one]).map(one => [one, { ...own[one] }]))
    };
  }

  private _later(): void {
    clearTimeout(this._timer);
    this.update({ asking: true });
    this._timer = setTimeout(() => void this._ask(), this._pause);
  }

  private async _ask(): Promise<void> {
    const turn = ++this._turn;
    if (this._datasets.length === 0 || this._methods.length === 0) {
      this.update({ form: null, asking: false, problems: [] });
      return;
    }
    this.update({ asking: true });
    try {
      const form = await this._server.form(this.request);
      if (turn !== this._turn) {
        return;
      }
      this.update({ form, asking: false, problems: [] });
      this._share();
    } catch (error) {
      if (turn === this._turn) {
        this.update({ asking: false, problems: problemsOf(error) });
      }
    }
  }

  /** Values that are the same for all methods (as after "copy and change") are asked for once. */
  private _share(): void {
    const { form, own, shared } = this.state;
    const names = Object.keys(schemaOf(form?.shared).properties).filter(name => {
      const having = this._methods.filter(method => name in this._schema(method).properties);
      const values = having.map(method => JSON.stringify(own[method]?.[name]));
      return values.length > 0 && values[0] !== undefined && values.every(value => value === values[0]);
    });
    const owner = this._methods.find(method => own[method]);
    if (names.length === 0 || owner === undefined) {
      return;
    }
    const lifted = Object.fromEntries(
      names.map(name => [
        name,
        this._methods.map(method => own[method]?.[name]).find(value => value !== undefined)
      ])
    );
    const left = Object.fromEntries(
      Object.entries(own).map(([method, values]) => [method, without(values, names)])
    );
    this.update({ shared: { ...shared, ...lifted }, own: left });
  }

  private _schema(method: string): ISchema {
    return schemaOf(this.state.form?.methods.find(one => one.method === method)?.schema);
  }

  /** Parameters whose choices follow from `name`: what was chosen among the old ones means nothing any more. */
  private _dependents(name: string): readonly string[] {
    return (this.state.form?.methods ?? []).flatMap(form => {
      const { properties } = schemaOf(form.schema);
      return Object.keys(properties).filter(
        one => GROUPS_OF.exec(properties[one]?.['x-choices-from'] ?? '')?.[1] === name
      );
    });
  }

  private _datasets: readonly string[] = [];
  private _methods: readonly string[] = [];
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _turn = 0;
}

/** A JSON Schema of an object, as the wire has it; an empty one has no parameters. */
export function schemaOf(schema: Record<string, unknown> | undefined): ISchema {
  const properties = schema?.['properties'];
  return { ...schema, properties: (properties ?? {}) as ISchema['properties'] };
}

function only(schema: ISchema, names: readonly string[]): ISchema {
  return {
    ...schema,
    properties: Object.fromEntries(names.map(name => [name, schema.properties[name] ?? {}])),
    required: (schema.required ?? []).filter(name => names.includes(name))
  };
}

function put(values: Values, name: string, value: unknown): Values {
  return value === undefined ? without(values, [name]) : { ...values, [name]: value };
}

function without(values: Values, names: readonly string[]): Values {
  return Object.fromEntries(Object.entries(values).filter(([name]) => !names.includes(name)));
}

/** What a typed text means to a field of numbers: the number, else the text itself, for the server to refuse in words.
 *  A comma is a decimal mark (0,05), unless it may as well stand between thousands (1,000): that is asked about. */
export function readNumber(text: string): number | string {
  const trimmed = text.trim();
  if (trimmed === '') {
    return '';
  }
  const plain = /^[-+]?[1-9]\d{0,2}(,\d{3})+$/.test(trimmed) ? trimmed : trimmed.replace(',', '.');
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(plain) ? Number(plain) : trimmed;
}
