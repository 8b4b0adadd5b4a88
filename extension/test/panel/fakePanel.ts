import {
  type Advice,
  type AddDataset,
  type Analyze,
  type Answer,
  type Dataset,
  type Form,
  type FormRequest,
  type IPanelServer,
  type MethodSummary,
  type Problem,
  type Recommendation,
  type SampleTable,
  type Submitted
} from '../../src/panel/types';

/** What a rejected request carries, as the real errors of the page do. */
export class No extends Error {
  readonly problems: readonly Problem[];

  constructor(message: string, at: string | null = null) {
    super(message);
    this.problems = [{ code: 'no', message, fix: 'Do something else.', at }];
  }
}

export function dataset(name: string, version = 1, more: Partial<Dataset> = {}): Dataset {
  return {
    name,
    version,
    reference: `${name}@${version}`,
    created_at: '2026-01-01T00:00:00Z',
    shape: '600 genes × 4 samples',
    kind: 'log',
    kind_words: 'logarithms',
    groups: 'ALL (2), AML (2)',
    warnings: 0,
    questions: 0,
    files: [],
    orientation: 'genes_in_rows',
    orientation_why: '',
    n_samples: 4,
    n_features: 600,
    missing: 0,
    columns: [
      {
        name: 'Diagnosis',
        type: 'groups',
        source: 'file',
        role: 'condition',
        role_proposed: false,
        groups: [
          { name: 'ALL', n: 2 },
          { name: 'AML', n: 2 }
        ],
        missing: 0
      }
    ],
    reference_group: { column: 'Diagnosis', group: 'ALL', why: '', proposed: false },
    reading: [],
    notes: [],
    open_questions: [],
    groups_from_names: [],
    versions: [version],
    ...more
  };
}

export function method(name: string, fits: boolean, datasets: readonly string[]): MethodSummary {
  return {
    method: name,
    title: name.toUpperCase(),
    sentence: `${name} does something.`,
    question: `${name}?`,
    fits: datasets.map(one => ({ dataset: one, fits, reason: fits ? 'Fits.' : 'Needs counts.' })),
    fits_any: fits && datasets.length > 0,
    missing: [],
    install: '',
    usual_seconds: 2,
    has_figure: false,
    recommended: []
  };
}

/** A recommendation with a badge. */
export function recommendation(
  method: string,
  dataset: string,
  more: Partial<Recommendation> = {}
): Recommendation {
  return {
    dataset,
    method,
    title: method.toUpperCase(),
    parameters: {},
    words: '',
    question: 'differences',
    measure: 'repeatable discoveries',
    why: `${method} was best on 4 of 5 data sets like this one.`,
    badge: true,
    score: 0.87,
    low: 0.7,
    high: 0.95,
    seconds: 12,
    runs: 14,
    near: [{ dataset: 'near@1', score: 0.9, place: 1, of: 6 }],
    ...more
  };
}

const PROPERTIES = {
  condition: {
    type: 'string',
    title: 'Groups',
    'x-choices-from': 'columns:condition',
    enum: ['Diagnosis', 'Batch']
  },
  reference: {
    type: 'string',
    title: 'Compared with',
    'x-choices-from': 'levels(condition)',
    enum: ['ALL', 'AML']
  },
  alpha: { type: 'number', title: 'Level', default: 0.05 }
};
const FLOOR = { floor: { type: 'number', title: 'Floor', default: 20 } };

/** A server of the panel in memory. `hold` keeps answers back until `release`; `refuse` answers the next call so. */
export class FakePanel implements IPanelServer {
  readonly kept = new Map<string, Dataset[]>();
  readonly asked: string[] = [];
  readonly forms: FormRequest[] = [];
  readonly analyzed: Analyze[] = [];
  readonly added: AddDataset[] = [];
  readonly dropped: string[] = [];
  refusals = new Map<string, Error>();
  proposed = false; // whether references are only proposed
  fitting = ['de', 'pca'];
  advised: Advice[] = [];
  upload: IPanelServer['upload'] = file =>
    Promise.resolve({ id: `u-${file.name}`, name: file.name, size: file.size });

  put(...datasets: Dataset[]): void {
    datasets.forEach(one => this.kept.set(one.name, [one, ...(this.kept.get(one.name) ?? [])]));
  }

  /** Answers of this verb wait until the returned function is called. */
  hold(verb: string): () => void {
    let release = (): void => undefined;
    this._held.set(verb, new Promise(resolve => (release = resolve)));
    return () => {
      this._held.delete(verb);
      release();
    };
  }

  async datasets(): Promise<Dataset[]> {
    await this._ask('datasets');
    return [...this.kept.values()].flatMap(versions => versions[0] ?? []);
  }

