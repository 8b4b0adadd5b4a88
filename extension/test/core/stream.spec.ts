import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { Api } from '../../src/core/api';
import { Stream } from '../../src/core/stream';
import { type FromServer, type LiveEvent } from '../../src/core/types';
import { FakeServer } from '../support/fakeServer';

const event = (seq: number, n = 1): LiveEvent => ({
  n,
  seq,
  at: '2026-01-01T00:00:00Z',
  type: 'output',
  body: {}
});
const ledger = (seq: number): FromServer => ({
  type: 'ledger',
  seq,
  tasks: [],
  removed: [],
  busy: { queued: 0, running: 0 }
});

describe('the stream', () => {
  let server: FakeServer;
  let stream: Stream;

  beforeEach(() => {
    vi.useFakeTimers();
    server = new FakeServer();
    const api = new Api(server.settings);
    stream = new Stream(server.settings, () => api.streamUrl);
  });

  afterEach(() => {
    stream.dispose();
    vi.useRealTimers();
  });

  const settled = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

  test('says hello with the number it has', async () => {
    stream.open(7);
    await settled();
    expect(server.socket?.url).toBe('ws://jupyter.test/user/ada/codalab/api/events?token=secret');
    expect(server.socket?.sent).toEqual([{ type: 'hello', after: 7 }]);
    expect(stream.state).toBe('open');
  });

  test('resumes after the last number it heard, and watches again from where it was', async () => {
    const heard: number[] = [];
    stream.open(7);
    stream.watch('t1', { n: 1, seq: 2 }, events => heard.push(...events.map(one => one.seq)));
    await settled();
    server.say(ledger(9));
    server.say({ type: 'events', task: 't1', events: [event(3), event(4)], ended: false });
    server.sockets[0]?.drop();
    expect(stream.state).toBe('gone');
    await vi.advanceTimersByTimeAsync(1000);
    expect(server.socket?.sent).toEqual([
      { type: 'hello', after: 9 },
      { type: 'watch', task: 't1', n: 1, seq: 4 }
    ]);
    server.say({ type: 'events', task: 't1', events: [event(4), event(5)], ended: false });
    expect(heard).toEqual([3, 4, 5]);
  });

  test('hears a later attempt, whose numbers begin again', async () => {
    const heard: string[] = [];
    stream.open(null);
    stream.watch('t1', { n: 1, seq: 8 }, (events, ended) => {
      heard.push(...events.map(one => `${one.n}/${one.seq}`), ...(ended ? ['ended'] : []));
    });
    await settled();
    server.say({ type: 'events', task: 't1', events: [event(7), event(1, 2)], ended: false });
    server.say({ type: 'events', task: 't1', events: [], ended: true });
    expect(heard).toEqual(['2/1', 'ended']);
  });

  test('goes on from the number of a reset', async () => {
    stream.open(7);
    await settled();
    server.say({ type: 'reset', seq: 40 });
    expect(stream.seq).toBe(40);
  });

  test('tries ever more slowly, and at once when asked', async () => {
    server.down = true;
    stream.open(null);
    await settled();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(server.sockets.length).toBeGreaterThan(4);
    expect(server.sockets.length).toBeLessThan(12);
    expect(stream.nextTry).not.toBeNull();
    server.start();
    stream.retryNow();
    await settled();
    expect(stream.state).toBe('open');
    expect(stream.nextTry).toBeNull();
  });

  test('is told by the browser that the network is back', async () => {
    server.down = true;
    stream.open(null);
    await settled();
    server.start();
    window.dispatchEvent(new Event('online'));
    await settled();
    expect(stream.state).toBe('open');
  });

  test('refuses a second watcher of a task, and forgets one that went', async () => {
    stream.open(null);
    await settled();
    const first = stream.watch('t1', { n: 0, seq: 0 }, () => undefined);
    expect(() => stream.watch('t1', { n: 0, seq: 0 }, () => undefined)).toThrow('share the model');
    first.dispose();
    first.dispose();
    stream.watch('t1', { n: 0, seq: 0 }, () => undefined);
    expect(server.socket?.sent.map(message => message.type)).toEqual(['hello', 'watch', 'unwatch', 'watch']);
  });

  test('leaves nothing behind', async () => {
    stream.open(null);
    await settled();
    stream.dispose();
    await vi.advanceTimersByTimeAsync(120_000);
    expect(server.socket).toBeUndefined();
    expect(server.sockets).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });
});
