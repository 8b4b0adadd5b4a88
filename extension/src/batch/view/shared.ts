/** What the views of a batch are made of. */
import { type ICodalab } from '../../core/codalab';
import { usePage } from '../../core/ui';

export * from '../../core/ui';

export function useCodalab(): ICodalab {
  return usePage().codalab;
}
