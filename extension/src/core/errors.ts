import { type Problem } from './types';

/** The two ways a request fails. Nobody has to compare sentences: programs look at the class and at `code`. */
export abstract class CodalabError extends Error {
  /** What is shown: each with a code, a message, and what to do next. */
  abstract readonly problems: readonly Problem[];
}

/** No answer: the server is down, restarting, or the network is. Trying again later is what helps. */
export class ServerGone extends CodalabError {
  override readonly name = 'ServerGone';
  readonly problems: readonly Problem[];

  constructor(readonly detail: string) {
    super('The Jupyter server does not answer.');
    this.problems = [
      {
        code: 'server_gone',
        message: this.message,
        fix: 'Nothing is lost: tasks go on without this page. Check that Jupyter still runs, then try again.',
        at: null
      }
    ];
  }
}

/** The server answered, and said no. */
export class Refused extends CodalabError {
  override readonly name = 'Refused';

  constructor(
    readonly problems: readonly Problem[],
    readonly status: number
  ) {
    super(problems.map(problem => problem.message).join(' '));
  }

  get code(): string {
    return this.problems[0]?.code ?? '';
  }

  has(code: string): boolean {
    return this.problems.some(problem => problem.code === code);
  }
}

/** What to show for anything that was thrown. */
export function problemsOf(error: unknown): readonly Problem[] {
  if (error instanceof CodalabError) {
    return error.problems;
  }
  const message = error instanceof Error ? error.message : String(error);
  return [
    {
      code: 'page_error',
      message,
      fix: 'This is a fault of the page: reload it, and report what you did if it comes back.',
      at: null
    }
  ];
}

/** Whether it was called off on purpose, so that there is nothing to tell. */
export function isAbort(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'name' in error && error.name === 'AbortError';
}
