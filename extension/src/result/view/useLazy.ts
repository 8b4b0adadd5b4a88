import * as React from 'react';

import { useSignal } from '../../core/ui';
import { type Lazy } from '../model/lazy';

/** What was read; it is asked for by looking at it. */
export function useLazy<T>(lazy: Lazy<T>): { value: T | null; error: unknown } {
  React.useEffect(() => lazy.ensure(), [lazy]);
  const value = useSignal(lazy.changed, () => lazy.value);
  const error = useSignal(lazy.changed, () => lazy.error);
  return { value, error };
}
