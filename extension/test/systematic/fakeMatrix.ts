import { type Matrix, type MatrixCell, type MatrixColumn, type SystematicStatus } from '../../src/core/types';
import { type FakeServer } from '../support/fakeServer';

export function column(key: string, more: Partial<MatrixColumn> = {}): MatrixColumn {
  return {
    key,
    method: key.split(' ')[0] ?? key,
    title: key.toUpperCase(),
    words: '',
    question: 'differences',
    measure: 'repeatable discoveries',
    ...more
  };
}

export function cell(state: MatrixCell['state'], more: Partial<MatrixCell> = {}): MatrixCell {
  return { state, reason: '', task: null, score: null, seconds: null, best: false, ...more };
}

export function systematicStatus(more: Partial<SystematicStatus> = {}): SystematicStatus {
  return {
    on: false,
    working: false,
    doing: 'Switched off: nothing runs by itself.',
    rules: [],
    counts: { done: 2 },
    ...more
  };
}

/** Serves a matrix row by row, as the server does; `number` data sets, whose cells are those of `cells`. */
export class FakeMatrix {
  constructor(private readonly _server: FakeServer) {
    _server.on('GET', '/systematic', () => this.status);
    _server.on('POST', '/systematic/start', () => {
      this.status = systematicStatus({ on: true, working: true, doing: 'It waits for work.' });
      return this.status;
    });
    _server.on('POST', '/systematic/stop', () => (this.status = systematicStatus()));
    _server.on('GET', '/systematic/matrix', ({ query }) => {
      const found = this.names.filter(name => name.includes(query.get('q') ?? ''));
      const offset = Number(query.get('offset'));
      const answer: Matrix = {
        columns: this.columns.filter(one => [one.question, null].includes(query.get('question'))),
        rows: found
          .slice(offset, offset + Number(query.get('limit')))
          .map(dataset => ({ dataset, cells: this.cells(dataset) })),
        total: found.length,
        offset,
        questions: ['class-prediction', 'differences'],
        counts: { done: 2 }
      };
      return answer;
    });
  }

  status = systematicStatus();
  names: string[] = ['golub@1', 'yeast@2'];
  columns = [column('de'), column('classify', { question: 'class-prediction', words: 'model = svm' })];
  cells: (dataset: string) => MatrixCell[] = () => [
    cell('done', { task: 't1', score: 0.875, best: true, seconds: 3 }),
    cell('unfit', { reason: 'It needs two classes.' })
  ];

  get asked(): URLSearchParams[] {
    return this._server.asked('GET', '/systematic/matrix').map(request => request.query);
  }
}
