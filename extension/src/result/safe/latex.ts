import { type IRenderMime } from '@jupyterlab/rendermime-interfaces';

const LONGEST = 20_000;
// What reaches beyond the formula: links, styles, names of elements, further packages, and what could spell those anew.
const REACHING =
  /\\(href|url|style|class|cssId|id|data|html\w*|require|unicode|includegraphics|mmlToken|begingroup|csname|catcode|input|write|def|gdef|edef|let|new\w*|renew\w*|providecommand|DeclareMathOperator|Declare\w*|bbox|label|ref|eqref|tag|mathchoice|toggle|action\w*|texttip|mathtip)(?![a-zA-Z])/;

/** Whether a typesetter may see it: formulas only, nothing that acts or reaches out. */
export function isPlainMath(source: string): boolean {
  return source.length <= LONGEST && !REACHING.test(source);
}

/** Typesets the formulas in `host`; without a typesetter they stay as they were written. */
export function typeset(host: HTMLElement, typesetter: IRenderMime.ILatexTypesetter | null): void {
  if (typesetter === null) {
    return;
  }
  void Promise.resolve(typesetter.typeset(host))
    .catch(() => undefined)
    .then(() => {
      for (const element of host.querySelectorAll('[href], [src], [onclick]')) {
        element.removeAttribute('href');
        element.removeAttribute('src');
        element.removeAttribute('onclick');
      }
    });
}
