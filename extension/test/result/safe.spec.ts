import { describe, expect, test } from 'vitest';

import { cleaned } from '../../src/result/model/output';
import { type Shown, shownOf } from '../../src/result/safe/choose';
import { htmlFrame, rebuilt, svgFrame } from '../../src/result/safe/frame';
import { isPlainMath } from '../../src/result/safe/latex';
import { markdownNode } from '../../src/result/safe/markdown';
import { readTable } from '../../src/result/safe/table';
import { harmless, spans } from '../../src/result/safe/text';

const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const PANDAS =
  '<p>All rows</p><style scoped>.x{color:red}</style><table border="1" class="dataframe"><thead><tr><th></th><th>gene</th><th>p</th></tr></thead>' +
  '<tbody><tr><th>0</th><td>SEPT2 <b onclick=alert(1)>&lt;i&gt;</b></td><td>-0.05</td></tr></tbody></table>';

function shown(data: Record<string, unknown>, metadata: Record<string, unknown> = {}): Shown {
  return shownOf(cleaned({ output_type: 'display_data', data, metadata }));
}

describe('what is shown of an output', () => {
  test('a picture by its first bytes, with words for who cannot see it', () => {
    const found = shown(
      { 'image/png': PNG, 'text/plain': '<Figure>' },
      { 'image/png': { alt: 'a dot', width: 40 } }
    );
    expect(found).toEqual({
      kind: 'picture',
      source: `data:image/png;base64,${PNG}`,
      alt: 'a dot',
      width: 40
    });
    expect(shown({ 'image/png': btoa('<script>alert(1)</script>'), 'text/plain': 'p' })).toMatchObject({
      kind: 'text'
    });
    expect(shown({ 'image/png': 'x"><img src=x onerror=alert(1)>', 'text/plain': 'p' })).toMatchObject({
      kind: 'text'
    });
    expect(shown({ 'image/png': PNG }, { 'image/png': { width: '1" onload="x', alt: 7 } })).toMatchObject({
      width: null,
      alt: ''
    });
  });

  test('a table of pandas by its words alone', () => {
    const table = readTable(PANDAS)!;
    expect(table.caption).toBe('All rows');
    expect(table.heads).toBe(1);
    expect(table.rows[1]!.map(cell => cell.text)).toEqual(['0', 'SEPT2 <i>', '-0.05']);
    expect(table.numeric).toEqual([true, false, true]);
    expect(readTable('<table class="dataframe"><tr><td colspan="2">x</td></tr></table>')).toBeNull();
    expect(readTable('<table><tr><td>x</td></tr></table>')).toBeNull();
  });

  test('what needs a script by its picture, else by a word why not', () => {
    const plotly = { 'application/vnd.plotly.v1+json': {}, 'text/html': '<script>x</script>' };
    expect(shown({ ...plotly, 'image/png': PNG })).toMatchObject({ kind: 'picture' });
    expect(shown(plotly)).toMatchObject({ kind: 'interactive', name: 'Plotly' });
    expect(shown({ 'application/vnd.vegalite.v5+json': {}, 'text/plain': 'v' })).toMatchObject({
      name: 'Altair',
      text: 'v'
    });
    expect(
      shown({ 'application/javascript': 'x', 'text/plain': '<IPython.core.display.Javascript object>' })
    ).toEqual({
      kind: 'interactive',
      name: null,
      text: ''
    });
    expect(shown({ 'text/html': '<iframe src="https://map"></iframe>' })).toMatchObject({
      kind: 'interactive'
    });
  });

  test('the rest by the first that it has of frame, JSON, formula, text', () => {
    expect(shown({ 'text/html': '<b>x</b>', 'text/plain': 'x' })).toMatchObject({ kind: 'frame' });
    expect(shown({ 'image/svg+xml': '<svg height="100"></svg>' })).toMatchObject({ kind: 'frame' });
    expect(shown({ 'application/json': { a: 1 }, 'text/plain': 'x' })).toEqual({
      kind: 'json',
      text: '{\n "a": 1\n}'
    });
    expect(shown({ 'text/latex': '$x$', 'text/plain': 'x' })).toMatchObject({ kind: 'latex' });
    expect(shown({ 'text/plain': ['a', 'b'] })).toEqual({ kind: 'text', text: 'ab', left: 0 });
    expect(shown({ 'application/pdf': 'x' })).toEqual({ kind: 'unknown', mimes: 'application/pdf' });
    expect(shown({ 'application/vnd.codalab.report+json': {}, 'text/plain': 'm = 1' })).toMatchObject({
      kind: 'text'
    });
    expect(shown({})).toEqual({ kind: 'nothing' });
    const long = shown({ 'text/plain': 'x'.repeat(150_000) });
    expect(long.kind === 'text' && long.text.slice(100_000)).toBe('\n[… 50,000 more characters]');
  });
});

