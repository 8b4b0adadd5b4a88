import { Dialog, showDialog } from '@jupyterlab/apputils';
import { type TranslationBundle } from '@jupyterlab/translation';

/** Asks before something that cannot be undone. `verb` is what the button says: never just "OK". */
export async function confirm(options: {
  title: string;
  body: string;
  verb: string;
  trans: TranslationBundle;
}): Promise<boolean> {
  const answer = await showDialog({
    title: options.title,
    body: options.body,
    buttons: [
      Dialog.cancelButton({ label: options.trans.__('Keep') }),
      Dialog.warnButton({ label: options.verb })
    ],
    defaultButton: 0
  });
  return answer.button.accept;
}
