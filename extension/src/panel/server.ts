import { type Api } from '../core/api';
import { upload } from '../core/upload';
import { type IPanelServer } from './types';

const PREVIEW_ROWS = 8;
const NOTHING_SAID = { roles: {}, kind: null, reference: null, renames: {}, accept: false };

/** The verbs of the panel as requests. */
export function panelServer(api: Api): IPanelServer {
  const at = (reference: string): { path: { reference: string } } => ({ path: { reference } });
  return {
    datasets: async () => (await api.get('/datasets')).datasets,
    dataset: reference => api.get('/datasets/{reference}', at(reference)),
    addDataset: body => api.post('/datasets', { body }),
    setDataset: (reference, answer) =>
      api.patch('/datasets/{reference}', { ...at(reference), body: { ...NOTHING_SAID, ...answer } }),
    removeDataset: async reference => {
      await api.delete('/datasets/{reference}', at(reference));
    },
    preview: reference =>
      api.get('/datasets/{reference}/preview', {
        ...at(reference),
        query: { table: 'matrix', rows: PREVIEW_ROWS }
      }),
    samples: reference => api.get('/datasets/{reference}/samples', at(reference)),
    setSamples: (reference, body) => api.put('/datasets/{reference}/samples', { ...at(reference), body }),
    examples: async () => (await api.get('/examples')).examples,
    upload: (file, told, signal) =>
      upload(api, file, { onProgress: (sent, total) => told(total > 0 ? sent / total : 1), signal }),
    dropUpload: async id => {
      await api.delete('/uploads/{upload}', { path: { upload: id } });
    },
    methods: async dataset => (await api.get('/methods', { query: { dataset: [...dataset] } })).methods,
    advice: async dataset =>
      (await api.get('/recommendations/known', { query: { dataset: [...dataset] } })).advice,
    form: body => api.post('/form', { body }),
    analyze: body => api.post('/batches', { body }),
    pools: async () => (await api.get('/pools')).pools,
    warm: async () => {
      await api.post('/warm');
    }
  };
}
