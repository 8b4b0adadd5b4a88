import { ServerConnection } from '@jupyterlab/services';

import { type FromPage, type FromServer, type Problem, type Status, type Task } from '../../src/core/types';

export interface IRequest {
  verb: string;
  path: string;
  query: URLSearchParams;
  body: unknown;
  headers: Headers;
}

type Handler = (request: IRequest, match: RegExpMatchArray) => unknown;

/** Thrown by a handler: what the server answers instead. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly problems: Problem[] | string
  ) {
    super();
  }
}

/** A server that lives in the test: requests by `on`, the stream by `say`, and `down` for when it is gone. */
export class FakeServer {
  constructor() {
    this.on('GET', '/status', () => this.status);
    // eslint-disable-next-line @typescript-eslint/no-this-alias -- each socket belongs to this server
    const server = this;
    this.settings = ServerConnection.makeSettings({
      baseUrl: 'http://jupyter.test/user/ada/',
      wsUrl: 'ws://jupyter.test/user/ada/',
      token: 'secret',
      appendToken: true,
      fetch: (input: RequestInfo | URL, init?: RequestInit) => this._answer(new Request(input, init)),
      WebSocket: class extends FakeSocket {
        constructor(url: string) {
          super(url, server);
        }
      } as unknown as typeof WebSocket
    });
  }

  readonly settings: ServerConnection.ISettings;
  readonly requests: IRequest[] = [];
  readonly sockets: FakeSocket[] = [];
  status: Status = status();
  down = false;

  /** `path` as in the OpenAPI document; `{name}` stands for anything without a slash. */
  on(verb: string, path: string, handler: Handler): void {
    const pattern = new RegExp(`^${path.replace(/{\w+}/g, '([^/]+)')}$`);
    this._handlers.unshift({ verb, pattern, handler });
  }

  get socket(): FakeSocket | undefined {
    return this.sockets.filter(socket => socket.readyState === WebSocket.OPEN).at(-1);
  }

  /** Over the stream, to whoever is connected. */
  say(message: FromServer): void {
    this.socket?.onmessage?.(new MessageEvent('message', { data: JSON.stringify(message) }));
  }

  stop(): void {
    this.down = true;
    this.sockets.forEach(socket => socket.drop());
  }

  start(): void {
    this.down = false;
  }

  asked(verb: string, path: string): IRequest[] {
    return this.requests.filter(request => request.verb === verb && request.path === path);
  }

  private async _answer(request: Request): Promise<Response> {
    await Promise.resolve();
    request.signal.throwIfAborted();
    if (this.down) {
      throw new TypeError('Failed to fetch');
    }
    const url = new URL(request.url);
    const path = url.pathname.replace('/user/ada/codalab/api', '');
    const text = await request.text();
    const asked: IRequest = {
      verb: request.method,
      path,
      query: url.searchParams,
      body: text ? JSON.parse(text) : null,
      headers: request.headers
    };
    this.requests.push(asked);
    for (const { verb, pattern, handler } of this._handlers) {
      const match = verb === request.method ? pattern.exec(path) : null;
      if (match) {
        try {
          return Response.json(await handler(asked, match));
        } catch (error) {
          if (error instanceof Refusal) {
            return typeof error.problems === 'string'
              ? new Response(error.problems, { status: error.status })
              : Response.json({ errors: error.problems }, { status: error.status });
          }
          throw error;
        }
      }
    }
    return new Response('<html>404</html>', { status: 404 });
  }

  private readonly _handlers: { verb: string; pattern: RegExp; handler: Handler }[] = [];
}

export class FakeSocket {
  constructor(
    readonly url: string,
    server: FakeServer
  ) {
    server.sockets.push(this);
    queueMicrotask(() => {
      if (server.down) {
        this.drop();
      } else if (this.readyState === WebSocket.CONNECTING) {
        this.readyState = WebSocket.OPEN;
        this.onopen?.(new Event('open'));
      }
    });
  }

  readyState: number = WebSocket.CONNECTING;
  readonly sent: FromPage[] = [];
  onopen: ((event: Event) => void) | null = null;
  onmessage: ((event: MessageEvent) => void) | null = null;
  onclose: ((event: CloseEvent) => void) | null = null;

  send(text: string): void {
    this.sent.push(JSON.parse(text) as FromPage);
  }

  close(): void {
    this.readyState = WebSocket.CLOSED;
  }

  /** From the server's side. */
  drop(): void {
    if (this.readyState !== WebSocket.CLOSED) {
      this.readyState = WebSocket.CLOSED;
      this.onclose?.(new CloseEvent('close'));
    }
  }
}

export function status(more: Partial<Status> = {}): Status {
  return {
    version: '0.1.0',
    home: '/home/ada/.local/share/codalab_nb',
    sandbox: 'bubblewrap',
    sandbox_warning: null,
    serving: true,
    stuck: null,
    busy: { queued: 0, running: 0 },
    seq: 7,
    default_pool: 'local',
    folder: '/home/ada',
    ...more
  };
}

export function task(number: number, more: Partial<Task> = {}): Task {
  return {
    task: `t${String(number).padStart(6, '0')}`,
    state: 'queued',
    label: `pca-overview · golub@1 · ${number}`,
    dataset: 'golub@1',
    method: 'pca-overview',
    title: 'PCA overview',
    notebook: 'pca-overview.ipynb',
    batch: null,
    pool: 'local',
    parameters: {},
    attempts: 0,
    submitted_at: new Date(Date.UTC(2026, 0, 1) + number * 1000).toISOString(),
    finished_at: null,
    seconds: null,
    why: null,
    metrics: {},
    retry_of: null,
    service: false,
    systematic: false,
    progress: null,
    ...more
  };
}

/** Serves these tasks page by page, as the server does. Keep the list newest first. */
export function serveTasks(server: FakeServer, tasks: () => readonly Task[]): void {
  server.on('GET', '/tasks', request => {
    const states = request.query.getAll('state');
    const found = tasks().filter(one => !states.length || states.includes(one.state));
    const start = Number(request.query.get('before') ?? 0);
    const end = start + Number(request.query.get('limit') ?? 100);
    return {
      tasks: found.slice(start, end),
      next: end < found.length ? String(end) : null,
      total: found.length,
      busy_total: found.filter(one => one.state === 'queued' || one.state === 'running').length
    };
  });
}
