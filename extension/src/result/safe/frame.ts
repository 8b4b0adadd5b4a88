/**
 * Foreign HTML and SVG in a frame that can do nothing: no scripts, no origin, no network, no way out.
 *
 * Three walls, each enough: `sandbox` without any permission; a policy inside that allows inline styles and pictures in
 * the text only; and the markup itself taken apart and written anew, with listed tags and without the attributes that
 * fetch or act. Every `<` in what is written is ours, so that a second reading cannot find a tag that is not listed.
 */

export interface IFrame {
  readonly page: string;
  /** Pixels: as high as its content is likely to need, for a frame without an origin cannot be measured. */
  readonly height: number;
}

const POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";
const LONGEST = 300_000;
const [MOST_PARTS, DEEPEST_USE] = [200_000, 20];
const [LOWEST, HIGHEST, LINE, LETTERS] = [48, 640, 22, 110];
const HTML =
  words(`a abbr address article aside b bdi bdo big blockquote br caption center cite code col colgroup data dd
  del details dfn div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hgroup hr i img ins kbd li main
  mark meter nav ol p pre progress q rp rt ruby s samp section small span strike strong style sub summary sup table tbody
  td tfoot th thead time tr tt u ul var wbr`);
const SVG =
  words(`svg g defs symbol use path rect circle ellipse line polyline polygon text tspan textPath marker
  clipPath mask pattern linearGradient radialGradient stop title desc style image a filter feGaussianBlur feOffset
  feBlend feColorMatrix feComposite feFlood feMerge feMergeNode`);
const MATH =
  words(`math mrow mi mn mo ms mtext mspace mfrac msqrt mroot msub msup msubsup munder mover munderover
  mtable mtr mtd mstyle mpadded mphantom mfenced menclose`);
const SILENT =
  words(`script iframe object embed template noscript frameset frame applet portal xmp plaintext noembed
  noframes title textarea select foreignObject annotation annotation-xml animate set animateTransform animateMotion
  head mglyph`);
const VOID = words('br hr img col wbr');
const BREAKS = words('br p div li tr h1 h2 h3 h4 h5 h6 hr pre dt dd');
const DENIED =
  words(`srcset ping action formaction srcdoc longdesc cite manifest poster background is autofocus nonce slot
  target attributename to values from http-equiv shadowrootmode popover popovertarget contenteditable usemap`);
