import * as React from 'react';

/** Pixels from the end within which one counts as being there. */
const NEAR = 60;

interface IFollow {
  readonly following: boolean;
  readonly resume: () => void;
  /** For the element that scrolls. */
  readonly handlers: React.HTMLAttributes<HTMLElement>;
}

/**
 * Keeps the cell that runs in sight, until a person scrolls; then they are left in peace until they ask for it, or scroll
 * back to that cell's end.
 */
export function useFollow(
  scroller: React.RefObject<HTMLElement>,
  running: number | null,
  version: number
): IFollow {
  const [following, setFollowing] = React.useState(true);
  React.useLayoutEffect(() => {
    const element = scroller.current;
    if (!element || running === null || !following) {
      return;
    }
    const show = (): void => {
      const cell = element.querySelector(`[data-index="${running}"]`);
      if (!cell) {
        // Not drawn yet, since it is far away: the end of what is drawn is nearer to it.
        const drawn = [...element.querySelectorAll<HTMLElement>('[data-index]')].at(-1);
        drawn?.scrollIntoView({ block: Number(drawn.dataset['index']) < running ? 'start' : 'end' });
        return;
      }
      const beyond = cell.getBoundingClientRect().bottom - element.getBoundingClientRect().bottom;
      if (beyond > 0) {
        element.scrollBy({ top: beyond });
      }
    };
    show();
    // Once more when what was drawn has been measured.
    const frame = requestAnimationFrame(show);
    return () => cancelAnimationFrame(frame);
  }, [scroller, running, version, following]);
  const touched = (): void => {
    if (running !== null) {
      setFollowing(false);
    }
  };
  const handlers: React.HTMLAttributes<HTMLElement> = {
    onWheel: touched,
    onTouchMove: touched,
    onPointerDown: event => {
      if (event.target === event.currentTarget) {
        touched(); // the scroll bar
      }
    },
    onKeyDown: event => {
      if (['ArrowUp', 'ArrowDown', 'PageUp', 'PageDown', 'Home', 'End', ' '].includes(event.key)) {
        touched();
      }
    },
    onScroll: () => {
      const element = scroller.current;
      if (element && running !== null && !following) {
        const cell = element.querySelector(`[data-index="${running}"]`);
        const beyond = cell && cell.getBoundingClientRect().bottom - element.getBoundingClientRect().bottom;
        if (beyond !== null && Math.abs(beyond) < NEAR) {
          setFollowing(true);
        }
      }
    }
  };
  return { following, resume: () => setFollowing(true), handlers };
}
