/**
 * How an output is shown. The allow-list: text, streams, tracebacks, PNG, JPEG and GIF (by their first bytes), JSON, LaTeX;
 * Markdown and tables of pandas, both taken apart and made anew; other HTML and SVG in a frame that can do nothing.
 * What needs a script is shown by its picture where it has one, else by a sentence that says why.
 */
import { type Output, type IShown } from '../model/output';
import { REPORT_TYPE } from '../model/fold';
import { htmlFrame, svgFrame, type IFrame } from './frame';
import { readTable, type ITable } from './table';

export type Shown =
  | { readonly kind: 'picture'; readonly source: string; readonly alt: string; readonly width: number | null }
  | { readonly kind: 'markdown'; readonly source: string }
  | { readonly kind: 'table'; readonly table: ITable }
  | { readonly kind: 'frame'; readonly frame: IFrame }
  | { readonly kind: 'latex'; readonly source: string }
  | { readonly kind: 'json'; readonly text: string }
  | { readonly kind: 'text'; readonly text: string; readonly left: number }
  | { readonly kind: 'error'; readonly text: string }
  /** Needs a script: `name` is that of the library where it is known. `text` is what stands for it. */
  | { readonly kind: 'interactive'; readonly name: string | null; readonly text: string }
  /** Nothing that can be shown; `mimes` are the kinds it has. */
  | { readonly kind: 'unknown'; readonly mimes: string }
  | { readonly kind: 'nothing' };

const PICTURES: Readonly<Record<string, string>> = {
  'image/png': '\x89PNG\r\n\x1a\n',
  'image/jpeg': '\xff\xd8\xff',
  'image/gif': 'GIF8'
};
const MOST_TEXT = 100_000;
const MOST_JSON = 20_000;
const MOST_PICTURE = 40_000_000;
const WIDEST = 4_000;
const INTERACTIVE = /^application\/(vnd\.|javascript|x-)/;
const NAMES: readonly (readonly [string, string])[] = [
  ['plotly', 'Plotly'],
  ['vega', 'Altair'],
  ['widget', 'Jupyter widget'],
  ['bokeh', 'Bokeh'],
  ['holoviews', 'HoloViews']
];
const ACTS = /<(script|iframe|object|embed|canvas|video|audio)\b/i;
// `<IPython.core.display.HTML object>` says nothing to a person.
const PLACEHOLDER = /^\s*<IPython\.core\.display\.\w{1,40} object>\s*$/;

export function shownOf(output: Output): Shown {
  if (output.kind === 'stream') {
    return { kind: 'text', text: output.text.toString(), left: output.text.left };
  }
  if (output.kind === 'error') {
    return { kind: 'error', text: output.traceback || `${output.name}: ${output.value}` };
  }
  return dataOf(output);
}

function dataOf(output: IShown): Shown {
  const { data } = output;
  const words = (mime: string): string | null => {
    const value = data[mime];
    return typeof value === 'string' ? value : null;
  };
  const picture = pictureOf(output);
  if (picture !== null) {
    return picture;
  }
  const markdown = words('text/markdown');
  if (markdown !== null) {
    return { kind: 'markdown', source: markdown };
  }
  const html = words('text/html');
  const table = html === null ? null : readTable(html);
  if (table !== null) {
    return { kind: 'table', table };
  }
  const plain = words('text/plain');
  const text = plain === null || PLACEHOLDER.test(plain) ? null : plain;
  const name = library(data);
  if (name !== undefined || (html !== null && ACTS.test(html))) {
    return { kind: 'interactive', name: name ?? null, text: (text ?? '').slice(0, MOST_TEXT) };
  }
  if (html !== null) {
    const frame = htmlFrame(html);
    return frame === null ? { kind: 'nothing' } : { kind: 'frame', frame };
  }
  const svg = words('image/svg+xml');
  if (svg !== null) {
    return { kind: 'frame', frame: svgFrame(svg) };
  }
  if ('application/json' in data) {
    const json = data['application/json'];
    const told = typeof json === 'string' ? json : (JSON.stringify(json, null, 1) ?? '');
    return { kind: 'json', text: cut(told, MOST_JSON) };
  }
  const latex = words('text/latex');
  if (latex !== null) {
    return { kind: 'latex', source: latex };
  }
  if (text !== null) {
    return text.trim() ? { kind: 'text', text: cut(text, MOST_TEXT), left: 0 } : { kind: 'nothing' };
  }
  const mimes = Object.keys(data).filter(mime => mime !== REPORT_TYPE);
  return mimes.length ? { kind: 'unknown', mimes: mimes.join(', ') } : { kind: 'nothing' };
}

/** The library whose script would draw it; null for a script of no name; undefined when it needs none. */
function library(data: IShown['data']): string | null | undefined {
  const mime = Object.keys(data).find(one => INTERACTIVE.test(one) && one !== REPORT_TYPE);
  if (mime === undefined) {
    return undefined;
  }
  const known = NAMES.find(([part]) => mime.includes(part));
  return known ? known[1] : mime.includes('javascript') ? null : mime;
}

function pictureOf(output: IShown): Shown | null {
  for (const [mime, start] of Object.entries(PICTURES)) {
    const encoded = output.data[mime];
    const bytes = typeof encoded === 'string' ? encoded.replace(/\s+/g, '') : '';
    if (bytes.length > 0 && bytes.length <= MOST_PICTURE && startsWith(bytes, start)) {
      const told = output.metadata[mime];
      const { alt, width } = (typeof told === 'object' && told !== null ? told : {}) as Record<
        string,
        unknown
      >;
      const plain = output.data['text/plain'];
      const description = typeof plain === 'string' && !plain.startsWith('<') ? plain : '';
      return {
        kind: 'picture',
        source: `data:${mime};base64,${bytes}`,
        alt: typeof alt === 'string' && alt ? alt : description,
        width:
          typeof width === 'number' && Number.isInteger(width) && width > 0 && width <= WIDEST ? width : null
      };
    }
  }
  return null;
}

/** Whether it is base64 through and through, and its first bytes are those of the format. */
function startsWith(base64: string, bytes: string): boolean {
  if (base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) {
    return false;
  }
  return atob(base64.slice(0, 16)).startsWith(bytes);
}

function cut(text: string, most: number): string {
  return text.length <= most
    ? text
    : `${text.slice(0, most)}\n[… ${(text.length - most).toLocaleString('en')} more characters]`;
}
