import { useVirtualizer } from '@tanstack/react-virtual';
import React from 'react';
import { usePanel } from './context';
import { at, type ICursor, moved, next, onKey, rangeOf, selecting } from './cursor';
import { type Samples } from './samples';
import { groupsIn, parseClipboard, toClipboard } from './sheet';
import { useStore } from './store';

const ROW = 26; // pixels
const PAGE = 10; // rows that Page Down goes

interface IEditing {
  readonly text: string;
  /** Begun by typing: arrows end it, as in a spreadsheet. */
  readonly typed: boolean;
}

/** The cells of the sample table, with the keys of a spreadsheet. Only rows in sight are drawn. */
export function SampleGrid(props: { samples: Samples }): JSX.Element {
  const { trans } = usePanel();
  const { samples } = props;
  const { cells, table } = useStore(samples);
  const editable = table?.editable ?? false;
  const [place, setPlace] = React.useState<ICursor>(at(0, 1));
  const [editing, setEditing] = React.useState<IEditing | null>(null);
  const leaving = React.useRef(false); // Escape was pressed: Tab leaves the table
  const grid = React.useRef<HTMLDivElement>(null);
  const id = React.useId();
  const size = { rows: cells.rows.length, columns: cells.columns.length };
  const cursor = moved(place, 0, 0, size, true); // columns may have gone since
  const range = rangeOf(cursor);
  // React Compiler is not used; the virtualizer's functions are fresh in each drawing.
  // eslint-disable-next-line react-hooks/incompatible-library
  const rows = useVirtualizer({
    count: size.rows,
    getScrollElement: () => grid.current,
    estimateSize: () => ROW,
    overscan: 8,
    scrollPaddingStart: ROW
  });

  const go = (to: ICursor): void => {
    setPlace(to);
    rows.scrollToIndex(to.row);
  };
  const begin = (text: string, typed: boolean): void => {
    if (editable && cursor.column > 0) {
      setEditing({ text, typed });
    }
  };
  const commit = (to: ICursor | null, whole = false): void => {
    if (editing) {
      samples.fill(whole ? range : rangeOf(at(cursor.row, cursor.column)), editing.text);
      setEditing(null);
    }
    grid.current?.focus();
    if (to) {
      go(to);
    }
  };
  const paste = (text: string): void => {
    if (editable && text) {
      setEditing(null);
      go(selecting(samples.paste(range, parseClipboard(text))));
      grid.current?.focus();
    }
  };

  const keyInCell = (event: React.KeyboardEvent): void => {
    event.stopPropagation();
    const back = event.shiftKey;
    if (event.key === 'Enter') {
      event.preventDefault();
      const whole = event.ctrlKey || event.metaKey;
      commit(whole ? null : moved(at(cursor.row, cursor.column), back ? -1 : 1, 0, size), whole);
    } else if (event.key === 'Tab') {
      event.preventDefault();
      commit(next(cursor, back, size));
    } else if (event.key === 'Escape') {
      event.preventDefault();
      setEditing(null);
      grid.current?.focus();
    } else if (editing?.typed && /^Arrow(Up|Down)$/.test(event.key)) {
      event.preventDefault();
      commit(moved(at(cursor.row, cursor.column), event.key === 'ArrowUp' ? -1 : 1, 0, size));
    }
  };

  const key = (event: React.KeyboardEvent): void => {
    if (event.target !== grid.current) {
      return; // a name of a column is typed
    }
    const command = event.ctrlKey || event.metaKey;
    const letter = event.key.toLowerCase();
    const to = onKey(cursor, event, size, PAGE);
    const wasLeaving = leaving.current;
    leaving.current = event.key === 'Escape' || (wasLeaving && event.key === 'Shift');
    if (to) {
      go(to);
    } else if (event.key === 'Tab') {
      const after = wasLeaving ? null : next(cursor, event.shiftKey, size);
      if (!after) {
        return; // the next control of the page
      }
      go(after);
    } else if (event.key === 'Enter') {
      go(moved(at(cursor.row, cursor.column), event.shiftKey ? -1 : 1, 0, size));
    } else if (event.key === 'F2') {
      begin(cells.rows[cursor.row]?.[cursor.column] ?? '', false);
    } else if (editable && (event.key === 'Delete' || event.key === 'Backspace')) {
      samples.fill(range, '');
    } else if (command && letter === 'a') {
      setPlace(selecting({ top: 0, left: 0, bottom: size.rows - 1, right: size.columns - 1 }));
    } else if (editable && command && letter === 'd') {
      samples.fillDown(range);
    } else if (editable && command && (letter === 'y' || (letter === 'z' && event.shiftKey))) {
      samples.redo();
    } else if (editable && command && letter === 'z') {
      samples.undo();
    } else if (event.key.length === 1 && !command && !event.altKey) {
      begin(event.key, true);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };

  const template = {
    gridTemplateColumns: `minmax(96px, 1.3fr) repeat(${size.columns - 1}, minmax(88px, 1fr))`
  };
  const width = { minWidth: `${96 + 88 * (size.columns - 1)}px` };
  const groups = [...groupsIn(cells, cursor.column)].map(([name]) => name);
  return (
    <>
      <p id={`${id}help`} className="codalab-Hidden">
        {trans.__(
          'Arrows move, typing or F2 edits, Enter and Tab go on, Ctrl+V pastes from a spreadsheet, Ctrl+D fills down, Ctrl+Z takes back. Escape, then Tab, leaves the table.'
        )}
      </p>
      {editable && (
        <p className="codalab-Panel-soft" aria-hidden="true">
          {trans.__('Type, paste from Excel, or select cells and press Ctrl+D to fill down.')}
        </p>
      )}
      <div
        ref={grid}
        role="grid"
        tabIndex={0}
        className="codalab-Panel-grid"
        data-lm-suppress-shortcuts="true"
        aria-label={trans.__('Sample table')}
        aria-describedby={`${id}help`}
        aria-readonly={!editable}
        aria-multiselectable="true"
        aria-rowcount={size.rows + 1}
        aria-colcount={size.columns}
        aria-activedescendant={size.rows > 0 ? `${id}${cursor.row}:${cursor.column}` : undefined}
        onKeyDown={key}
        onCopy={event => {
          if (event.target === grid.current) {
            event.clipboardData.setData('text/plain', toClipboard(cells, range));
            event.preventDefault();
          }
        }}
        onPaste={event => {
          if (event.target === grid.current) {
            event.preventDefault();
            paste(event.clipboardData.getData('text/plain'));
          }
        }}
      >
        <div
          role="row"
          aria-rowindex={1}
          className="codalab-Panel-gridHead"
          style={{ ...template, ...width }}
        >
          {cells.columns.map((name, column) => (
            <ColumnHead
              key={`${column} ${name}`}
              samples={samples}
              column={column}
              name={name}
              editable={editable && column > 0}
              proposed={table?.proposed.includes(name) ?? false}
            />
          ))}
        </div>
        <div role="presentation" style={{ ...width, height: rows.getTotalSize(), position: 'relative' }}>
          {rows.getVirtualItems().map(item => (
            <div
              key={item.key}
              role="row"
              aria-rowindex={item.index + 2}
              className="codalab-Panel-gridRow"
              style={{ ...template, ...width, transform: `translateY(${item.start}px)` }}
            >
              {cells.columns.map((_, column) => {
                const here = item.index === cursor.row && column === cursor.column;
                const inside =
                  item.index >= range.top &&
                  item.index <= range.bottom &&
                  column >= range.left &&
                  column <= range.right;
                const text = cells.rows[item.index]?.[column] ?? '';
                return (
                  // Keys are heard by the grid, which has the focus.
                  <div
                    key={column}
                    id={`${id}${item.index}:${column}`}
                    role={column === 0 ? 'rowheader' : 'gridcell'}
                    aria-colindex={column + 1}
                    aria-selected={inside}
                    aria-readonly={column === 0 || !editable}
                    className={`codalab-Panel-cell ${here ? 'codalab-mod-here' : ''} ${inside ? 'codalab-mod-selected' : ''}`}
                    title={text}
                    onMouseDown={event => {
                      if (here && editing) {
                        return;
                      }
                      commit(null);
                      setPlace(
                        event.shiftKey ? { ...cursor, row: item.index, column } : at(item.index, column)
                      );
                      event.preventDefault();
                    }}
                    onMouseEnter={event => {
                      if (event.buttons === 1 && !editing) {
                        setPlace({ ...cursor, row: item.index, column });
                      }
                    }}
                    onDoubleClick={() => begin(text, false)}
                  >
                    {here && editing ? (
                      <input
                        // The cell was asked to be edited: that is where one types on.
                        // eslint-disable-next-line jsx-a11y/no-autofocus
                        autoFocus
                        aria-label={trans.__('%1 of %2', cells.columns[column], cells.rows[item.index]?.[0])}
                        list={`${id}groups`}
                        value={editing.text}
                        onChange={event => setEditing({ ...editing, text: event.target.value })}
                        onKeyDown={keyInCell}
                        onBlur={event => {
                          if (!grid.current?.contains(event.relatedTarget)) {
                            samples.fill(rangeOf(at(cursor.row, cursor.column)), editing.text);
                            setEditing(null);
                          }
                        }}
                        onPaste={event => {
                          const pasted = event.clipboardData.getData('text/plain');
                          if (/[\t\n]/.test(pasted.trim())) {
                            event.preventDefault();
                            paste(pasted);
                          }
                        }}
                      />
                    ) : (
                      text
                    )}
                  </div>
                );
              })}
            </div>
          ))}
        </div>
      </div>
      <datalist id={`${id}groups`}>
        {groups.map(name => (
          <option key={name} value={name} />
        ))}
      </datalist>
    </>
  );
}

function ColumnHead(props: {
  samples: Samples;
  column: number;
  name: string;
  editable: boolean;
  proposed: boolean;
}): JSX.Element {
  const { trans } = usePanel();
  const { samples, column, name, editable, proposed } = props;
  const [typed, setTyped] = React.useState(name);
  return (
    <div role="columnheader" aria-colindex={column + 1} className={proposed ? 'codalab-mod-proposed' : ''}>
      {editable ? (
        <>
          <input
            aria-label={trans.__('Name of column %1', column + 1)}
            title={proposed ? trans.__('%1: proposed from the sample names', name) : name}
            value={typed}
            onChange={event => setTyped(event.target.value)}
            onBlur={() => {
              samples.renameColumn(column, typed);
              setTyped(name); // drawn anew with the new name, unless that was taken
            }}
            onKeyDown={event => {
              event.stopPropagation();
              if (event.key === 'Enter') {
                event.currentTarget.blur();
              } else if (event.key === 'Escape') {
                setTyped(name);
              }
            }}
          />
          <button
            type="button"
            className="codalab-Panel-link"
            aria-label={trans.__('Remove column %1', name)}
            title={trans.__('Remove column %1', name)}
            onClick={() => samples.removeColumn(column)}
          >
            ×
          </button>
        </>
      ) : (
        <span title={name}>{name}</span>
      )}
    </div>
  );
}
