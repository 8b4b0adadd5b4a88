import { type ISignal } from '@lumino/signaling';
import * as React from 'react';

/** Draws again whenever the signal fires. */
export function useRedraw<S, A>(signal: ISignal<S, A>): void {
  const [, draw] = React.useReducer((count: number) => count + 1, 0);
  React.useEffect(() => {
    signal.connect(draw);
    return () => void signal.disconnect(draw);
  }, [signal]);
}

/** Draws again each second while a clock is in sight: the time that a task runs is counted by the page. */
export function useSecond(running: boolean): void {
  const [now, draw] = React.useReducer((count: number) => count + 1, 0);
  React.useEffect(() => {
    if (!running) {
      return undefined;
    }
    const timer = setTimeout(draw, 1000);
    return () => clearTimeout(timer);
  }, [running, now]);
}

/** In pixels; 0 until it is drawn. */
export function useWidth(ref: React.RefObject<HTMLElement>): number {
  const [width, setWidth] = React.useState(0);
  React.useLayoutEffect(() => {
    const node = ref.current?.parentElement;
    if (!node || typeof ResizeObserver === 'undefined') {
      return undefined;
    }
    const observer = new ResizeObserver(([entry]) => setWidth(entry?.contentRect.width ?? 0));
    observer.observe(node);
    return () => observer.disconnect();
  }, [ref]);
  return width;
}
