import { OutputModel } from '@jupyterlab/rendermime';
import { type IDisposable } from '@lumino/disposable';
import { MessageLoop } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import * as React from 'react';

import { useTrans } from '../../core/ui';
import { type IShown } from '../model/output';
import { Text } from './pieces';
import { useRenderers } from './renderers';

/** An output as JupyterLab's own renderers draw it, with the rights of the person who trusts it. */
export function Trusted(props: { output: IShown }): React.ReactElement {
  const { rendermime } = useRenderers();
  const trans = useTrans();
  const host = React.useRef<HTMLDivElement>(null);
  const [failed, setFailed] = React.useState('');
  const { data, metadata } = props.output;
  const mime = rendermime?.preferredMimeType(data as never, 'any');
  React.useEffect(() => {
    if (!host.current || !rendermime || !mime) {
      return;
    }
    const model = new OutputModel({
      value: { output_type: 'display_data', data: data as never, metadata: metadata as never },
      trusted: true
    });
    const renderer = rendermime.clone().createRenderer(mime);
    renderer.renderModel(model).catch((error: unknown) => setFailed(String(error)));
    Widget.attach(renderer, host.current);
    const sized = observe(host.current, renderer);
    return () => {
      sized.dispose();
      renderer.dispose();
      model.dispose();
    };
  }, [rendermime, mime, data, metadata]);
  if (!mime) {
    return (
      <p className="codalab-Output-note">
        {trans.__('No extension of this JupyterLab draws %1.', Object.keys(data).join(', '))}
      </p>
    );
  }
  return (
    <>
      {failed ? <Text text={failed} kind="error" /> : null}
      <div ref={host} className="codalab-Output-trusted jp-OutputArea-output" />
    </>
  );
}

/** Charts fill their width: they are told when it changes. */
function observe(element: HTMLElement, widget: Widget): IDisposable {
  const observer = new ResizeObserver(() =>
    MessageLoop.postMessage(widget, Widget.ResizeMessage.UnknownSize)
  );
  observer.observe(element);
  return {
    isDisposed: false,
    dispose: () => observer.disconnect()
  };
}
