/** Files on their way to becoming data sets: sent, read, or refused with what to do. */
import { isAbort, problemsOf } from '../core/errors';
import { Store } from './store';
import { type AddDataset, type Dataset, type IPanelServer, type Problem } from './types';

/** What a person may say beside the table; empty text means: find it out. */
export interface IHow {
  readonly name: string;
  readonly sheet: string;
  readonly samples: File | null;
}

export const PLAIN: IHow = { name: '', sheet: '', samples: null };

export interface IIncoming {
  readonly key: number;
  readonly label: string;
  /** The table as a file of this computer; null for a file of the server, or an example. */
  readonly file: File | null;
  readonly how: IHow;
  readonly is: 'sending' | 'reading' | 'refused';
  readonly part: number; // of the bytes sent, 0 to 1
  readonly since: number; // ms, as performance.now()
  readonly problems: readonly Problem[];
}

export interface IAddingState {
  readonly incoming: readonly IIncoming[];
  /** The reference of the last that arrived, to be told. */
  readonly arrived: string | null;
}

const SAMPLES = /sample|meta|pheno|design|clinical|annot|coldata/i;

/** Files dropped together: a table with its sample table, or data sets of their own. */
export function sorted(files: readonly File[]): { table: File; samples: File | null }[] {
  const [one, other] = files;
  if (files.length === 2 && one && other && SAMPLES.test(one.name) !== SAMPLES.test(other.name)) {
    return [SAMPLES.test(one.name) ? { table: other, samples: one } : { table: one, samples: other }];
  }
  return files.map(table => ({ table, samples: null }));
}

export class Adding extends Store<IAddingState> {
  constructor(
    private readonly _server: IPanelServer,
    private readonly _added: (dataset: Dataset) => void
  ) {
    super({ incoming: [], arrived: null });
  }

  override dispose(): void {
    this._stops.forEach(stop => stop.abort());
    super.dispose();
  }

  /** Files of this computer, as dropped or chosen together. */
  async files(files: readonly File[], how: IHow = PLAIN): Promise<void> {
    await Promise.all(
      sorted(files).map(({ table, samples }) =>
        this._file(table, { ...how, samples: how.samples ?? samples })
      )
    );
  }

  /** Files of the server's file browser, each a data set. */
  async paths(paths: readonly string[]): Promise<void> {
    await Promise.all(
      paths.map(path =>
        this._run(path.split('/').pop() ?? path, null, PLAIN, () => Promise.resolve({ paths: [path] }))
      )
    );
  }

  async example(name: string): Promise<void> {
    await this._run(name, null, PLAIN, () => Promise.resolve({ example: name }));
  }

  /** Another try with what was refused. */
  async again(incoming: IIncoming, how: IHow): Promise<void> {
    this.forget(incoming.key);
    if (incoming.file) {
      await this._file(incoming.file, how);
    }
  }

  /** Stops what is under way, or takes away what was refused. */
  forget(key: number): void {
    this._stops.get(key)?.abort();
    this._stops.delete(key);
    this.update({ incoming: this.state.incoming.filter(one => one.key !== key) });
  }

  private async _file(file: File, how: IHow): Promise<void> {
    await this._run(file.name, file, how, async (told, signal) => {
      const files = how.samples ? [file, how.samples] : [file];
      const size = files.reduce((sum, one) => sum + one.size, 0);
      const ids: string[] = [];
      let before = 0;
      for (const one of files) {
        const sent = await this._server.upload(
          one,
          part => told(size > 0 ? (before + part * one.size) / size : 1),
          signal
        );
        ids.push(sent.id);
        before += one.size;
      }
      const [table, samples] = ids;
      return { uploads: table ? [table] : [], ...(samples ? { samples } : {}) };
    });
  }

  private async _run(
    label: string,
    file: File | null,
    how: IHow,
    send: (told: (part: number) => void, signal: AbortSignal) => Promise<AddDataset>
  ): Promise<void> {
    const key = ++this._last;
    const stop = new AbortController();
    this._stops.set(key, stop);
    const start: IIncoming = {
      key,
      label,
      file,
      how,
      is: file ? 'sending' : 'reading',
      part: 0,
      since: performance.now(),
      problems: []
    };
    this.update({ incoming: [...this.state.incoming, start], arrived: null });
    let uploads: readonly string[] = [];
    try {
      const files = await send(part => this._put(key, { part }), stop.signal);
      uploads = [...(files.uploads ?? []), ...(files.samples ? [files.samples] : [])];
      stop.signal.throwIfAborted();
      this._put(key, { is: 'reading', part: 1 });
      const said = { ...(how.name ? { name: how.name } : {}), ...(how.sheet ? { sheet: how.sheet } : {}) };
      const dataset = await this._server.addDataset({ ...files, ...said });
      this.update({
        incoming: this.state.incoming.filter(one => one.key !== key),
        arrived: dataset.reference
      });
      this._added(dataset);
    } catch (error) {
      if (!isAbort(error)) {
        this._put(key, { is: 'refused', problems: problemsOf(error) });
      }
      // Bytes that nobody will ask for; if this fails, too, the server forgets them by itself.
      await Promise.allSettled(uploads.map(id => this._server.dropUpload(id)));
    } finally {
      this._stops.delete(key);
    }
  }

  private _put(key: number, patch: Partial<IIncoming>): void {
    this.update({ incoming: this.state.incoming.map(one => (one.key === key ? { ...one, ...patch } : one)) });
  }

  private readonly _stops = new Map<number, AbortController>();
  private _last = 0;
}
