/** Which methods there are for the chosen data sets, and which of them are chosen. */
import { problemsOf } from '../core/errors';
import { Store } from './store';
import { ASKING, type IPanelServer, type Loaded, type MethodSummary, there } from './types';

export interface IMethodsState {
  readonly list: Loaded<readonly MethodSummary[]>;
  readonly asking: boolean; // the list is of an earlier choice of data sets
  readonly search: string;
  readonly chosen: readonly string[];
}

export class Methods extends Store<IMethodsState> {
  constructor(private readonly _server: IPanelServer) {
    super({ list: ASKING, asking: false, search: '', chosen: [] });
  }

  /** Asks what fits these data sets. A method that no longer fits stays chosen, and is said to be in the way. */
  async ask(datasets: readonly string[]): Promise<void> {
    const turn = ++this._turn;
    this.update({ asking: true });
    try {
      const list = await this._server.methods(datasets);
      if (turn === this._turn) {
        this.update({ list: there(ordered(list)), asking: false });
      }
    } catch (error) {
      if (turn === this._turn) {
        this.update({ list: { is: 'failed', problems: problemsOf(error) }, asking: false });
      }
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

  private _turn = 0;
}

/** On a chosen data set; as long as none is chosen, nothing speaks against it. */
export function canRun(method: MethodSummary): boolean {
  return (method.fits_any || method.fits.length === 0) && method.missing.length === 0;
}

/** Recommended ones first, then those that fit all, some, none; else as the server has them. */
function ordered(list: readonly MethodSummary[]): readonly MethodSummary[] {
  const rank = (one: MethodSummary): number =>
    !canRun(one) ? 3 : one.recommended ? 0 : one.fits.every(fit => fit.fits) ? 1 : 2;
  return [...list].sort((a, b) => rank(a) - rank(b));
}
