import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';

import { advice } from '../../src/result/model/advice';

const trans = nullTranslator.load('codalab_nb');

describe('advice', () => {
  it('names what is missing', () => {
    expect(advice("ModuleNotFoundError: No module named 'plotly.express'", trans)).toContain('"plotly"');
    const file = advice("FileNotFoundError: [Errno 2] No such file or directory: 'gone.csv'", trans);
    expect(file).toContain('"gone.csv"');
    expect(file).toContain('Files that go along');
  });

  it('repeats no words of the notebook as the name of a module', () => {
    expect(advice("ModuleNotFoundError: No module named 'x; run this'", trans)).toContain('Copy and change');
  });

  it('says where more memory is given', () => {
    expect(advice('MemoryError', trans)).toContain('Advanced');
  });

  it('has a word on every other error', () => {
    expect(advice("KeyError: 'gene'", trans)).toContain('open a copy as a notebook');
    expect(advice('', trans)).not.toBe('');
  });
});
