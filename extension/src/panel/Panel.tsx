import React from 'react';
import { ServerGoneBanner } from '../core/ui';
import { AnalyzeBar } from './AnalyzeBar';
import { usePanel } from './context';
import { DataSection } from './DataSection';
import { MethodsSection } from './MethodsSection';
import { type Section } from './model';
import { AdvancedSection, SettingsSection } from './SettingsSection';
import { useStore } from './store';

const FOCUSABLE = 'input:not([hidden]), select, button, [tabindex="0"]';

const SECTIONS: ReadonlySet<string> = new Set<Section>(['data', 'methods', 'settings']);

/** Data, Methods, Settings, Analyze: the whole way from a table to results, from top to bottom. */
export function Panel(): JSX.Element {
  const { model, trans } = usePanel();
  const { closed, notes } = useStore(model);
  const { arrived } = useStore(model.adding);
  const { chosen } = useStore(model.datasets);
  const methods = useStore(model.methods);
  const root = React.useRef<HTMLDivElement>(null);
  const [over, setOver] = React.useState(false);

  /** Brings a field into sight and the cursor into it. */
  const focus = (name: string): void => {
    const section = sectionOf(name);
    if (closed[section]) {
      model.toggle(section);
    }
    requestAnimationFrame(() => {
      const all = [...(root.current?.querySelectorAll<HTMLElement>('[data-codalab-focus]') ?? [])];
      const place = all.find(one => one.dataset['codalabFocus'] === name);
      const field = place?.matches(FOCUSABLE) ? place : place?.querySelector<HTMLElement>(FOCUSABLE);
      // A whole section begins at its beginning.
      place?.scrollIntoView({ block: SECTIONS.has(name) ? 'start' : 'center' });
      field?.focus({ preventScroll: true });
    });
  };

  return (
    <div
      ref={root}
      className={`codalab-Panel ${over ? 'codalab-mod-over' : ''}`}
      onDragOver={event => {
        if (event.dataTransfer.types.includes('Files')) {
          event.preventDefault();
          setOver(true);
        }
      }}
      onDragLeave={event => {
        if (!event.currentTarget.contains(event.relatedTarget as Node | null)) {
          setOver(false);
        }
      }}
      onDrop={event => {
        if (event.dataTransfer.types.includes('Files')) {
          event.preventDefault();
          setOver(false);
          void model.adding.files([...event.dataTransfer.files]);
        }
      }}
    >
      <ServerGoneBanner />
      <div className="codalab-Panel-scroll">
        {notes.length > 0 && (
          <ul className="codalab-Panel-odd" role="status">
            {notes.map((note, at) => (
              <li key={at}>{note.text}</li>
            ))}
          </ul>
        )}
        <Part section="data" number={1} title={trans.__('Data')} hint={countWords(chosen.length)}>
          <DataSection />
        </Part>
        <Part
          section="methods"
          number={2}
          title={trans.__('Methods')}
          hint={countWords(methods.chosen.length)}
        >
          <MethodsSection />
        </Part>
        <Part section="settings" number={3} title={trans.__('Settings')} hint="">
          <SettingsSection />
        </Part>
        <Part section="advanced" number={null} title={trans.__('Advanced: limits and network')} hint="">
          <AdvancedSection />
        </Part>
      </div>
      <AnalyzeBar onFocus={focus} />
      <span className="codalab-Hidden" role="status">
        {arrived ? trans.__('Added as %1.', arrived) : ''}
      </span>
    </div>
  );
}

function countWords(count: number): string {
  return count > 0 ? `✓ ${count}` : '';
}

function sectionOf(focus: string): Section {
  const kind = focus.split(':', 1)[0] ?? '';
  const sections: Record<string, Section> = {
    data: 'data',
    samples: 'data',
    methods: 'methods',
    method: 'methods',
    limit: 'advanced'
  };
  return sections[kind] ?? 'settings';
}

function Part(props: {
  section: Section;
  number: number | null;
  title: string;
  hint: string;
  children: React.ReactNode;
}): JSX.Element {
  const { model, trans } = usePanel();
  const { closed } = useStore(model);
  const open = !closed[props.section];
  const id = React.useId();
  return (
    <section className={`codalab-Panel-part codalab-mod-${props.section}`} aria-labelledby={id}>
      <h3 id={id}>
        <button type="button" aria-expanded={open} onClick={() => model.toggle(props.section)}>
          {props.number !== null && (
            <span className="codalab-Panel-step" aria-hidden="true">
              {props.number}
            </span>
          )}
          {props.title}
          {props.hint && (
            <span className="codalab-Panel-hint">
              {props.hint}
              <span className="codalab-Hidden"> {trans.__('chosen')}</span>
            </span>
          )}
          <span className="codalab-Panel-arrow" aria-hidden="true">
            {open ? '▾' : '▸'}
          </span>
        </button>
      </h3>
      {open && <div className="codalab-Panel-body">{props.children}</div>}
    </section>
  );
}
