import { type LiveEvent } from './types';

/** A place in a task's events: attempt `n`, and the sequence number inside it. */
export interface IPlace {
  n: number;
  seq: number;
}

export type Heard = (events: LiveEvent[], ended: boolean) => void;

/** Which tasks are watched, by whom, and how far each has heard. */
export class Watches {
  /** Throws when the task is watched already: two places in one stream of events cannot both be served from it. */
  add(task: string, after: IPlace, heard: Heard): void {
    if (this._watches.has(task)) {
      throw new Error(`Task ${task} is watched already: share the model that watches it.`);
    }
    this._watches.set(task, { at: { n: after.n, seq: after.seq }, heard });
  }

  remove(task: string): void {
    this._watches.delete(task);
  }

  /** The server may tell an event again, as after a reconnection: it is heard once. */
  heard(task: string, events: readonly LiveEvent[], ended: boolean): void {
    const watch = this._watches.get(task);
    if (!watch) {
      return;
    }
    const fresh = events.filter(event => isAfter(event, watch.at));
    const last = fresh.at(-1);
    if (last) {
      watch.at = { n: last.n, seq: last.seq };
    }
    if (fresh.length || ended) {
      watch.heard(fresh, ended);
    }
  }

  forEach(visit: (task: string, after: IPlace) => void): void {
    this._watches.forEach((watch, task) => visit(task, watch.at));
  }

  private readonly _watches = new Map<string, { at: IPlace; heard: Heard }>();
}

function isAfter(place: IPlace, other: IPlace): boolean {
  return place.n > other.n || (place.n === other.n && place.seq > other.seq);
}
