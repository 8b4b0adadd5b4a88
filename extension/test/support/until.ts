import { vi } from 'vitest';

/** Waits for what is expected to become true, not for a time. */
export async function until(expected: () => boolean): Promise<void> {
  await vi.waitUntil(expected, { timeout: 5000, interval: 1 });
}
