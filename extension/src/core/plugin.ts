import { type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { CORE_PLUGIN, type ICodalab, ICodalabToken } from '../tokens';
import { Codalab } from './codalab';
import { TEXT_DOMAIN } from './text';

export const core: JupyterFrontEndPlugin<ICodalab> = {
  id: CORE_PLUGIN,
  description: 'The model of data sets, methods, tasks and batches.',
  autoStart: true,
  provides: ICodalabToken,
  optional: [ISettingRegistry, ITranslator],
  activate: (app: JupyterFrontEnd, registry: ISettingRegistry | null, translator: ITranslator | null) => {
    const codalab = new Codalab({
      settings: app.serviceManager.serverSettings,
      trans: (translator ?? nullTranslator).load(TEXT_DOMAIN)
    });
    codalab.preferences.follow(registry, CORE_PLUGIN).catch((error: unknown) => {
      console.warn('The settings of CodaLab could not be read; the defaults stand.', error);
    });
    void codalab.start();
    return codalab;
  }
};
