/** The words of a table that pandas wrote as HTML: no tag of it goes on, only the text of its cells. */

export interface ITable {
  readonly caption: string;
  /** Rows of cells; the first `heads` rows are the head. */
  readonly rows: readonly (readonly { readonly text: string; readonly head: boolean }[])[];
  readonly heads: number;
  /** Per column: whether all of its body are numbers, which stand at the right. */
  readonly numeric: readonly boolean[];
}

const LONGEST = 2_000_000;
const MOST_ROWS = 2_000;
const NUMBER = /^(?:[-+−]?[\d,]{1,30}(?:\.\d{0,30})?(?:e[-+]?\d{1,4})?%?|NaN|-?inf)$/i;

/** Null for what is not one plain table: then the text that comes with it says more. */
export function readTable(html: string): ITable | null {
  if (html.length > LONGEST || html.split('<table').length !== 2 || !html.includes('class="dataframe"')) {
    return null;
  }
  // Parsed apart from the page: nothing in there runs or is fetched.
  const parsed = new DOMParser().parseFromString(html, 'text/html');
  parsed.querySelectorAll('style, script, template, noscript').forEach(element => element.remove());
  const table = parsed.querySelector('table.dataframe');
  if (table === null || table.querySelector('[colspan]:not([colspan="1"]), [rowspan]:not([rowspan="1"])')) {
    return null;
  }
  const lines = [...table.querySelectorAll('tr')];
  if (lines.length === 0 || lines.length > MOST_ROWS) {
    return null;
  }
  const rows = lines.map(line =>
    [...line.children].map(cell => ({ text: (cell.textContent ?? '').trim(), head: cell.localName === 'th' }))
  );
  const width = rows[0]?.length ?? 0;
  if (width === 0 || rows.some(row => row.length !== width)) {
    return null;
  }
  const heads = lines.filter(line => line.parentElement?.localName === 'thead').length;
  const body = rows.slice(heads);
  return {
    caption: before(parsed.body, table),
    rows,
    heads,
    numeric: Array.from(
      { length: width },
      (_, i) => body.length > 0 && body.every(row => NUMBER.test(row[i]?.text ?? ''))
    )
  };
}

/** The words in front of the table. */
function before(body: HTMLElement, table: Element): string {
  const range = body.ownerDocument.createRange();
  range.setStart(body, 0);
  range.setEndBefore(table);
  return range.toString().replace(/\s+/g, ' ').trim();
}
