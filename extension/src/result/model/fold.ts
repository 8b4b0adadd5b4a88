/**
 * A notebook that fills while it runs: the server's snapshot, then its events, one by one.
 *
 * What is held stays small whatever the worker says: of a cell the first and the last outputs, of a printed text its
 * end, of the notebook so many characters in all. The executed notebook has the rest, and each place says so.
 */
import { type LiveEvent, type LiveNotebook } from '../../core/types';
import {
  alike,
  bundle,
  cleaned,
  isObject,
  joined,
  printed,
  type IShown,
  type Output,
  weight
} from './output';

/** Outputs of one cell that are kept: so many at its start, and so many at its end. */
export const FIRST = 10;
export const LAST = 90;
/** Characters of all outputs together. */
export // Of one id: each update changes all of them, and there may be as many updates as displays.
const MOST_DISPLAYS = 100;
const MOST_HELD = 60_000_000;

/** Reported numbers, figures and tables are told by this type; it stands beside what is shown. */
export const REPORT_TYPE = 'application/vnd.codalab.report+json';

/** The cell with the injected parameters, which the submitted notebook does not have. */
const INJECTED = -1;

export interface ILiveCell {
  readonly key: string;
  readonly type: 'code' | 'markdown' | 'raw';
  readonly source: string;
  readonly tags: readonly string[];
  count: number | null;
  outputs: Output[];
  /** Outputs between the first and the last that are not held. */
  left: number;
  /** Grows with every change: who drew this version need not draw it again. */
  version: number;
}

export class NotebookFold {
  cells: ILiveCell[] = [];
  language = 'python';
  /** The cell that runs, as an index into `cells`. */
  running: number | null = null;
  n = 0;
  seq = 0;
  truncated = false;
  readonly metrics = new Map<string, number>();
  private _offset = 0;
  private _held = 0;
  private _waiting = new Set<ILiveCell>();
  private _displays = new Map<string, { cell: ILiveCell; key: number }[]>();

  /** Starts anew from what the server has; cells that did not change keep their version. */
  load(live: LiveNotebook): void {
    const raw = Array.isArray(live.notebook['cells']) ? (live.notebook['cells'] as unknown[]) : [];
    const before = new Map(this.cells.map(cell => [cell.key, cell]));
    this._forget();
    const known = new Set<string>();
    this.cells = raw.map((cell, index) => this._read(cell, index, before, known));
    this.language = language(live.notebook['metadata']);
    this.running = live.cell;
    this.n = live.n;
    this.seq = live.seq;
    this.truncated = live.truncated;
    this._offset = live.offset;
  }

  /** False for what was known already, and for what changes nothing here. */
  apply(event: LiveEvent): boolean {
    if (event.n < this.n || (event.n === this.n && event.seq <= this.seq)) {
      return false;
    }
    const anew = event.n > this.n;
    this.n = event.n;
    this.seq = event.seq;
    const { body } = event;
    switch (event.type) {
      case 'started':
        this._restart();
        return true;
      case 'truncated':
        this.truncated = true;
        return true;
      case 'metric':
        return this._metric(body);
      case 'released':
      case 'finished':
        this.running = null;
        return true;
      case 'heartbeat':
        return anew;
      default:
        return this._inCell(event.type, body);
    }
  }

  private _inCell(type: LiveEvent['type'], body: Record<string, unknown>): boolean {
    const cell = this._cell(body['cell']);
    if (cell === null) {
      return false;
    }
    if (type === 'cell_started') {
      this.running = this.cells.indexOf(cell);
    } else if (type === 'cell_finished') {
      this.running = null;
    } else if (type === 'clear_output') {
      if (body['wait'] === true) {
        this._waiting.add(cell);
        return false;
      }
      this._clear(cell);
    } else if (type === 'output') {
      if (this._waiting.delete(cell)) {
        this._clear(cell);
      }
      this._output(cell, body['output']);
    }
    const count = body['execution_count'];
    if ((type === 'cell_started' || type === 'cell_finished') && isCount(count)) {
      cell.count = count;
    }
    cell.version += 1;
    return true;
  }

  private _cell(index: unknown): ILiveCell | null {
    if (typeof index !== 'number' || !Number.isInteger(index)) {
      return null;
    }
    if (index === INJECTED && this._offset === 0) {
      this.cells.unshift(newCell('injected-parameters', 'code', '', ['injected-parameters']));
      this._offset = 1;
      this.running = this.running === null ? null : this.running + 1;
    }
    const cell = index < INJECTED ? undefined : this.cells[index + this._offset];
    return cell?.type === 'code' ? cell : null;
  }

