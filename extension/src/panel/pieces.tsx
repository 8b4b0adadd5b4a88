import React from 'react';
import { ErrorBox } from '../core/ui';
import { usePanel } from './context';
import { type Problem } from './types';

/** What went wrong, in place: each with what to do about it. Heard at once. */
export function Problems(props: {
  problems: readonly Problem[];
  retry?: (() => void) | undefined;
}): JSX.Element {
  const { trans } = usePanel();
  // `at` names a field of the request; here the place on the page says that.
  const problems = props.problems.map(problem => ({ ...problem, at: null }));
  return (
    <ErrorBox
      problems={problems}
      {...(props.retry ? { action: { label: trans.__('Try again'), run: props.retry } } : {})}
    />
  );
}

/** A part that can be folded; the browser's own control, so that keys and screen readers know it. */
export function Fold(props: {
  title: React.ReactNode;
  open?: boolean;
  className?: string;
  onOpen?: () => void;
  children: React.ReactNode;
}): JSX.Element {
  const wanted = props.open ?? false;
  const [before, setBefore] = React.useState(wanted);
  const [open, setOpen] = React.useState(wanted);
  if (wanted !== before) {
    setBefore(wanted);
    setOpen(open || wanted); // something in it asks for attention now; nothing is folded away under one's hands
  }
  return (
    <details
      className={`codalab-Panel-fold ${props.className ?? ''}`}
      open={open}
      onToggle={event => {
        const now = event.currentTarget.open;
        setOpen(now);
        if (now) {
          props.onOpen?.();
        }
      }}
    >
      <summary>{props.title}</summary>
      {open && props.children}
    </details>
  );
}

/** What stands in backquotes, as code; all of it as text. */
export function Sentence(props: { text: string }): JSX.Element {
  const parts = props.text.split(/`([^`]{1,120})`/);
  return <>{parts.map((part, at) => (at % 2 === 1 ? <code key={at}>{part}</code> : part))}</>;
}

/** Long text, cut to a few lines until asked for. */
export function Clamped(props: { text: string }): JSX.Element {
  const { trans } = usePanel();
  const [all, setAll] = React.useState(false);
  const long = props.text.length > 150;
  return (
    <>
      <span className={long && !all ? 'codalab-Panel-clamped' : ''}>
        <Sentence text={props.text} />
      </span>
      {long && (
        <button type="button" className="codalab-Panel-link" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? trans.__('less') : trans.__('more')}
        </button>
      )}
    </>
  );
}

export function Search(props: {
  label: string;
  value: string;
  onChange: (text: string) => void;
}): JSX.Element {
  return (
    <input
      type="search"
      className="codalab-Input codalab-Panel-search"
      data-lm-suppress-shortcuts="true"
      placeholder={props.label}
      aria-label={props.label}
      value={props.value}
      onChange={event => props.onChange(event.target.value)}
    />
  );
}

/** What is wrong with one field, below it. */
export function ErrorSentence(props: { problem: Problem }): JSX.Element {
  return (
    <span className="codalab-Panel-wrong" role="alert">
      {props.problem.message} {props.problem.fix}
    </span>
  );
}