describe('text', () => {
  test('colours are styles, all else that steers a terminal is spelled out', () => {
    expect(spans('a\x1b[1;31mred\x1b[0mb')).toEqual([
      { text: 'a', style: '' },
      { text: 'red', style: 'bold red' },
      { text: 'b', style: '' }
    ]);
    expect(spans('\x1b[38;5;4;1mx\x1b[22;39my')).toEqual([
      { text: 'x', style: 'bold' },
      { text: 'y', style: '' }
    ]);
    const told = spans('\x1b]8;;javascript:x\x1b\\click \u202etxt.exe \ud800!')
      .map(span => span.text)
      .join('');
    expect(told).toBe('\\x1b]8;;javascript:x\\x1b\\click \\u202etxt.exe \\ud800!');
    expect(harmless('😀\ttab\nline')).toBe('😀\ttab\nline');
    expect(spans('y'.repeat(3_000))[0]!.text).toMatch(/^y{2000} … 1,000 more characters$/);
  });
});

describe('the frame', () => {
  test('listed tags and attributes go on, the rest stays out', () => {
    const { markup } = rebuilt(
      '<p style="color:red" onclick="x()">a<script>bad()</script><u>b</u><my-tag>c</my-tag>' +
        '<img src="http://a/b"><img src="data:image/png;base64,AAAA" srcset="http://a/b">' +
        '<a href="javascript:x()">d</a><a href="#p">e</a><link rel=preconnect href=//a><meta http-equiv=refresh content=0>' +
        '<form action=//a><input value=x>f</form><base href=//a><iframe srcdoc="x"></iframe><template><i>t</i></template>'
    );
    expect(markup).toBe(
      '<p style="color:red">a<u>b</u>c<img><img src="data:image/png;base64,AAAA"><a>d</a><a href="#p">e</a></p>f'
    );
  });

  test('a style that could fetch is left out, one that refers to a part of its own picture stays', () => {
    const styles = (style: string): string => rebuilt(`<p style="${style}">x</p>`).markup;
    expect(styles('background:url(//a/b)')).toBe('<p>x</p>');
    expect(styles('background:u\\72l(//a/b)')).toBe('<p>x</p>');
    expect(styles("background:image-set('//a' 1x)")).toBe('<p>x</p>');
    expect(rebuilt('<style>@import "//a"</style><style>p{color:red}</style>x').markup).toBe(
      '<style>p{color:red}</style>x'
    );
    expect(rebuilt('<svg><rect fill="url(#a)"/><rect fill="url(//a#a)"/></svg>').markup).toBe(
      '<svg><rect fill="url(#a)"></rect><rect></rect></svg>'
    );
  });

  test('every < that is written is one of ours', () => {
    for (const hostile of [
      '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=x&gt;">',
      '<noscript><p title="</noscript><img src=x onerror=x>"></noscript>',
      '<svg><style>&lt;img src=x onerror=x&gt;</style></svg>',
      '<textarea><p title="</textarea><img src=x onerror=x>"></textarea>',
      '<a title="</style><img src=x onerror=x>">x</a>'
    ]) {
      const tags = rebuilt(hostile).markup.match(/<[^>]*>?/g) ?? [];
      for (const tag of tags) {
        expect(tag).toMatch(/^<\/?[a-zA-Z]+( [a-z]+="[^"<>]*")*>$/);
        expect(tag).not.toMatch(/<\/?(script|iframe|link|meta|base|form|noscript|textarea|template)/i);
      }
    }
  });

  test('it has no policy to be overruled, and is as high as what it holds', () => {
    const frame = htmlFrame('<p>a</p>'.repeat(10))!;
    expect(frame.page).toContain("default-src 'none'; img-src data:; style-src 'unsafe-inline'");
    expect(frame.height).toBeGreaterThan(200);
    expect(htmlFrame('<div></div>')).toBeNull();
    expect(htmlFrame('x'.repeat(200_000))!.height).toBe(640);
    expect(svgFrame('<svg height="300pt"></svg>').height).toBe(420);
    expect(svgFrame('<svg viewBox="0 0 10 200"></svg>').height).toBe(220);
  });
});

describe('Markdown', () => {
  // What was made, without the element around it.
  const html = (source: string): string => markdownNode(source).node.outerHTML.slice(5, -6);

  test('is what people write', () => {
    expect(html('# A & B &amp; c\n\nsome *em* **bold** `code <b>`\n\n- one\n- two\n  - three\n\n3. x')).toBe(
      '<h2>A &amp; B &amp; c</h2><p>some <em>em</em> <strong>bold</strong> <code>code &lt;b&gt;</code></p>' +
        '<ul><li>one</li><li>two<ul><li>three</li></ul></li></ul><ol start="3"><li>x</li></ol>'
    );
    expect(markdownNode('| a | b |\n|---|--:|\n| *1* | 2 |').node.querySelectorAll('td, th')).toHaveLength(4);
    expect(html('```mermaid\ngraph <b>\n```')).toBe('<pre><code>graph &lt;b&gt;</code></pre>');
    expect(html('- [x] done')).toContain('☑ done');
    expect(html('a \\* b')).toBe('<p>a * b</p>');
  });

  test('never makes a tag of its own, nor something to click', () => {
    const { node } = markdownNode(
      '<img src=x onerror=alert(1)>\n\n<script>x</script>\n\n[a](javascript:x) [b](https://doi.org/1) <javascript:x>\n\n' +
        '![c](http://a/b.png) ![d](data:image/png;base64,AAAA)\n\n[x](&#106;avascript:x)\n\n<div>\n*x*\n</div>'
    );
    expect(node.querySelectorAll('script, a, [onerror], [href]')).toHaveLength(0);
    expect([...node.querySelectorAll('img')].map(image => image.src)).toEqual(['data:image/png;base64,AAAA']);
    expect(node.textContent).toContain('<img src=x onerror=alert(1)>');
    expect(node.textContent).toContain('b (https://doi.org/1)');
  });

  test('formulas are typeset when they are nothing but formulas', () => {
    expect(markdownNode('so $a_1 * b_2$ is').node.textContent).toBe('so $a_1 * b_2$ is');
    expect(markdownNode('so $a_1$').math).toBe(true);
    expect(markdownNode('so $\\href{javascript:x}{y}$').math).toBe(false);
    expect(markdownNode('no formula').math).toBe(false);
    expect(isPlainMath('\\frac{a}{b} \\leq \\left(x\\right) \\text{mean}')).toBe(true);
    for (const one of [
      '\\url{x}',
      '\\style{a}{b}',
      '\\require{html}',
      '\\unicode[x]{x41}',
      '\\def\\x{\\href}',
      '\\csname href\\endcsname'
    ]) {
      expect(isPlainMath(one), one).toBe(false);
    }
  });
});