  async dataset(reference: string): Promise<Dataset> {
    await this._ask('dataset');
    const found = [...this.kept.values()].flat().find(one => one.reference === reference);
    if (!found) {
      throw new No(`There is no ${reference}.`);
    }
    return found;
  }

  async addDataset(request: AddDataset): Promise<Dataset> {
    await this._ask('addDataset');
    this.added.push(request);
    return this._next(request.name ?? request.example ?? 'leukemia');
  }

  async setDataset(reference: string, _answer: Answer): Promise<Dataset> {
    await this._ask('setDataset');
    return this._next(reference.split('@')[0] ?? '');
  }

  async removeDataset(name: string): Promise<void> {
    await this._ask('removeDataset');
    this.kept.delete(name);
  }

  async preview(): ReturnType<IPanelServer['preview']> {
    await this._ask('preview');
    return {
      columns: ['gene', 'S1'],
      rows: [['TP53', '1.5']],
      n_rows: 600,
      n_columns: 5,
      more_columns: true
    };
  }

  async samples(): Promise<SampleTable> {
    await this._ask('samples');
    return {
      columns: ['sample', 'Diagnosis'],
      rows: [
        ['S 1', 'ALL'],
        ['S 2', 'ALL'],
        ['S 3', 'AML'],
        ['S 4', 'AML']
      ],
      proposed: [],
      editable: true,
      why_not: ''
    };
  }

  async setSamples(reference: string): Promise<Dataset> {
    await this._ask('setSamples');
    return this._next(reference.split('@')[0] ?? '');
  }

  async examples(): ReturnType<IPanelServer['examples']> {
    await this._ask('examples');
    return [
      {
        name: 'golub',
        title: 'Leukemia',
        sentence: 'Of 38 patients.',
        shape: '',
        added: this.kept.has('golub')
      }
    ];
  }

  async dropUpload(id: string): Promise<void> {
    await Promise.resolve();
    this.dropped.push(id);
  }

  async methods(datasets: readonly string[]): Promise<MethodSummary[]> {
    await this._ask('methods');
    return ['counts', 'de', 'pca'].map(name => method(name, this.fitting.includes(name), datasets));
  }

  async advice(): Promise<Advice[]> {
    await this._ask('advice');
    return this.advised;
  }

  async form(request: FormRequest): Promise<Form> {
    this.forms.push(request);
    await this._ask('form');
    const { own = {}, shared = {} } = request;
    return {
      methods: request.methods.map(name => {
        const properties = name === 'de' ? { ...PROPERTIES, ...FLOOR } : FLOOR;
        const chosen = { ...shared, ...own[name] };
        const reference = typeof chosen['reference'] === 'string' ? chosen['reference'] : 'ALL';
        const alpha = chosen['alpha'];
        return {
          method: name,
          title: name.toUpperCase(),
          datasets: [...request.datasets],
          schema: { type: 'object', properties, required: [] },
          ui_schema: {},
          values: {
            floor: 20,
            ...(name === 'de' ? { condition: 'Diagnosis', reference, alpha: 0.05 } : {}),
            ...chosen
          },
          references:
            name === 'de'
              ? [
                  {
                    parameter: 'reference',
                    sentence: `up = higher than in ${reference}`,
                    proposed: this.proposed && chosen['reference'] === undefined,
                    dataset: request.datasets[0] ?? ''
                  }
                ]
              : [],
          problems:
            typeof alpha === 'string'
              ? [{ code: 'type', message: `alpha: found ${alpha}`, fix: '', at: 'alpha' }]
              : [],
          expected_seconds: 2
        };
      }),
      shared: request.methods.length > 1 ? { type: 'object', properties: FLOOR } : {},
      tasks: request.datasets.length * request.methods.length,
      expected_seconds: 4,
      ready: true,
      problems: []
    };
  }

  async analyze(request: Analyze): Promise<Submitted> {
    await this._ask('analyze');
    this.analyzed.push(request);
    return { batch: 'b1', tasks: request.methods.map(one => `t-${one}`), warnings: [] };
  }

  async pools(): ReturnType<IPanelServer['pools']> {
    await this._ask('pools');
    return [{ name: 'local', kind: 'local', workers: 1, note: '' }];
  }

  async warm(): Promise<void> {
    await this._ask('warm');
  }

  private _next(name: string): Dataset {
    const next = dataset(name, (this.kept.get(name)?.[0]?.version ?? 0) + 1);
    this.put(next);
    return next;
  }

  private async _ask(verb: string): Promise<void> {
    this.asked.push(verb);
    await this._held.get(verb);
    const refusal = this.refusals.get(verb);
    if (refusal) {
      throw refusal;
    }
  }

  private readonly _held = new Map<string, Promise<void>>();
}
