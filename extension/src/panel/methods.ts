/** Which methods there are for the chosen data sets, which of them are recommended, and which are chosen. */
import { problemsOf } from '../core/errors';
import { Store } from './store';
import { type Advice, ASKING, type IPanelServer, type Loaded, type MethodSummary, there } from './types';

export interface IMethodsState {
  readonly list: Loaded<readonly MethodSummary[]>;
  readonly asking: boolean; // the list is of an earlier choice of data sets
  readonly search: string;
  readonly chosen: readonly string[];
  readonly notes: readonly string[]; // what to know about what is recommended, e.g. that there is no evidence yet
}

export class Methods extends Store<IMethodsState> {
  constructor(private readonly _server: IPanelServer) {
    super({ list: ASKING, asking: false, search: '', chosen: [], notes: [] });
  }

  /**
   * Asks what fits these data sets, and what is recommended for them; the list does not wait for that. A method that no
   * longer fits stays chosen, and is said to be in the way.
   */
  async ask(datasets: readonly string[]): Promise<void> {
    const turn = ++this._turn;
    this.update({ asking: true });
    const advised = this._askAdvice(datasets, turn);
    try {
      const list = await this._server.methods(datasets);
      if (turn === this._turn) {
        this.update({ list: there(ordered(this._advised(list))), asking: false });
      }
    } catch (error) {
      if (turn === this._turn) {
        this.update({ list: { is: 'failed', problems: problemsOf(error) }, asking: false });
      }
    }
    await advised;
  }

  /** While the pointer or the cursor is in the list, its rows stay where they are. */
  hold(held: boolean): void {
    this._held = held;
    if (!held) {
      this._order();
    }
  }

  search(text: string): void {
    this.update({ search: text });
  }

  get found(): readonly MethodSummary[] {
    const { list, search, chosen } = this.state;
    const words = search.toLowerCase().split(/\s+/).filter(Boolean);
    return list.is !== 'there'
      ? []
      : list.value.filter(one => {
          const text = `${one.method} ${one.title} ${one.sentence} ${one.question}`.toLowerCase();
          return chosen.includes(one.method) || words.every(word => text.includes(word));
        });
  }

  choose(method: string, chosen: boolean): void {
    const others = this.state.chosen.filter(one => one !== method);
    this.update({ chosen: chosen ? [...others, method] : others });
  }

  chooseAll(methods: readonly string[]): void {
    this.update({ chosen: methods });
  }

  /** Chosen methods that can run, in the order they were chosen. */
  get fitting(): readonly string[] {
    const { list, chosen } = this.state;
    return list.is !== 'there'
      ? chosen
      : chosen.filter(method => list.value.some(one => one.method === method && canRun(one)));
  }

  /** Chosen methods that cannot run, as after another data set was chosen. */
  get unfit(): readonly MethodSummary[] {
    const { list, chosen } = this.state;
    return list.is !== 'there' ? [] : list.value.filter(one => chosen.includes(one.method) && !canRun(one));
  }

  title(method: string): string {
    const { list } = this.state;
    return (list.is === 'there' && list.value.find(one => one.method === method)?.title) || method;
  }

  private async _askAdvice(datasets: readonly string[], turn: number): Promise<void> {
    this._advice = [];
    let notes: readonly string[] = [];
    if (datasets.length > 0) {
      try {
        const advice = await this._server.advice(datasets);
        if (turn !== this._turn) {
          return;
        }
        this._advice = advice;
        notes = [...new Set(advice.map(one => one.note).filter(Boolean))];
      } catch (error) {
        notes = problemsOf(error).map(problem => `${problem.message} ${problem.fix}`.trim());
      }
    }
    if (turn !== this._turn) {
      return;
    }
    this.update({ notes });
    const { list, asking } = this.state;
    if (list.is === 'there' && !asking) {
      this.update({ list: there(this._advised(list.value)) });
      this._order();
    }
  }

  /** With what is recommended; without an answer to that, as the server told with the list. */
  private _advised(list: readonly MethodSummary[]): readonly MethodSummary[] {
    const advice = this._advice;
    if (advice.length === 0) {
      return list;
    }
    return list.map(method => ({
      ...method,
      recommended: advice.flatMap(
        one => one.recommended.find(it => it.badge && it.method === method.method) ?? []
      )
    }));
  }

  private _order(): void {
    const { list } = this.state;
    if (list.is === 'there' && !this._held) {
      this.update({ list: there(ordered(list.value)) });
    }
  }

  private _turn = 0;
  private _held = false;
  private _advice: readonly Advice[] = [];
}

/** On a chosen data set; as long as none is chosen, nothing speaks against it. */
export function canRun(method: MethodSummary): boolean {
  return (method.fits_any || method.fits.length === 0) && method.missing.length === 0;
}

/** Recommended ones first, then those that fit all, some, none; else as the server has them. */
function ordered(list: readonly MethodSummary[]): readonly MethodSummary[] {
  const rank = (one: MethodSummary): number =>
    !canRun(one) ? 3 : one.recommended.length > 0 ? 0 : one.fits.every(fit => fit.fits) ? 1 : 2;
  return [...list].sort((a, b) => rank(a) - rank(b));
}
