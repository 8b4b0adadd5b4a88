/** Outputs of a notebook, read from what a sandbox said: every shape is possible, few are right. */
import { Tail } from './tail';

/** Characters of one printed text that are kept. */
export const MOST_TEXT = 100_000;

export interface IStream {
  readonly kind: 'stream';
  readonly key: number;
  readonly name: 'stdout' | 'stderr';
  readonly text: Tail;
}

export interface IFailure {
  readonly kind: 'error';
  readonly key: number;
  readonly name: string;
  readonly value: string;
  readonly traceback: string;
}

export interface IShown {
  readonly kind: 'data';
  readonly key: number;
  /** By MIME type. Only text, or a JSON value under a JSON type. */
  readonly data: Readonly<Record<string, unknown>>;
  readonly metadata: Readonly<Record<string, unknown>>;
}

export type Output = IStream | IFailure | IShown;

let keys = 0;

/** A clean output, or a note in its place. Outputs are never changed afterwards, except that a stream grows. */
export function cleaned(raw: unknown): Output {
  const key = ++keys;
  const said = printed(raw);
  if (said !== null) {
    return stream(key, said.name, said.text);
  }
  if (isObject(raw)) {
    const kind = raw['output_type'];
    if (kind === 'display_data' || kind === 'execute_result') {
      const data = bundle(raw['data']);
      if (data !== null) {
        return { kind: 'data', key, data, metadata: isObject(raw['metadata']) ? raw['metadata'] : {} };
      }
    }
    if (kind === 'error' && typeof raw['ename'] === 'string' && typeof raw['evalue'] === 'string') {
      const lines = raw['traceback'] ?? [];
      if (Array.isArray(lines) && lines.every(line => typeof line === 'string')) {
        const told = lines.join('\n');
        return { kind: 'error', key, name: raw['ename'], value: raw['evalue'], traceback: middleOut(told) };
      }
    }
  }
  return stream(key, 'stderr', '[an output that was not valid is left out]\n');
}

/** What was printed, and where; null for what is no output of a stream. */
export function printed(raw: unknown): { name: IStream['name']; text: string } | null {
  if (!isObject(raw) || raw['output_type'] !== 'stream') {
    return null;
  }
  const { name } = raw;
  const text = joined(raw['text']);
  return (name === 'stdout' || name === 'stderr') && text !== null ? { name, text } : null;
}

function stream(key: number, name: IStream['name'], words: string): IStream {
  const text = new Tail(MOST_TEXT);
  text.append(words);
  return { kind: 'stream', key, name, text };
}

/** Text, or lines of text, as one text; null for anything else. */
export function joined(value: unknown): string | null {
  if (typeof value === 'string') {
    return value;
  }
  return Array.isArray(value) && value.every(one => typeof one === 'string') ? value.join('') : null;
}

/** A MIME bundle whose texts are joined; null if a value is no text where only text may stand. */
export function bundle(raw: unknown): Record<string, unknown> | null {
  if (!isObject(raw)) {
    return null;
  }
  const data: Record<string, unknown> = {};
  for (const [mime, value] of Object.entries(raw)) {
    const words = joined(value);
    if (words !== null) {
      data[mime] = words;
    } else if (mime === 'application/json' || /^application\/.*\+json$/.test(mime)) {
      data[mime] = value;
    } else {
      return null;
    }
  }
  return data;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function middleOut(text: string): string {
  return text.length <= MOST_TEXT
    ? text
    : `${text.slice(0, MOST_TEXT / 2)}\n[…]\n${text.slice(-MOST_TEXT / 2)}`;
}

/** About how much memory an output holds, in characters. */
export function weight(output: Output): number {
  if (output.kind === 'stream') {
    return MOST_TEXT;
  }
  if (output.kind === 'error') {
    return output.traceback.length;
  }
  return Object.values(output.data).reduce<number>(
    (sum, value) => sum + (typeof value === 'string' ? value.length : 1_000),
    0
  );
}

/** Whether two lists of outputs look the same. */
export function alike(some: readonly Output[], others: readonly Output[]): boolean {
  return some.length === others.length && some.every((one, i) => same(one, others[i]));
}

function same(one: Output, other: Output | undefined): boolean {
  if (one.kind === 'stream') {
    return (
      other?.kind === 'stream' && one.name === other.name && one.text.toString() === other.text.toString()
    );
  }
  if (one.kind === 'error') {
    return other?.kind === 'error' && one.value === other.value && one.traceback === other.traceback;
  }
  const mimes = Object.keys(one.data);
  return (
    other?.kind === 'data' &&
    mimes.length === Object.keys(other.data).length &&
    mimes.every(mime => typeof one.data[mime] === 'string' && one.data[mime] === other.data[mime])
  );
}
