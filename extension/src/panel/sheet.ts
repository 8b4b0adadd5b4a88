/** The sample table as a spreadsheet: what keys and the clipboard do to its cells. Knows no page and no server. */

/** Rows and columns of cells, both ends included. Column 0 holds the samples' names and cannot be edited. */
export interface IRange {
  readonly top: number;
  readonly left: number;
  readonly bottom: number;
  readonly right: number;
}

export interface ICells {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** What a paste did, in numbers, so that it can be told. */
export interface IPasted {
  readonly cells: ICells;
  readonly range: IRange;
  /** Rows were matched by the names of the samples, wherever the paste began. */
  readonly byName: boolean;
  /** Rows of the clipboard that found no place. */
  readonly left: number;
}

/** Cells as Excel, LibreOffice and Google Sheets put them on the clipboard: tabs, line ends, quotes around both. */
export function parseClipboard(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = '';
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const at = text[i];
    if (quoted) {
      if (at === '"' && text[i + 1] === '"') {
        cell += text[++i];
      } else if (at === '"') {
        quoted = false;
      } else {
        cell += at;
      }
    } else if (at === '"' && cell === '' && closes(text, i)) {
      quoted = true;
    } else if (at === '\t') {
      row.push(cell);
      cell = '';
    } else if (at === '\n' || at === '\r') {
      i += at === '\r' && text[i + 1] === '\n' ? 1 : 0;
      rows.push([...row, cell]);
      row = [];
      cell = '';
    } else {
      cell += at;
    }
  }
  if (cell !== '' || row.length > 0) {
    rows.push([...row, cell]);
  }
  return rows.map(cells => cells.map(one => one.replace(/\s*[\r\n]+\s*/g, ' ').trim()));
}

/** Whether a quote that opens at `from` is closed at the end of a cell; else it is a mark like that of inches. */
function closes(text: string, from: number): boolean {
  for (let i = from + 1; i < text.length; i++) {
    if (text[i] === '"') {
      if (text[i + 1] !== '"') {
        return i + 1 === text.length || /[\t\r\n]/.test(text[i + 1] ?? '');
      }
      i++;
    }
  }
  return false;
}

/** Cells as a spreadsheet reads them from the clipboard. */
export function toClipboard(cells: ICells, range: IRange): string {
  return cells.rows
    .slice(range.top, range.bottom + 1)
    .map(row => row.slice(range.left, range.right + 1).join('\t'))
    .join('\n');
}

/** The same text in every cell of `range` that can be edited. */
export function fill(cells: ICells, range: IRange, text: string): ICells {
  return change(cells, range, () => text.trim());
}

/** The first row of `range` into the rows below it. */
export function fillDown(cells: ICells, range: IRange): ICells {
  return change(cells, range, (_, column) => cells.rows[range.top]?.[column] ?? '');
}

/** Puts cells of the clipboard in: by the samples' names where it has them, else from the upper left cell on. */
export function paste(cells: ICells, at: IRange, block: readonly (readonly string[])[]): IPasted {
  const named = matched(cells, block);
  if (named) {
    return named;
  }
  const first = block[0];
  if (block.length === 1 && first?.length === 1) {
    return { cells: fill(cells, at, first[0] ?? ''), range: at, byName: false, left: 0 };
  }
  const left = Math.max(1, at.left);
  const width = Math.max(...block.map(row => row.length));
  const columns = [...cells.columns];
  while (columns.length < left + width) {
    columns.push(freeName(columns));
  }
  const bottom = Math.min(cells.rows.length, at.top + block.length) - 1;
  const range = { top: at.top, left, bottom, right: left + width - 1 };
  const wide = { columns, rows: cells.rows.map(row => widened(row, columns.length)) };
  return {
    cells: change(wide, range, (row, column) => block[row - at.top]?.[column - left] ?? ''),
    range,
    byName: false,
    left: block.length - (bottom - at.top + 1)
  };
}

