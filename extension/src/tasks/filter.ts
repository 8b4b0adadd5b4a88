import { STATES } from '../core/states';
import { type Task, type TaskState } from '../core/types';

/** What of all tasks is listed. Empty strings and lists: everything. */
export interface IFilter {
  readonly q: string;
  readonly states: readonly TaskState[];
  readonly dataset: string;
  readonly method: string;
  readonly batch: string;
  /** With those of systematic analysis; a person's own alone otherwise. */
  readonly systematic: boolean;
}

export const EVERYTHING: IFilter = {
  q: '',
  states: [],
  dataset: '',
  method: '',
  batch: '',
  systematic: false
};

/** Whether nothing is searched for. */
export function isEverything(filter: IFilter): boolean {
  return !filter.q.trim() && !filter.states.length && !filter.dataset && !filter.method && !filter.batch;
}

/** Whether it is of a kind that is listed at all. */
export function isListed(task: Task, filter: IFilter): boolean {
  return !task.service && (filter.systematic || !task.systematic);
}

/** As the server decides it: `GET /tasks` says how in the OpenAPI document. Used for rows that the stream brings. */
export function matches(task: Task, filter: IFilter): boolean {
  const words = filter.q.toLowerCase().split(/\s+/).filter(Boolean);
  const text = [task.label, task.dataset, task.method, task.title, task.notebook, task.task]
    .join('\n')
    .toLowerCase();
  return (
    isListed(task, filter) &&
    (!filter.states.length || filter.states.includes(task.state)) &&
    (!filter.dataset || task.dataset === filter.dataset || task.dataset?.split('@')[0] === filter.dataset) &&
    (!filter.method || task.method === filter.method) &&
    (!filter.batch || task.batch === filter.batch) &&
    words.every(word => text.includes(word))
  );
}

/** As `GET /tasks` takes it. */
export function asQuery(filter: IFilter): {
  q?: string;
  state?: string[];
  dataset?: string;
  method?: string;
  batch?: string;
  systematic?: string;
} {
  return {
    q: filter.q.trim(),
    state: [...filter.states],
    dataset: filter.dataset,
    method: filter.method,
    batch: filter.batch,
    systematic: filter.systematic ? 'yes' : ''
  };
}

/** What a layout kept, or nothing of it that is not a filter. */
export function asFilter(kept: unknown): IFilter {
  const found = (typeof kept === 'object' && kept !== null ? kept : {}) as Record<string, unknown>;
  const text = (name: string): string => (typeof found[name] === 'string' ? found[name] : '');
  const states = Array.isArray(found['states']) ? found['states'] : [];
  return {
    q: text('q'),
    states: STATES.filter(state => states.includes(state)),
    dataset: text('dataset'),
    method: text('method'),
    batch: text('batch'),
    systematic: found['systematic'] === true
  };
}
