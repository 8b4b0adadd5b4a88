/** Which data sets there are, which are chosen, and a person's word on them. */
import { isAbort, problemsOf } from '../core/errors';
import { Samples, type ISamplesDraft } from './samples';
import { Store } from './store';
import {
  type Answer,
  ASKING,
  type Dataset,
  type DatasetSummary,
  type Example,
  type IPanelServer,
  type Loaded,
  nameOf,
  type Preview,
  type Problem,
  there
} from './types';

export interface IDatasetsState {
  readonly list: Loaded<readonly DatasetSummary[]>;
  readonly search: string;
  /** Names (their newest version) or, of something copied, NAME@VERSION; in the order they were chosen. */
  readonly chosen: readonly string[];
  /** The name whose details are shown. */
  readonly looked: string | null;
  readonly details: Readonly<Record<string, Loaded<Dataset>>>; // by NAME@VERSION, which never changes
  readonly previews: Readonly<Record<string, Loaded<Preview>>>;
  readonly examples: Loaded<readonly Example[]>;
  readonly busy: Readonly<Record<string, 'answering' | 'removing'>>; // by name
  readonly problems: Readonly<Record<string, readonly Problem[]>>; // by name: of the last answer or removal
  /** Names of chosen data sets that are there no longer. */
  readonly gone: readonly string[];
}

export class Datasets extends Store<IDatasetsState> {
  constructor(private readonly _server: IPanelServer) {
    super({
      list: ASKING,
      search: '',
      chosen: [],
      looked: null,
      details: {},
      previews: {},
      examples: ASKING,
      busy: {},
      problems: {},
      gone: []
    });
  }

  override dispose(): void {
    this._samples.forEach(one => one.dispose());
    super.dispose();
  }

  /** Reads the list again. What is chosen stays, unless it is gone. */
  async refresh(): Promise<void> {
    const turn = ++this._turn;
    try {
      const [list, examples] = await Promise.all([this._server.datasets(), this._server.examples()]);
      if (turn === this._turn) {
        this._listed(list, there(examples));
      }
    } catch (error) {
      if (turn === this._turn && this.state.list.is !== 'there') {
        this.update({ list: { is: 'failed', problems: problemsOf(error) } });
      }
    }
  }

  search(text: string): void {
    this.update({ search: text });
  }

  /** What the search finds, and what is chosen. */
  get found(): readonly DatasetSummary[] {
    const { list, search } = this.state;
    const words = search.toLowerCase().split(/\s+/).filter(Boolean);
    return list.is !== 'there'
      ? []
      : list.value.filter(one => {
          const text = `${one.name} ${one.groups} ${one.shape} ${one.kind_words}`.toLowerCase();
          return this.isChosen(one.name) || words.every(word => text.includes(word));
        });
  }

  isChosen(name: string): boolean {
    return this.state.chosen.some(one => nameOf(one) === name);
  }

  choose(name: string, chosen: boolean): void {
    const others = this.state.chosen.filter(one => nameOf(one) !== name);
    const last = others[others.length - 1];
    const looked = chosen ? name : this.state.looked === name && last ? nameOf(last) : this.state.looked;
    this.update({ chosen: chosen ? [...others, name] : others, gone: [] });
    this.look(looked);
  }

  /** Chooses exactly these; of a NAME@VERSION that version, even where there is a newer one. */
  chooseAll(references: readonly string[]): void {
    this.update({ chosen: references.map(one => this._plain(one)), gone: [] });
    const last = references[references.length - 1];
    this.look(last ? nameOf(last) : null);
    this._forget();
  }

  /** The chosen data sets as requests take them: each a NAME@VERSION that is known. */
  get references(): readonly string[] {
    return this.state.chosen.map(one => this.referenceOf(one)).filter((one): one is string => one !== null);
  }

  /** NAME@VERSION, where an older version than the newest is chosen. */
  pinned(name: string): string | null {
    return this.state.chosen.find(one => one.startsWith(`${name}@`)) ?? null;
  }

  /** NAME@VERSION of a chosen or listed name. */
  referenceOf(name: string): string | null {
    const pinned = this.state.chosen.find(one => one.startsWith(`${nameOf(name)}@`));
    return pinned ?? this.summary(nameOf(name))?.reference ?? null;
  }

  summary(name: string): DatasetSummary | null {
    const { list } = this.state;
    return list.is === 'there' ? (list.value.find(one => one.name === name) ?? null) : null;
  }

  /** Shows the details of a data set, or of none. */
  look(name: string | null): void {
    this.update({ looked: name });
    const reference = name && this.referenceOf(name);
    if (reference && !this.state.details[reference]) {
      void this._ask(reference);
    }
  }

  /** The details that are shown. */
  get details(): Loaded<Dataset> | null {
    const reference = this.state.looked && this.referenceOf(this.state.looked);
    return reference ? (this.state.details[reference] ?? ASKING) : null;
  }

