import { Dialog, showDialog } from '@jupyterlab/apputils';
import { type TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { isOpen } from '../../core/states';
import { Busy, Empty, ErrorBox, ServerGoneBanner, useSignal, useTrans } from '../../core/ui';
import { type IActions } from '../actions';
import { type ResultModel } from '../model/result';
import { FilesTab } from './Files';
import { Header } from './Header';
import { LogTab } from './Log';
import { MetricsTab } from './Metrics';
import { NotebookTab } from './NotebookTab';
import { ProvenanceTab } from './Provenance';
import { type IRenderers, RenderersProvider, TrustProvider } from './renderers';
import { ReportButton } from './ReportButton';
import { Tabs } from './Tabs';

interface IProps {
  model: ResultModel;
  actions: IActions;
  renderers: IRenderers;
}

/** The document of one task. */
export function ResultView(props: IProps): React.ReactElement {
  const { model, actions } = props;
  const trans = useTrans();
  const [trusted, setTrusted] = React.useState(false);
  const [failed, setFailed] = React.useState<unknown>(null);
  const [busy, setBusy] = React.useState(false);
  const run = React.useCallback((work: () => Promise<unknown>): void => {
    setFailed(null);
    setBusy(true);
    work()
      .catch(setFailed)
      .finally(() => setBusy(false));
  }, []);
  const trust = React.useMemo(
    () => ({
      trusted,
      ask: () => void asked(trans).then(yes => yes && setTrusted(true))
    }),
    [trusted, trans]
  );
  return (
    <RenderersProvider value={props.renderers}>
      <TrustProvider value={trust}>
        <div className="codalab-Result">
          <ServerGoneBanner />
          <Header model={model} actions={actions} run={run} busy={busy} />
          <ErrorBox error={failed} onClose={() => setFailed(null)} />
          <Content model={model} actions={actions} run={run} />
        </div>
      </TrustProvider>
    </RenderersProvider>
  );
}

function Content(props: {
  model: ResultModel;
  actions: IActions;
  run: (work: () => Promise<unknown>) => void;
}): React.ReactElement {
  const { model } = props;
  const trans = useTrans();
  const detail = useSignal(model.changed, () => model.detail);
  const error = useSignal(model.changed, () => model.error);
  const gone = useSignal(model.changed, () => model.gone);
  const problem = (
    <ErrorBox error={error} action={{ label: trans.__('Try again'), run: () => void model.refresh() }} />
  );
  const removed = (
    <Empty title={trans.__('This task was removed.')}>
      <p>
        {trans.__(
          'Its files are not there any more, either. Close this tab; copies that you made of it stay.'
        )}
      </p>
    </Empty>
  );
  if (gone && !model.loaded) {
    return removed;
  }
  if (!detail && !model.loaded) {
    return error ? problem : <Busy label={trans.__('Opening the result …')} />;
  }
  const over = detail !== null && !isOpen(detail.state);
  const tabs = [
    { id: 'notebook', label: trans.__('Notebook'), content: () => <NotebookTab model={model} /> },
    {
      id: 'files',
      label: trans.__('Files'),
      content: () => (
        <>
          {over && !gone ? <ReportButton report={model.report} /> : null}
          <FilesTab {...props} />
        </>
      )
    },
    { id: 'metrics', label: trans.__('Metrics'), content: () => <MetricsTab model={model} /> },
    { id: 'log', label: trans.__('Log'), content: () => <LogTab model={model} /> },
    { id: 'provenance', label: trans.__('Provenance'), content: () => <ProvenanceTab model={model} /> }
  ];
  return (
    <>
      {gone ? removed : problem}
      <Tabs label={trans.__('Result')} tabs={tabs} />
    </>
  );
}

/** What trusting means, in words, before it is done. */
async function asked(trans: TranslationBundle): Promise<boolean> {
  const answer = await showDialog({
    title: trans.__('Trust this result?'),
    body: trans.__(
      'Its interactive outputs are then run in this page, with your rights: a script in them could read your files, run code in your kernels, and send what it finds elsewhere. Do it only when you know who wrote the notebook. It holds until this tab is closed.'
    ),
    buttons: [
      Dialog.cancelButton({ label: trans.__('Do not run them') }),
      Dialog.warnButton({ label: trans.__('Trust this result') })
    ],
    defaultButton: 0
  });
  return answer.button.accept;
}
