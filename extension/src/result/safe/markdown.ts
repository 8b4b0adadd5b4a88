/**
 * Markdown as elements of ours. It is read into tokens, and only what is listed here is made of them: raw HTML stays
 * visible as text, a link is its text with its http(s) address beside it, never something to click.
 */
import { Marked, type Token, type Tokens } from 'marked';

import { isPlainMath } from './latex';
import { harmless } from './text';

const LONGEST = 200_000;
const DEEPEST = 20;
const PICTURE = /^data:image\/(png|jpeg|gif);base64,[A-Za-z0-9+/=]+$/;
// Formulas are words of their own: `_` and `*` mean something else in them. As Pandoc has it, `$5 and $6` is none.
const MATH =
  /^(?:\$\$(?:\\[\s\S]|[^$\\]){1,5000}\$\$|\$(?!\s)(?:\\.|[^$\\\n]){1,1000}(?<!\s)\$(?!\d)|\\\([^\n]{1,1000}?\\\)|\\\[[\s\S]{1,5000}?\\\]|\\begin\{(\w{1,20}\*?)\}[\s\S]{1,5000}?\\end\{\1\})/;
const reader = new Marked({
  gfm: true,
  extensions: [
    {
      name: 'math',
      level: 'inline',
      start: text => {
        const at = text.search(/\$|\\[([b]/);
        return at < 0 ? undefined : at;
      },
      tokenizer: text => {
        const found = MATH.exec(text);
        return found ? { type: 'math', raw: found[0] } : undefined;
      }
    }
  ]
});
const INLINE: Readonly<Record<string, string>> = { strong: 'strong', em: 'em', del: 's' };

export interface IMarkdown {
  readonly node: HTMLElement;
  /** Whether there are formulas in it, and nothing in them reaches further. */
  readonly math: boolean;
}

/** Headings start one level lower: the page has a title of its own. */
export function markdownNode(source: string): IMarkdown {
  const node = document.createElement('div');
  const cut = source.slice(0, LONGEST);
  const builder = new Builder();
  builder.blocks(node, reader.lexer(cut), 0);
  if (cut.length < source.length) {
    element(node, 'p').textContent = '[…]';
  }
  return { node, math: builder.math.length > 0 && builder.math.every(isPlainMath) };
}

class Builder {
  /** The formulas that were met. */
  readonly math: string[] = [];

  blocks(parent: HTMLElement, tokens: readonly Token[], depth: number): void {
    if (depth > DEEPEST) {
      return;
    }
    for (const token of tokens) {
      this._block(parent, token, depth);
    }
  }

  private _block(parent: HTMLElement, token: Token, depth: number): void {
    switch (token.type) {
      case 'space':
      case 'def':
        return;
      case 'heading':
        this._inline(element(parent, `h${Math.min(6, (token as Tokens.Heading).depth + 1)}`), token, depth);
        return;
      case 'paragraph':
        this._inline(element(parent, 'p'), token, depth);
        return;
      case 'text': // in a list item: without air around it
        this._inline(parent, token, depth);
        return;
      case 'code':
        this._words(element(element(parent, 'pre'), 'code'), (token as Tokens.Code).text);
        return;
      case 'blockquote':
        this.blocks(element(parent, 'blockquote'), (token as Tokens.Blockquote).tokens, depth + 1);
        return;
      case 'hr':
        element(parent, 'hr');
        return;
      case 'checkbox':
        parent.append((token as Tokens.Checkbox).checked ? '☑ ' : '☐ ');
        return;
      case 'list':
        this._list(parent, token as Tokens.List, depth);
        return;
      case 'table':
        this._table(parent, token as Tokens.Table, depth);
        return;
      default:
        this._words(element(parent, 'p'), token.raw.trim());
    }
  }

  private _list(parent: HTMLElement, token: Tokens.List, depth: number): void {
    const list = element(parent, token.ordered ? 'ol' : 'ul');
    if (token.ordered && typeof token.start === 'number' && token.start !== 1) {
      (list as HTMLOListElement).start = token.start;
    }
    for (const item of token.items) {
      const line = element(list, 'li');
      this.blocks(line, item.tokens, depth + 1);
    }
  }

  private _table(parent: HTMLElement, token: Tokens.Table, depth: number): void {
    const wide = element(parent, 'div');
    wide.className = 'codalab-Output-wide';
    const table = element(wide, 'table');
    table.className = 'codalab-Output-table';
    const row = (part: HTMLElement, cells: readonly Tokens.TableCell[], tag: string): void => {
      const line = element(part, 'tr');
      for (const cell of cells) {
        const made = element(line, tag);
        made.classList.toggle('codalab-mod-number', cell.align === 'right');
        this._inlines(made, cell.tokens, depth);
      }
    };
    row(element(table, 'thead'), token.header, 'th');
    const body = element(table, 'tbody');
    token.rows.forEach(cells => row(body, cells, 'td'));
  }

  private _inline(parent: HTMLElement, token: Token, depth: number): void {
    const inner = 'tokens' in token ? token.tokens : undefined;
    if (inner) {
      this._inlines(parent, inner, depth);
    } else {
      this._words(parent, decoded('text' in token ? String(token.text) : token.raw));
    }
  }

  private _inlines(parent: HTMLElement, tokens: readonly Token[], depth: number): void {
    for (const token of tokens) {
      if (depth > DEEPEST) {
        return;
      }
      if (token.type in INLINE) {
        this._inline(element(parent, INLINE[token.type] ?? 'span'), token, depth + 1);
      } else if (token.type === 'link') {
        this._link(parent, token as Tokens.Link, depth);
      } else if (token.type === 'image') {
        this._image(parent, token as Tokens.Image);
      } else if (token.type === 'codespan') {
        this._words(element(parent, 'code'), (token as Tokens.Codespan).text);
      } else if (token.type === 'br') {
        element(parent, 'br');
      } else if (token.type === 'checkbox') {
        this._block(parent, token, depth);
      } else if (token.type === 'text') {
        this._inline(parent, token, depth + 1);
      } else if (token.type === 'math') {
        this.math.push(token.raw);
        this._words(parent, token.raw);
      } else if (token.type === 'escape') {
        this._words(parent, (token as Tokens.Escape).text);
      } else {
        this._words(parent, token.raw);
      }
    }
  }

  private _link(parent: HTMLElement, token: Tokens.Link, depth: number): void {
    this._inlines(parent, token.tokens, depth + 1);
    if (/^https?:\/\//i.test(token.href) && token.href !== token.text) {
      const address = element(parent, 'span');
      address.className = 'codalab-Output-address';
      this._words(address, ` (${token.href})`);
    }
  }

  private _image(parent: HTMLElement, token: Tokens.Image): void {
    if (!PICTURE.test(token.href)) {
      this._words(parent, token.text);
      return;
    }
    const image = element(parent, 'img') as HTMLImageElement;
    image.alt = harmless(token.text);
    image.src = token.href;
  }

  private _words(parent: HTMLElement, text: string): void {
    parent.append(harmless(text));
  }
}

/** `&amp;` and the like as the characters they stand for; a tag stays text. */
function decoded(text: string): string {
  if (!/&#?\w{1,31};/.test(text)) {
    return text;
  }
  const inert = new DOMParser().parseFromString(`<pre>${text.replaceAll('<', '&lt;')}`, 'text/html');
  return inert.body.textContent ?? text;
}

function element(parent: HTMLElement, name: string): HTMLElement {
  return parent.appendChild(document.createElement(name));
}
