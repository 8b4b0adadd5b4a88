/** What a notebook printed as text for a page: colours become styles, every other control character is spelled out. */

export interface ISpan {
  readonly text: string;
  /** Class names after the prefix, as `red bold`; empty for plain text. */
  readonly style: string;
}

const LONGEST_LINE = 2_000;
// C0, C1, DEL, lone surrogates, line separators, and marks that reverse or hide text.
const CONTROLS =
  // eslint-disable-next-line no-control-regex -- these are what is looked for
  /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
// eslint-disable-next-line no-control-regex -- the escape character starts a colour
const COLOUR = /\x1b\[([0-9;:]{0,40})m/g;
const COLOURS = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'];

/** Control characters spelled out (`\x1b`); newlines and tabs stay. */
export function harmless(text: string): string {
  return text.replace(CONTROLS, found => {
    const code = found.charCodeAt(0);
    return code < 0x100
      ? `\\x${code.toString(16).padStart(2, '0')}`
      : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

/** For names and cells of a table: one line, whatever is in it. */
export function oneLine(text: string): string {
  return harmless(text).replaceAll('\n', '\\n').replaceAll('\t', '\\t');
}

/** Spans of equal style. Lines are cut where nobody reads on; `\r` must have been carried out before. */
export function spans(text: string): ISpan[] {
  const found: ISpan[] = [];
  const style = new Style();
  let at = 0;
  for (const match of text.matchAll(COLOUR)) {
    push(found, text.slice(at, match.index), style.words);
    style.take(match[1] ?? '');
    at = match.index + match[0].length;
  }
  push(found, text.slice(at), style.words);
  return found;
}

function push(found: ISpan[], raw: string, style: string): void {
  if (raw === '') {
    return;
  }
  const text = harmless(cutLines(raw.replaceAll('\r', '')));
  const last = found.at(-1);
  if (last?.style === style) {
    found[found.length - 1] = { text: last.text + text, style };
  } else {
    found.push({ text, style });
  }
}

function cutLines(text: string): string {
  if (text.length <= LONGEST_LINE) {
    return text;
  }
  return text
    .split('\n')
    .map(line =>
      line.length <= LONGEST_LINE
        ? line
        : `${line.slice(0, LONGEST_LINE)} … ${(line.length - LONGEST_LINE).toLocaleString('en')} more characters`
    )
    .join('\n');
}

/** The state of a terminal's colours: ECMA-48, "select graphic rendition". */
class Style {
  words = '';
  private _flags = new Set<string>();
  private _colour = '';

  take(codes: string): void {
    const numbers = codes.split(/[;:]/).map(code => Number(code || '0'));
    for (let i = 0; i < numbers.length; i++) {
      const code = numbers[i] ?? 0;
      if (code === 38 || code === 48) {
        // 256 colours or RGB: their numbers are passed over, the text stays plain.
        i += numbers[i + 1] === 2 ? 4 : 2;
        this._colour = code === 38 ? '' : this._colour;
      } else {
        this._one(code);
      }
    }
    this.words = [...this._flags, this._colour].filter(Boolean).join(' ');
  }

  private _one(code: number): void {
    if (code === 0) {
      this._flags.clear();
      this._colour = '';
    } else if (code === 1) {
      this._flags.add('bold');
    } else if (code === 3) {
      this._flags.add('italic');
    } else if (code === 4) {
      this._flags.add('underline');
    } else if (code === 22) {
      this._flags.delete('bold');
    } else if (code === 23) {
      this._flags.delete('italic');
    } else if (code === 24) {
      this._flags.delete('underline');
    } else if (code === 39) {
      this._colour = '';
    } else if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) {
      this._colour = COLOURS[code % 10] ?? '';
    }
  }
}
