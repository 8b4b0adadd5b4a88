/** The panel's choices, from data sets to Analyze, and what follows from each. Draws nothing. */
import { type IStateDB } from '@jupyterlab/statedb';
import { type ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { Adding } from './adding';
import { Datasets } from './datasets';
import { Methods } from './methods';
import { problemsOf } from '../core/errors';
import { type ISamplesDraft } from './samples';
import { Settings } from './settings';
import { Store } from './store';
import {
  type Again,
  type IPanelServer,
  type Limits,
  type Loaded,
  nameOf,
  type Note,
  type Pool,
  type Problem,
  type Submitted,
  there,
  ASKING
} from './types';

const KEY = 'codalab-nb:panel';
const PAUSE_MS = 300; // between a change and writing it down

export type Section = 'data' | 'methods' | 'settings' | 'advanced';

/** Something without which Analyze cannot go; `focus` names the field, as components mark it. */
export type Missing =
  | { readonly what: 'datasets' | 'methods' | 'asking'; readonly focus: string }
  | { readonly what: 'unfit'; readonly focus: string; readonly title: string }
  | { readonly what: 'unsaved'; readonly focus: string; readonly dataset: string }
  | { readonly what: 'reference'; readonly focus: string; readonly sentence: string }
  | { readonly what: 'problem'; readonly focus: string; readonly title: string; readonly problem: Problem };

export interface IPanelState {
  readonly limits: Limits;
  readonly pools: Loaded<readonly Pool[]>;
  readonly closed: Readonly<Partial<Record<Section, boolean>>>;
  readonly sending: boolean;
  readonly problems: readonly Problem[]; // of the last Analyze
  readonly sent: Submitted | null; // by the last Analyze
  readonly notes: readonly Note[]; // what is not as it was, after "copy and change"
}

/** What is kept over a reload; fields of later versions are left out. */
interface IKept {
  readonly chosen: readonly string[];
  readonly methods: readonly string[];
  readonly shared: Readonly<Record<string, unknown>>;
  readonly own: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly limits: Limits;
  readonly closed: IPanelState['closed'];
  readonly drafts: readonly ISamplesDraft[];
}

const NO_LIMITS: Limits = { timeout: null, memory: null, network: false, pool: null };

export class PanelModel extends Store<IPanelState> {
  readonly datasets: Datasets;
  readonly adding: Adding;
  readonly methods: Methods;
  readonly settings: Settings;

  constructor(private readonly _options: PanelModel.IOptions) {
    super({
      limits: NO_LIMITS,
      pools: ASKING,
      closed: { advanced: true },
      sending: false,
      problems: [],
      sent: null,
      notes: []
    });
    const { server } = _options;
    this.datasets = new Datasets(server);
    this.adding = new Adding(server, dataset => this.datasets.added(dataset));
    this.methods = new Methods(server);
    this.settings = new Settings(server, _options.pause);
    this.datasets.changed.connect(this._follow, this);
    this.methods.changed.connect(this._follow, this);
    this.settings.changed.connect(this._keepLater, this);
    this.changed.connect(this._keepLater, this);
  }

  override dispose(): void {
    clearTimeout(this._timer);
    [this.settings, this.methods, this.adding, this.datasets].forEach(one => one.dispose());
    super.dispose();
  }

  /** What was chosen before the page was loaded again, then the lists. */
  async start(): Promise<void> {
    const kept = (await this._options.memory?.fetch(KEY)) as Partial<IKept> | undefined;
    if (kept && Array.isArray(kept.chosen)) {
      this._drafts = [...(kept.drafts ?? [])];
      this.update({ limits: { ...NO_LIMITS, ...kept.limits }, closed: kept.closed ?? {} });
      this.settings.restore(kept.shared ?? {}, kept.own ?? {});
      this.methods.chooseAll(kept.methods ?? []);
      this.datasets.chooseAll(kept.chosen);
    }
    this._started = true;
    await this.refresh();
  }

  /** Reads the lists again, as after the server was gone. */
  async refresh(): Promise<void> {
    await this.datasets.refresh();
    for (const draft of this._drafts.splice(0)) {
      void this.datasets.samples(draft.reference).load(draft);
      this.datasets.look(nameOf(draft.reference));
    }
    this._follow();
    if (this.methods.state.list.is === 'failed') {
      void this.methods.ask(this.datasets.references);
    }
    if (this.settings.state.problems.length > 0) {
      this.settings.retry();
    }
    await this._pools();
  }

  /** The panel was opened: a kernel is warmed ahead of the click. Nothing depends on it. */
  warm(): void {
    this._options.server.warm().catch(() => undefined);
  }

  toggle(section: Section): void {
    this.update({ closed: { ...this.state.closed, [section]: !this.state.closed[section] } });
  }

  limit(limits: Partial<Limits>): void {
    this.update({ limits: { ...this.state.limits, ...limits } });
  }

  /** Everything that stands between the choices and Analyze, in the order of the panel. */
  get missing(): readonly Missing[] {
    const found: Missing[] = [];
    if (this.datasets.references.length === 0) {
      found.push({ what: 'datasets', focus: 'data' });
    }
    for (const draft of this.datasets.drafts) {
      if (this.datasets.references.includes(draft.reference)) {
        found.push({ what: 'unsaved', focus: 'samples', dataset: nameOf(draft.reference) });
      }
    }
    if (this.methods.state.chosen.length === 0) {
      found.push({ what: 'methods', focus: 'methods' });
    }
    for (const method of this.methods.unfit) {
      found.push({ what: 'unfit', focus: `method:${method.method}`, title: method.title });
    }
    return [...found, ...this._unset()];
  }

  /** How many tasks a click would make; null while that is asked. */
  get tasks(): number | null {
    const { form, asking } = this.settings.state;
    return asking && !form ? null : (form?.tasks ?? 0);
  }

  async analyze(): Promise<void> {
    if (this.state.sending || this.missing.length > 0) {
      return;
    }
    const { datasets, methods, shared, own } = this.settings.request;
    const limits = this.state.limits;
    this.update({ sending: true, problems: [], sent: null });
    try {
      const sent = await this._options.server.analyze({
        datasets,
        methods,
        shared: shared ?? {},
        own: own ?? {},
        sweep: {},
        limits: { ...limits, timeout: limits.timeout?.trim() || null, memory: limits.memory?.trim() || null },
        skip_unfit: true
      });
      this.update({ sending: false, sent, notes: [] });
      this._options.opened(sent);
    } catch (error) {
      this.update({ sending: false, problems: problemsOf(error) });
    }
  }

  /** Shows again what was sent last. */
  open(): void {
    if (this.state.sent) {
      void this._options.show(this.state.sent);
    }
  }

  /** Why choices could not be had. */
  refuse(problems: readonly Problem[]): void {
    this.update({ problems, sent: null });
  }

  get isStarted(): boolean {
    return this._started;
  }

  /** Fills the panel with the choices of a task or batch. */
  choose(again: Again): void {
    this._wanted = ''; // the same data and methods may come with other values
    this.settings.takeOver(again.own);
    this.update({ notes: again.notes, problems: [], sent: null });
    this.methods.chooseAll(again.methods);
    this.datasets.chooseAll(again.datasets);
  }

  /** Fields that are wrong or not confirmed. */
  private _unset(): readonly Missing[] {
    const { form, asking, problems } = this.settings.state;
    const found: Missing[] = problems.map(problem => ({
      what: 'problem',
      focus: 'settings',
      title: '',
      problem
    }));
    const seen = new Set<string>();
    for (const one of form?.methods ?? []) {
      for (const problem of one.problems) {
        const name = problem.at ?? null;
        const shared = name !== null && this.settings.isShared(name);
        const focus = name === null ? 'settings' : `field:${shared ? '' : one.method}:${name}`;
        if (!shared || !seen.has(focus)) {
          found.push({ what: 'problem', focus, title: shared ? '' : one.title, problem });
        }
        seen.add(focus);
      }
    }
    found.push(
      ...(form?.problems ?? []).map(problem => ({
        what: 'problem' as const,
        focus: 'settings',
        title: '',
        problem
      }))
    );
    for (const { method, question } of this.settings.unconfirmed) {
      const focus = `field:${this.settings.isShared(question.parameter) ? '' : method}:${question.parameter}`;
      if (!seen.has(focus)) {
        found.push({ what: 'reference', focus, sentence: question.sentence });
      }
      seen.add(focus);
    }
    if (asking || this.methods.state.asking) {
      found.push({ what: 'asking', focus: 'settings' });
    }
    return found;
  }

  /** Asks for methods and form when what they depend on is another. */
  private _follow(): void {
    this._keepLater();
    if (!this._started || this.datasets.state.list.is !== 'there') {
      return; // a name is known by its version only when the list is there
    }
    const references = this.datasets.references;
    const asked = JSON.stringify(references);
    if (asked !== this._asked) {
      this._asked = asked;
      void this.methods.ask(references);
    }
    const wanted = JSON.stringify([references, this.methods.fitting]);
    if (wanted !== this._wanted) {
      this._wanted = wanted;
      this.settings.choose(references, this.methods.fitting);
    }
    this.update({});
  }

  private async _pools(): Promise<void> {
    try {
      this.update({ pools: there(await this._options.server.pools()) });
    } catch (error) {
      this.update({ pools: { is: 'failed', problems: problemsOf(error) } });
    }
  }

  private _keepLater(): void {
    clearTimeout(this._timer);
    this._timer = setTimeout(() => void this._keep(), PAUSE_MS);
  }

  private async _keep(): Promise<void> {
    if (!this._started || this.isDisposed) {
      return;
    }
    const { shared, own } = this.settings.state;
    const kept: IKept = {
      chosen: this.datasets.state.chosen,
      methods: this.methods.state.chosen,
      shared,
      own,
      limits: this.state.limits,
      closed: this.state.closed,
      drafts: this.datasets.drafts
    };
    await this._options.memory?.save(KEY, kept as unknown as ReadonlyPartialJSONObject);
  }

  private _started = false;
  private _asked = ''; // data sets that methods were asked for
  private _wanted = '';
  private _drafts: ISamplesDraft[] = [];
  private _timer: ReturnType<typeof setTimeout> | undefined;
}

export namespace PanelModel {
  export interface IOptions {
    readonly server: IPanelServer;
    /** Where choices outlive a reload. */
    readonly memory?: Pick<IStateDB, 'fetch' | 'save'>;
    /** Something was sent just now. */
    readonly opened: (sent: Submitted) => void;
    /** Shows what was sent: one task's result, or a batch as a table. */
    readonly show: (sent: Submitted) => unknown;
    /** Milliseconds after the last key before the form is asked for again. */
    readonly pause?: number;
  }
}
