import { type IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import { type ICodalab } from '../core/codalab';
import { isAbort } from '../core/errors';
import { type NotebookDraft, type Problem } from '../core/types';
import { type components } from '../core/wire';

type Schemas = components['schemas'];
export type Limits = Required<Schemas['Limits']>;
export type Pool = Schemas['Pool'];
type Values = Record<string, unknown>;

/** A notebook as it stands in the editor, saved or not. */
export interface INotebookSource {
  /** Relative to the server's root. */
  readonly path: string;
  /** nbformat JSON; null: as it is on disk. */
  readonly content: Values | null;
}

const PAUSE_MS = 250;

/** What would be submitted, as the person changes it; the server looks at it after each change. */
export class AnalyzeModel implements IDisposable {
  constructor(
    readonly source: INotebookSource,
    private readonly _codalab: ICodalab,
    chosen: Values = {}
  ) {
    this._chosen = { ...chosen };
    void this._inspect();
    void this._readPools();
    // A worker is made ready while the person looks; when it is not, the run says so itself.
    _codalab.api.post('/warm').catch(() => undefined);
  }

  /** Null until the server has looked at it once. */
  get draft(): NotebookDraft | null {
    return this._draft;
  }

  /** Why it could not be looked at, or not be submitted, the last time. */
  get error(): unknown {
    return this._error;
  }

  get pools(): readonly Pool[] {
    return this._pools;
  }

  get limits(): Limits {
    return this._limits;
  }

  /** The values in force: chosen, else those of the notebook. */
  get values(): Values {
    return { ...(this._draft?.values ?? {}), ...this._chosen };
  }

  get busy(): boolean {
    return this._submitting;
  }

  /** Whether it can be submitted as it is. */
  get ready(): boolean {
    return this._draft !== null && !this._draft.problems.length && !this._submitting;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._disposed;
  }

  travels(path: string): boolean {
    const file = this._draft?.files.find(one => one.path === path);
    return this._excluded.has(path) ? false : this._included.has(path) || file?.packed === true;
  }

  setTravels(path: string, travels: boolean): void {
    const [to, from] = travels ? [this._included, this._excluded] : [this._excluded, this._included];
    from.delete(path);
    to.add(path);
    this._soon();
  }

  setValues(values: Values): void {
    const before = this._draft?.values ?? {};
    // Only what differs from the notebook's own is said.
    this._chosen = Object.fromEntries(
      Object.entries(values).filter(
        ([name, value]) => value !== undefined && (name in this._chosen || !equal(value, before[name]))
      )
    );
    this._soon();
  }

  setLimits(limits: Partial<Limits>): void {
    this._limits = { ...this._limits, ...limits };
    this._changed.emit();
  }

  /** The id of the new task; null when it was not accepted: `error` says why. */
  async submit(): Promise<string | null> {
    if (!this.ready) {
      return null;
    }
    this._submitting = true;
    this._error = null;
    this._changed.emit();
    try {
      const submitted = await this._codalab.runNotebook({ ...this._wish(), limits: trimmed(this._limits) });
      return submitted.tasks[0] ?? null;
    } catch (error) {
      this._error = error;
      return null;
    } finally {
      this._submitting = false;
      this._changed.emit();
    }
  }

  async retry(): Promise<void> {
    await this._inspect();
  }

  dispose(): void {
    this._disposed = true;
    this._abort.abort();
    clearTimeout(this._timer);
    Signal.clearData(this);
  }

  private _wish(): Schemas['InspectNotebook'] {
    return {
      path: this.source.path,
      content: this.source.content,
      parameters: this._chosen,
      include: [...this._included],
      exclude: [...this._excluded]
    };
  }

  private _soon(): void {
    clearTimeout(this._timer);
    this._timer = window.setTimeout(() => void this._inspect(), PAUSE_MS);
    this._changed.emit();
  }

  private async _inspect(): Promise<void> {
    this._abort.abort();
    const abort = (this._abort = new AbortController());
    try {
      const draft = await this._codalab.api.post('/notebooks/inspect', {
        body: this._wish(),
        signal: abort.signal
      });
      if (!abort.signal.aborted) {
        [this._draft, this._error] = [draft, null];
        this._changed.emit();
      }
    } catch (error) {
      if (!isAbort(error) && !abort.signal.aborted) {
        this._error = error;
        this._changed.emit();
      }
    }
  }

  private async _readPools(): Promise<void> {
    try {
      this._pools = (await this._codalab.api.get('/pools')).pools;
      this._changed.emit();
    } catch {
      // One pool, the site's own, is always there: then there is nothing to choose.
    }
  }

  private _chosen: Values;
  private _draft: NotebookDraft | null = null;
  private _error: unknown = null;
  private _pools: readonly Pool[] = [];
  private _limits: Limits = { timeout: null, memory: null, network: false, pool: null };
  private _submitting = false;
  private _disposed = false;
  private _timer = 0;
  private _abort = new AbortController();
  private readonly _excluded = new Set<string>();
  private readonly _included = new Set<string>();
  private readonly _changed = new Signal<this, void>(this);
}

/** Problems of one parameter, and those that are about none. */
export function problemsAt(problems: readonly Problem[], names: ReadonlySet<string>): Map<string, Problem[]> {
  const found = new Map<string, Problem[]>();
  for (const problem of problems) {
    const at = problem.at && names.has(problem.at) ? problem.at : '';
    found.set(at, [...(found.get(at) ?? []), problem]);
  }
  return found;
}

/** What is left empty is the site's default. */
function trimmed(limits: Limits): Limits {
  const words = (value: string | null): string | null => value?.trim() || null;
  return {
    ...limits,
    timeout: words(limits.timeout),
    memory: words(limits.memory),
    pool: words(limits.pool)
  };
}

function equal(one: unknown, other: unknown): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}

/** A notebook without what it has shown: outputs do not travel, and may be large. */
export function withoutOutputs(content: Values): Values {
  const cells = Array.isArray(content['cells']) ? (content['cells'] as Values[]) : [];
  return {
    ...content,
    cells: cells.map(cell =>
      cell['cell_type'] === 'code' ? { ...cell, outputs: [], execution_count: null } : cell
    )
  };
}
