import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import { Refused, ServerGone } from './errors';
import { type Failure } from './types';
import { type paths } from './wire';

export type Verb = 'get' | 'post' | 'put' | 'patch' | 'delete';

/** Every path of the interface that knows the verb `V`. */
export type PathOf<V extends Verb> = {
  [P in keyof paths]: paths[P] extends Record<V, { responses: unknown }> ? P : never;
}[keyof paths];

type Operation<V extends Verb, P extends PathOf<V>> = paths[P] extends Record<V, infer O> ? O : never;

type Parameters<O, Where extends 'path' | 'query'> = O extends { parameters: Record<Where, infer T> }
  ? T
  : O extends { parameters: Partial<Record<Where, infer T>> }
    ? T
    : never;

type Body<O> = O extends { requestBody: { content: { 'application/json': infer T } } } ? T : never;

type Json<O> = O extends { responses: infer R }
  ? { [S in keyof R]: S extends 200 | 201 ? R[S] : never }[keyof R] extends {
      content: { 'application/json': infer T };
    }
    ? T
    : never
  : never;

/** What the interface answers to this request. */
export type Answer<V extends Verb, P extends PathOf<V>> = Json<Operation<V, P>>;

/** What goes along with a request: parameters in the path and behind `?`, and the body. */
export type Sent<V extends Verb, P extends PathOf<V>> = {
  path?: Parameters<Operation<V, P>, 'path'>;
  query?: Parameters<Operation<V, P>, 'query'>;
  body?: Body<Operation<V, P>>;
  signal?: AbortSignal;
};

type Values = Record<string, unknown>;

/** The one way from the page to the server. */
export class Api {
  constructor(readonly settings: ServerConnection.ISettings) {}

  /** Throws ServerGone when nobody answers, Refused when the answer is no, and AbortError when `signal` fired. */
  async request<V extends Verb, P extends PathOf<V>>(
    verb: V,
    path: P,
    sent: Sent<V, P> = {}
  ): Promise<Answer<V, P>> {
    // Not `no-store`: JupyterLab would add the time to the query.
    const init: RequestInit = { method: verb.toUpperCase(), cache: 'no-cache' };
    if (sent.body !== undefined) {
      init.body = JSON.stringify(sent.body);
    }
    if (sent.signal) {
      init.signal = sent.signal;
    }
    let response: Response;
    try {
      response = await ServerConnection.makeRequest(
        this._url(path, sent.path as Values | undefined, sent.query as Values | undefined),
        init,
        this.settings
      );
    } catch (error) {
      sent.signal?.throwIfAborted();
      throw new ServerGone(error instanceof Error ? error.message : String(error));
    }
    return (await answerOf(response.status, await textOf(response, sent.signal))) as Answer<V, P>;
  }

  get<P extends PathOf<'get'>>(path: P, sent?: Sent<'get', P>): Promise<Answer<'get', P>> {
    return this.request('get', path, sent);
  }

  post<P extends PathOf<'post'>>(path: P, sent?: Sent<'post', P>): Promise<Answer<'post', P>> {
    return this.request('post', path, sent);
  }

  put<P extends PathOf<'put'>>(path: P, sent?: Sent<'put', P>): Promise<Answer<'put', P>> {
    return this.request('put', path, sent);
  }

  patch<P extends PathOf<'patch'>>(path: P, sent?: Sent<'patch', P>): Promise<Answer<'patch', P>> {
    return this.request('patch', path, sent);
  }

  delete<P extends PathOf<'delete'>>(path: P, sent?: Sent<'delete', P>): Promise<Answer<'delete', P>> {
    return this.request('delete', path, sent);
  }

  /** The address of something that is not JSON: a figure to show, a file to download. */
  url<P extends PathOf<'get'>>(path: P, sent: Pick<Sent<'get', P>, 'path' | 'query'> = {}): string {
    return this._url(path, sent.path as Values | undefined, sent.query as Values | undefined);
  }

  /** Where one file is sent to: see upload.ts. */
  uploadUrl(upload: string, name: string): string {
    return this._url('/uploads/{upload}', { upload }, { name });
  }

  /** Where the event stream is. */
  get streamUrl(): string {
    const url = URLExt.join(this.settings.wsUrl, 'codalab', 'api', 'events');
    const { token, appendToken } = this.settings;
    return appendToken && token ? `${url}?token=${encodeURIComponent(token)}` : url;
  }

  private _url(path: string, values: Values = {}, query: Values = {}): string {
    // `{path}` alone may hold slashes: they stay.
    const filled = path.replace(/{(\w+)}/g, (_, name: string) => {
      const value = String(values[name]);
      return name === 'path' ? value.split('/').map(encodeURIComponent).join('/') : encodeURIComponent(value);
    });
    return this.settings.baseUrl.replace(/\/$/, '') + `/codalab/api${filled}${search(query)}`;
  }
}

function search(query: Values): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    const values: unknown[] = Array.isArray(value) ? value : [value];
    for (const one of values) {
      if (typeof one === 'number' || (typeof one === 'string' && one !== '')) {
        search.append(name, one.toString());
      }
    }
  }
  const text = search.toString();
  return text ? `?${text}` : '';
}

async function textOf(response: Response, signal: AbortSignal | undefined): Promise<string> {
  try {
    return await response.text();
  } catch (error) {
    signal?.throwIfAborted();
    throw new ServerGone(error instanceof Error ? error.message : String(error));
  }
}

/** The JSON of an answer. Throws what a refusal means. */
export function answerOf(status: number, text: string): unknown {
  const json = parsed(text);
  if (status >= 200 && status < 300) {
    return json;
  }
  if (isFailure(json)) {
    throw new Refused(json.errors, status);
  }
  if (status === 0 || (status >= 502 && status <= 504)) {
    throw new ServerGone(`HTTP ${status}`);
  }
  throw new Refused([unexplained(status)], status);
}

function parsed(text: string): unknown {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}

function isFailure(json: unknown): json is Failure {
  return (
    typeof json === 'object' &&
    json !== null &&
    'errors' in json &&
    Array.isArray(json.errors) &&
    json.errors.length > 0
  );
}

/** An answer that is not ours: from a proxy, from Jupyter itself, or from a server without our part. */
function unexplained(status: number): Failure['errors'][number] {
  if (status === 404) {
    return {
      code: 'no_server_part',
      message: 'This Jupyter server does not know codalab_nb.',
      fix: "Install it where Jupyter runs: python -m pip install 'codalab-nb[lab]', then restart Jupyter. If it is installed: jupyter server extension enable codalab_nb.",
      at: null
    };
  }
  if (status === 401 || status === 403) {
    return {
      code: 'signed_out',
      message: 'The Jupyter server does not know you any more.',
      fix: 'Reload the page and sign in again.',
      at: null
    };
  }
  if (status === 413) {
    return {
      code: 'too_large',
      message: 'The server, or a proxy before it, takes no file of this size.',
      fix: 'Put the file where Jupyter runs, and add it from the file browser.',
      at: null
    };
  }
  return {
    code: 'server_fault',
    message: `The server failed (HTTP ${status}).`,
    fix: 'Its log says why: it stands in the terminal where Jupyter was started.',
    at: null
  };
}
