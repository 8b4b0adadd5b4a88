import { describe, expect, test } from 'vitest';

import { Api } from '../../src/core/api';
import { isAbort, problemsOf, Refused, ServerGone } from '../../src/core/errors';
import { FakeServer, Refusal } from '../support/fakeServer';

describe('a request', () => {
  test('fills the path, repeats a parameter of many values and leaves out what is not said', async () => {
    const server = new FakeServer();
    server.on('GET', '/tasks', () => ({ tasks: [], next: null, total: 0, busy_total: 0 }));
    const api = new Api(server.settings);
    await api.get('/tasks', { query: { state: ['queued', 'running'], q: '', limit: 5 } });
    expect(server.requests[0]?.query.toString()).toBe('state=queued&state=running&limit=5');
    expect(server.requests[0]?.headers.get('Authorization')).toBe('token secret');
  });

  test('keeps a name from leading elsewhere', () => {
    const api = new Api(new FakeServer().settings);
    expect(api.url('/tasks/{task}/files/{path}', { path: { task: '../x?', path: 'a b/c#d.csv' } })).toBe(
      'http://jupyter.test/user/ada/codalab/api/tasks/..%2Fx%3F/files/a%20b/c%23d.csv'
    );
  });

  test('tells all problems of a refusal', async () => {
    const server = new FakeServer();
    const problems = [
      { code: 'bad_parameter', message: 'alpha is 3.', fix: 'Give a number between 0 and 1.', at: 'alpha' },
      { code: 'unknown_dataset', message: 'There is no x.', fix: '', at: null }
    ];
    server.on('POST', '/batches', () => {
      throw new Refusal(422, problems);
    });
    const refused = await new Api(server.settings)
      .post('/batches', { body: { datasets: ['x'], methods: [] } })
      .catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(Refused);
    expect((refused as Refused).problems).toEqual(problems);
    expect((refused as Refused).has('unknown_dataset')).toBe(true);
  });

  test.each([
    [404, 'no_server_part'],
    [403, 'signed_out'],
    [413, 'too_large'],
    [500, 'server_fault']
  ])('says what to do about an answer %i that is not ours', async (code, problem) => {
    const server = new FakeServer();
    server.on('GET', '/status', () => {
      throw new Refusal(code, '<script>alert(1)</script>');
    });
    const refused = await new Api(server.settings).get('/status').catch((error: unknown) => error);
    expect((refused as Refused).code).toBe(problem);
    expect(problemsOf(refused)[0]?.fix).not.toBe('');
  });

  test('is another error when nobody answers, or only a proxy does', async () => {
    const server = new FakeServer();
    const api = new Api(server.settings);
    server.down = true;
    await expect(api.get('/status')).rejects.toBeInstanceOf(ServerGone);
    server.down = false;
    server.on('GET', '/status', () => {
      throw new Refusal(502, 'Bad gateway');
    });
    await expect(api.get('/status')).rejects.toBeInstanceOf(ServerGone);
  });

  test('that was called off is no error to tell', async () => {
    const controller = new AbortController();
    const asked = new Api(new FakeServer().settings).get('/status', { signal: controller.signal });
    controller.abort();
    expect(isAbort(await asked.catch((error: unknown) => error))).toBe(true);
  });
});
