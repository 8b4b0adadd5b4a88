import plugins from '../src/index';
import { expect, test } from 'vitest';

test('ids of plugins are unique and derive from the name of the package', () => {
  const ids = plugins.map(plugin => plugin.id);
  expect(new Set(ids).size).toBe(ids.length);
  ids.forEach(id => expect(id).toMatch(/^codalab-nb:/));
});