const PICTURE = /^data:image\/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]*$/;
const FETCHING = /url\s*\(|@import|expression\s*\(|image-set|image\s*\(|src\s*\(|cross-fade|element\s*\(|\\/i;
const OWN_PART = /url\(\s*['"]?#[\w.-]{1,80}['"]?\s*\)/gi;
const ATTRIBUTE = /^[a-z_][a-z0-9_:.-]{0,60}$/i;
const NAMESPACES = new Map([
  ['http://www.w3.org/1999/xhtml', HTML],
  ['http://www.w3.org/2000/svg', SVG],
  ['http://www.w3.org/1998/Math/MathML', MATH]
]);

/** A frame with this HTML; null when there is nothing in it to be seen. */
export function htmlFrame(source: string): IFrame | null {
  const { markup, lines } = rebuilt(source);
  if (!/>\s*[^<\s]|^[^<\s]|<(img|svg|hr|meter|progress)\b/.test(markup)) {
    return null;
  }
  return { page: page(markup), height: Math.min(HIGHEST, Math.max(LOWEST, 20 + LINE * lines)) };
}

/** A frame with this picture, as high as it says itself. */
export function svgFrame(source: string): IFrame {
  const { markup } = rebuilt(source);
  const said = /<svg\b[^>]{0,2000}?\bheight="(\d{1,5})(?:\.\d*)?(px|pt)?"/.exec(markup);
  const box = /<svg\b[^>]{0,2000}?\bviewbox="[\d.\s-]{1,60}?(\d{1,5})(?:\.\d*)?"/i.exec(markup);
  const height = said ? Number(said[1]) * (said[2] === 'pt' ? 4 / 3 : 1) : box ? Number(box[1]) : 400;
  return { page: page(markup), height: Math.round(Math.min(HIGHEST, Math.max(LOWEST, 20 + height))) };
}

function page(markup: string): string {
  return (
    `<!DOCTYPE html><html><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${POLICY}">` +
    '<style>body { font: 14px/1.5 system-ui, sans-serif; margin: 8px; color: #1f2328; background: #fff } ' +
    'table { border-collapse: collapse } td, th { padding: 2px 10px 2px 0; text-align: left } ' +
    `img, svg { max-width: 100%; height: auto }</style></head><body>${markup}</body></html>`
  );
}

/** The markup that is allowed, and about how many lines it takes. */
export function rebuilt(source: string): { markup: string; lines: number } {
  // Parsed apart from the page: nothing in there runs or is fetched.
  const parsed = new DOMParser().parseFromString(source.slice(0, LONGEST), 'text/html');
  // A style sheet may stand in the head, where the parser puts it.
  const writer = new Writer(!isBomb(parsed.body));
  parsed.head.querySelectorAll('style').forEach(style => writer.style(style));
  writer.children(parsed.body);
  return { markup: writer.parts.join(''), lines: writer.lines };
}

/** Whether `<use>` of `<use>` would draw more than a figure needs: seven lines of ten each make ten million parts. */
function isBomb(body: HTMLElement): boolean {
  const targets = new Map<string, Element[]>();
  body.querySelectorAll('[id]').forEach(one => {
    const same = targets.get(one.id);
    if (same) {
      same.push(one);
    } else {
      targets.set(one.id, [one]);
    }
  });
  const known = new Map<string, number>();
  const size = (element: Element, depth: number): number => {
    let sum = element.getElementsByTagName('*').length + 1;
    for (const use of element.querySelectorAll('use')) {
      for (const name of ['href', 'xlink:href']) {
        sum += of(use.getAttribute(name)?.slice(1) ?? '', depth + 1);
      }
    }
    return sum;
  };
  const of = (id: string, depth: number): number => {
    const before = known.get(id);
    if (before !== undefined || depth > DEEPEST_USE) {
      return before ?? Infinity;
    }
    known.set(id, 0); // what contains itself is not drawn
    const most = Math.max(0, ...(targets.get(id) ?? []).map(target => size(target, depth)));
    known.set(id, most);
    return most;
  };
  return size(body, 0) > MOST_PARTS;
}

class Writer {
  constructor(private readonly _uses: boolean) {}

  readonly parts: string[] = [];
  lines = 1;

  /** The parser nests 512 deep at most. */
  children(parent: Node): void {
    for (const child of parent.childNodes) {
      if (child.nodeType === Node.TEXT_NODE) {
        const text = child.nodeValue ?? '';
        this.lines += Math.floor(text.trim().length / LETTERS);
        this.parts.push(escaped(text));
      } else if (child.nodeType === Node.ELEMENT_NODE) {
        this._element(child as Element);
      }
    }
  }

  style(element: Element): void {
    const text = element.textContent ?? '';
    // Not unescaped by browsers; within SVG it is, so that `&` could spell anything.
    if (!FETCHING.test(text) && !/[<&]/.test(text)) {
      this.parts.push(`<style>${text}</style>`);
    }
  }

  private _element(element: Element): void {
    const name = element.localName;
    if (name === 'use' && !this._uses) {
      return;
    }
    if (SILENT.has(name) && !(name === 'title' && element.namespaceURI?.endsWith('/svg'))) {
      return;
    }
    this.lines += BREAKS.has(name) ? 1 : 0;
    if (name === 'style') {
      this.style(element);
      return;
    }
    if (!NAMESPACES.get(element.namespaceURI ?? '')?.has(name)) {
      this.children(element); // its text is worth reading
      return;
    }
    const kept = [...element.attributes].filter(({ name, value }) => allowed(name, value));
    this.parts.push(`<${name}${kept.map(({ name, value }) => ` ${name}="${escaped(value)}"`).join('')}>`);
    if (!VOID.has(name)) {
      this.children(element);
      this.parts.push(`</${name}>`);
    }
  }
}

function allowed(attribute: string, value: string): boolean {
  const name = attribute.toLowerCase();
  if (!ATTRIBUTE.test(name) || /^(on|data-|form)/.test(name) || DENIED.has(name)) {
    return false;
  }
  if (name === 'src') {
    return PICTURE.test(value);
  }
  if (name === 'href' || name === 'xlink:href') {
    return value.startsWith('#') || PICTURE.test(value);
  }
  if (name === 'style' || /url|src|image/i.test(value)) {
    // SVG refers to its own parts by url(#id), which fetches nothing.
    return !FETCHING.test(value.replace(OWN_PART, ''));
  }
  return true;
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#x27;');
}

function words(text: string): Set<string> {
  return new Set(text.split(/\s+/));
}
