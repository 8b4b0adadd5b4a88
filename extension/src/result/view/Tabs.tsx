import * as React from 'react';

interface ITab {
  readonly id: string;
  readonly label: string;
  readonly content: () => React.ReactElement;
}

/** Tabs as https://www.w3.org/WAI/ARIA/apg/patterns/tabs/ has them: arrows go from one to the next. */
export function Tabs(props: { label: string; tabs: readonly ITab[] }): React.ReactElement {
  const { tabs } = props;
  const prefix = React.useId();
  const [chosen, setChosen] = React.useState(tabs[0]?.id ?? '');
  const list = React.useRef<HTMLDivElement>(null);
  const at = Math.max(
    0,
    tabs.findIndex(tab => tab.id === chosen)
  );
  const go = (to: number): void => {
    const tab = tabs[(to + tabs.length) % tabs.length];
    if (tab) {
      setChosen(tab.id);
      list.current?.querySelector<HTMLElement>(`[data-tab="${tab.id}"]`)?.focus();
    }
  };
  const onKeyDown = (event: React.KeyboardEvent): void => {
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      go(to);
    }
  };
  const current = tabs[at];
  return (
    <>
      {/* eslint-disable-next-line jsx-a11y/interactive-supports-focus -- its tabs have the focus */}
      <div ref={list} role="tablist" aria-label={props.label} className="codalab-Tabs" onKeyDown={onKeyDown}>
        {tabs.map((tab, i) => (
          <button
            key={tab.id}
            type="button"
            role="tab"
            id={`${prefix}-${tab.id}`}
            data-tab={tab.id}
            aria-selected={i === at}
            aria-controls={`${prefix}-panel`}
            tabIndex={i === at ? 0 : -1}
            className="codalab-Tab"
            onClick={() => setChosen(tab.id)}
          >
            {tab.label}
          </button>
        ))}
      </div>
      <div
        role="tabpanel"
        id={`${prefix}-panel`}
        aria-labelledby={`${prefix}-${current?.id}`}
        className={`codalab-TabPanel codalab-mod-${current?.id}`}
      >
        {current?.content()}
      </div>
    </>
  );
}