  /** Asks for details again that were not to be had. */
  retry(reference: string): void {
    void this._ask(reference);
  }

  async preview(reference: string): Promise<void> {
    if (this.state.previews[reference]?.is === 'there') {
      return;
    }
    const put = (preview: Loaded<Preview>): void =>
      this.update({ previews: { ...this.state.previews, [reference]: preview } });
    put(ASKING);
    try {
      put(there(await this._server.preview(reference)));
    } catch (error) {
      put({ is: 'failed', problems: problemsOf(error) });
    }
  }

  /** The sample table of a version, with what was edited in it. */
  samples(reference: string): Samples {
    let samples = this._samples.get(reference);
    if (!samples) {
      samples = new Samples(reference, this._server, dataset => this.added(dataset));
      samples.changed.connect(() => this.update({}));
      this._samples.set(reference, samples);
    }
    return samples;
  }

  /** Sample tables that were edited and not saved. */
  get drafts(): readonly ISamplesDraft[] {
    return [...this._samples.values()]
      .map(one => one.draft)
      .filter((one): one is ISamplesDraft => one !== null);
  }

  /** Says something on a data set; makes a new version of it. */
  async answer(dataset: Dataset, answer: Answer): Promise<void> {
    const { name } = dataset;
    if (this.state.busy[name]) {
      return;
    }
    this._mark(name, 'answering', []);
    try {
      this.added(await this._server.setDataset(dataset.reference, answer));
      this._mark(name, null, []);
    } catch (error) {
      this._mark(name, null, problemsOf(error));
    }
  }

  /** Removes all versions. */
  async remove(name: string): Promise<void> {
    this._mark(name, 'removing', []);
    try {
      await this._server.removeDataset(name);
      this._mark(name, null, []);
      const { list } = this.state;
      if (list.is === 'there') {
        this._listed(
          list.value.filter(one => one.name !== name),
          this.state.examples,
          [name]
        );
      }
      void this.refresh();
    } catch (error) {
      this._mark(name, null, isAbort(error) ? [] : problemsOf(error));
    }
  }

  /** A new data set or version: it is listed, chosen and looked at. */
  added(dataset: Dataset): void {
    const { list, details, chosen, examples } = this.state;
    const others = (list.is === 'there' ? list.value : []).filter(one => one.name !== dataset.name);
    const known = others.length < (list.is === 'there' ? list.value.length : 0);
    const value = known
      ? (list as { value: readonly DatasetSummary[] }).value.map(one =>
          one.name === dataset.name ? dataset : one
        )
      : [dataset, ...others];
    this._turn++; // a list asked for earlier does not know it yet
    const kept = chosen.map(one => (nameOf(one) === dataset.name ? dataset.name : one));
    this.update({
      list: there(value),
      details: { ...details, [dataset.reference]: there(dataset) },
      chosen: kept.includes(dataset.name) ? kept : [...kept, dataset.name],
      looked: dataset.name,
      examples:
        examples.is === 'there'
          ? there(examples.value.map(one => (one.name === dataset.name ? { ...one, added: true } : one)))
          : examples
    });
  }

  private _listed(
    list: readonly DatasetSummary[],
    examples: Loaded<readonly Example[]>,
    removed: readonly string[] = []
  ): void {
    this.update({ list: there(list), examples });
    this._forget(removed);
    if (this.state.looked) {
      this.look(this.summary(this.state.looked) ? this.state.looked : null); // there may be a newer version
    }
  }

  private _forget(removed: readonly string[] = []): void {
    if (this.state.list.is !== 'there') {
      return;
    }
    const gone = this.state.chosen.map(nameOf).filter(name => !this.summary(name));
    if (gone.length > 0) {
      this.update({
        chosen: this.state.chosen.filter(one => !gone.includes(nameOf(one))),
        gone: gone.filter(name => !removed.includes(name))
      });
    }
  }

  private async _ask(reference: string): Promise<void> {
    const put = (details: Loaded<Dataset>): void =>
      this.update({ details: { ...this.state.details, [reference]: details } });
    put(ASKING);
    try {
      put(there(await this._server.dataset(reference)));
    } catch (error) {
      put({ is: 'failed', problems: problemsOf(error) });
    }
  }

  /** The name alone, where the version is the newest. */
  private _plain(reference: string): string {
    return this.summary(nameOf(reference))?.reference === reference ? nameOf(reference) : reference;
  }

  private _mark(name: string, busy: 'answering' | 'removing' | null, problems: readonly Problem[]): void {
    const others = Object.entries(this.state.busy).filter(([one]) => one !== name);
    this.update({
      busy: Object.fromEntries(busy ? [...others, [name, busy]] : others),
      problems: { ...this.state.problems, [name]: problems }
    });
  }

  private readonly _samples = new Map<string, Samples>();
  private _turn = 0;
}