/** A column without values; the name is free. */
export function addColumn(cells: ICells, name = ''): ICells {
  const columns = [...cells.columns, name.trim() || freeName(cells.columns)];
  return { columns, rows: cells.rows.map(row => widened(row, columns.length)) };
}

export function removeColumn(cells: ICells, column: number): ICells {
  const without = (row: readonly string[]): string[] => row.filter((_, at) => at !== column);
  return { columns: without(cells.columns), rows: cells.rows.map(without) };
}

/** Another name for a column; one that is empty or taken changes nothing. */
export function renameColumn(cells: ICells, column: number, name: string): ICells {
  const wanted = name.trim();
  if (wanted === '' || cells.columns.includes(wanted)) {
    return cells;
  }
  return { ...cells, columns: cells.columns.map((old, at) => (at === column ? wanted : old)) };
}

/** How often each group stands in a column, in order of appearance; for lists to choose from. */
export function groupsIn(cells: ICells, column: number): Map<string, number> {
  const found = new Map<string, number>();
  for (const row of cells.rows) {
    const name = row[column] ?? '';
    if (name !== '') {
      found.set(name, (found.get(name) ?? 0) + 1);
    }
  }
  return found;
}

function change(cells: ICells, range: IRange, text: (row: number, column: number) => string): ICells {
  const rows = cells.rows.map((row, r) =>
    r < range.top || r > range.bottom
      ? row
      : row.map((cell, c) => (c === 0 || c < range.left || c > range.right ? cell : text(r, c)))
  );
  return { ...cells, rows };
}

/** A whole sheet was copied: a column of it names the samples, the first row may name its columns. */
function matched(cells: ICells, block: readonly (readonly string[])[]): IPasted | null {
  const place = new Map(cells.rows.map((row, at) => [spelling(row[0] ?? ''), at]));
  const width = Math.max(0, ...block.map(row => row.length));
  const hits = (column: number): number => block.filter(row => place.has(spelling(row[column] ?? ''))).length;
  const names = Array.from({ length: width }, (_, column) => column).sort((a, b) => hits(b) - hits(a))[0];
  if (names === undefined || width < 2 || hits(names) < 2 || hits(names) * 2 < block.length) {
    return null;
  }
  const head = place.has(spelling(block[0]?.[names] ?? '')) ? null : block[0];
  const columns = [...cells.columns];
  const target = Array.from({ length: width }, (_, column) => {
    if (column === names) {
      return 0;
    }
    const name = head?.[column]?.trim() || freeName(columns);
    const known = columns.findIndex((one, at) => at > 0 && one === name);
    return known > 0 ? known : columns.push(name) - 1;
  });
  const rows = cells.rows.map(row => widened(row, columns.length));
  let left = 0;
  for (const row of head ? block.slice(1) : block) {
    const at = rows[place.get(spelling(row[names] ?? '')) ?? -1];
    if (at) {
      target.forEach((column, from) => (column > 0 ? (at[column] = row[from] ?? '') : null));
    } else {
      left += row.some(cell => cell !== '') ? 1 : 0;
    }
  }
  const filled = target.filter(column => column > 0);
  const range = { top: 0, left: Math.min(...filled), bottom: rows.length - 1, right: Math.max(...filled) };
  return { cells: { columns, rows }, range, byName: true, left };
}

/** Names that differ in capitals, spaces or separators mean the same sample, as when files are read. */
function spelling(name: string): string {
  return name.toLowerCase().replace(/[\s._-]+/g, '');
}

function widened(row: readonly string[], width: number): string[] {
  return [...row, ...Array<string>(Math.max(0, width - row.length)).fill('')];
}

function freeName(taken: readonly string[]): string {
  const names = ['group', ...Array.from({ length: taken.length + 1 }, (_, n) => `group ${n + 2}`)];
  return names.find(name => !taken.includes(name)) ?? 'group';
}