  private _output(cell: ILiveCell, raw: unknown): void {
    const id = displayId(raw);
    if (isObject(raw) && raw['output_type'] === 'update_display_data') {
      this._update(id, raw);
      return;
    }
    const said = printed(raw);
    const last = cell.outputs.at(-1);
    if (said !== null && last?.kind === 'stream' && last.name === said.name) {
      last.text.append(said.text);
      return;
    }
    const output = cleaned(raw);
    this._add(cell, output);
    const told = output.kind === 'data' ? output.data[REPORT_TYPE] : null;
    if (isObject(told)) {
      this._metric({ name: told['metric'], value: told['value'] });
    }
    if (id !== null && output.kind === 'data') {
      this._displays.set(id, [
        ...(this._displays.get(id) ?? []).slice(1 - MOST_DISPLAYS),
        { cell, key: output.key }
      ]);
    }
  }

  private _add(cell: ILiveCell, output: Output): void {
    const heavy = weight(output);
    if (this._held + heavy > MOST_HELD) {
      cell.left += 1;
      return;
    }
    this._held += heavy;
    cell.outputs.push(output);
    if (cell.outputs.length > FIRST + LAST) {
      const [gone] = cell.outputs.splice(FIRST, 1);
      this._held -= gone ? weight(gone) : 0;
      cell.left += 1;
    }
  }

  private _update(id: string | null, raw: Record<string, unknown>): void {
    const data = bundle(raw['data']);
    if (data === null) {
      return;
    }
    const metadata = isObject(raw['metadata']) ? raw['metadata'] : {};
    for (const { cell, key } of this._displays.get(id ?? '') ?? []) {
      const at = cell.outputs.findIndex(output => output.key === key);
      if (at >= 0) {
        const before = cell.outputs[at] as IShown;
        cell.outputs[at] = { ...before, data, metadata };
        this._held += weight(cell.outputs[at]) - weight(before);
        cell.version += 1;
      }
    }
  }

  private _metric(body: Record<string, unknown>): boolean {
    const { name, value } = body;
    if (typeof name !== 'string' || typeof value !== 'number' || !Number.isFinite(value)) {
      return false;
    }
    this.metrics.set(name, value);
    return true;
  }

  /** A new attempt: what the last one said is not part of the result. */
  private _restart(): void {
    for (const cell of this.cells) {
      if (cell.outputs.length || cell.count !== null || cell.left) {
        this._clear(cell);
        cell.count = null;
        cell.version += 1;
      }
    }
    this._forget();
    this.truncated = false;
    this.running = null;
  }

  private _clear(cell: ILiveCell): void {
    this._held -= cell.outputs.reduce((sum, output) => sum + weight(output), 0);
    cell.outputs = [];
    cell.left = 0;
  }

  private _forget(): void {
    this._held = 0;
    this._waiting.clear();
    this._displays.clear();
    this.metrics.clear();
  }

  private _read(
    raw: unknown,
    index: number,
    before: ReadonlyMap<string, ILiveCell>,
    known: Set<string>
  ): ILiveCell {
    const found = isObject(raw) ? raw : {};
    const type = found['cell_type'];
    const metadata = isObject(found['metadata']) ? found['metadata'] : {};
    const tags = Array.isArray(metadata['tags'])
      ? metadata['tags'].filter(tag => typeof tag === 'string')
      : [];
    const id = typeof found['id'] === 'string' ? found['id'] : `cell ${index}`;
    const key = known.has(id) ? `${id} ${index}` : id;
    known.add(key);
    const kind = type === 'markdown' || type === 'raw' ? type : 'code';
    const cell = newCell(key, kind, joined(found['source']) ?? '', tags);
    if (cell.type === 'code') {
      cell.count = isCount(found['execution_count']) ? found['execution_count'] : null;
      for (const output of Array.isArray(found['outputs']) ? (found['outputs'] as unknown[]) : []) {
        this._output(cell, output);
      }
    }
    const old = before.get(key);
    if (old) {
      const unchanged =
        old.source === cell.source && old.left === cell.left && alike(old.outputs, cell.outputs);
      // Pictures and frames that stand on the page stay there.
      cell.outputs = unchanged ? old.outputs : cell.outputs;
      cell.version = unchanged && old.count === cell.count ? old.version : old.version + 1;
    }
    return cell;
  }
}

function newCell(key: string, type: ILiveCell['type'], source: string, tags: string[]): ILiveCell {
  return { key, type, source, tags, count: null, outputs: [], left: 0, version: 0 };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0;
}

function displayId(raw: unknown): string | null {
  const transient = isObject(raw) ? raw['transient'] : null;
  const id = isObject(transient) ? transient['display_id'] : null;
  return typeof id === 'string' ? id : null;
}

function language(metadata: unknown): string {
  const found = isObject(metadata) ? metadata : {};
  const [info, spec] = [found['language_info'], found['kernelspec']];
  const told = (isObject(info) ? info['name'] : null) ?? (isObject(spec) ? spec['language'] : null);
  return typeof told === 'string' && told ? told : 'python';
}
