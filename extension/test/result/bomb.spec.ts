import { describe, expect, test } from 'vitest';

import { rebuilt } from '../../src/result/safe/frame';

const layers = (count: number, each: number): string => {
  const layer = (i: number): string =>
    `<g id="a${i}">${i ? `<use href="#a${i - 1}"></use>`.repeat(each) : '<rect/>'}</g>`;
  return `<svg><defs>${Array.from({ length: count }, (_, i) => layer(i)).join('')}</defs><use href="#a${count - 1}"></use></svg>`;
};

describe('a picture that is drawn of itself', () => {
  test('without end: its repetitions are left out', () => {
    expect(rebuilt(layers(8, 10)).markup).not.toContain('<use');
    expect(rebuilt(layers(60, 2)).markup).not.toContain('<use');
  });

  test('as figures do: it stays', () => {
    expect(rebuilt(layers(3, 10)).markup).toContain('<use href="#a2">');
    expect(rebuilt('<svg><g id="a"><use href="#a"></use><rect/></g></svg>').markup).toContain('<use');
  });
});
