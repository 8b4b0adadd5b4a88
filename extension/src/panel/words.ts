/** Sentences and numbers as people say them. */
import { type TranslationBundle } from '@jupyterlab/translation';
import { type Column } from './types';

export type Role = NonNullable<Column['role']>;

const ROLES: readonly Role[] = ['condition', 'batch', 'pair', 'target', 'dose', 'time', 'event'];

/** Roles that a person could give this column, by the server's own rule. */
export function rolesFor(column: Column): readonly Role[] {
  const grouping = column.groups.length > 1 && column.groups.some(group => group.n > 1);
  return ROLES.filter(role => {
    if (role === column.role) {
      return true;
    }
    if (role === 'dose' || role === 'time') {
      return column.type === 'numbers' && column.groups.length !== 1;
    }
    return role === 'event' ? column.groups.length === 2 : grouping;
  });
}

export function roleWords(role: Role, trans: TranslationBundle): string {
  const words: Record<Role, string> = {
    condition: trans.__('groups to compare'),
    batch: trans.__('batch (plate, run, chip)'),
    pair: trans.__('pairs (patient, animal)'),
    dose: trans.__('dose'),
    time: trans.__('time'),
    event: trans.__('whether it happened'),
    target: trans.__('what to predict')
  };
  return words[role];
}

/** `about 3 s`, `about 4 min`. */
export function roughly(seconds: number, trans: TranslationBundle): string {
  if (seconds < 90) {
    return trans.__('about %1 s', Math.max(1, Math.round(seconds)));
  }
  return seconds < 5400
    ? trans.__('about %1 min', Math.round(seconds / 60))
    : trans.__('about %1 h', Math.round(seconds / 360) / 10);
}

/** `AML (11), ALL (27), …`. */
export function groupWords(column: Column, most = 6): string {
  const told = column.groups.slice(0, most).map(group => `${group.name} (${group.n})`);
  return told.join(', ') + (column.groups.length > most ? ', …' : '');
}

/** A value of a setting as a person would type it: `0.000001`, not `1e-6`. */
export function spelled(value: unknown): string {
  if (typeof value === 'number' && value !== 0 && Math.abs(value) < 1e-3 && Math.abs(value) >= 1e-9) {
    return value.toFixed(12).replace(/0+$/, '');
  }
  if (value === null || value === undefined) {
    return '';
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}
