import { UUID } from '@lumino/coreutils';

import { answerOf, type Api } from './api';
import { ServerGone } from './errors';
import { type Upload } from './types';

export interface IUploadOptions {
  /** Called with bytes sent so far and bytes in all. */
  onProgress?: (sent: number, total: number) => void;
  signal?: AbortSignal;
}

/**
 * Streams one file to the server. Not `fetch`: that cannot tell how far an upload is.
 * Throws as `Api.request` does; when it was aborted the server is told to forget what it has.
 */
export function upload(api: Api, file: File, options: IUploadOptions = {}): Promise<Upload> {
  const { settings } = api;
  const id = UUID.uuid4();
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const stop = (): void => request.abort();
    const calledOff = (): void => {
      reject(new DOMException('The upload was called off.', 'AbortError'));
    };
    if (options.signal?.aborted) {
      calledOff();
      return;
    }
    request.open('PUT', api.uploadUrl(id, file.name));
    request.withCredentials = true;
    request.setRequestHeader('Content-Type', 'application/octet-stream');
    const xsrf = /(?:^|;\s*)_xsrf=([^;]*)/.exec(document.cookie)?.[1];
    if (xsrf !== undefined) {
      request.setRequestHeader('X-XSRFToken', xsrf);
    }
    if (settings.token) {
      request.setRequestHeader('Authorization', `token ${settings.token}`);
    }
    request.upload.onprogress = event => options.onProgress?.(event.loaded, file.size);
    request.onload = () => {
      try {
        resolve(answerOf(request.status, request.responseText) as Upload);
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    };
    request.onerror = () => reject(new ServerGone('the upload was cut off'));
    request.onabort = () => {
      calledOff();
      void api.delete('/uploads/{upload}', { path: { upload: id } }).catch(() => undefined);
    };
    request.onloadend = () => options.signal?.removeEventListener('abort', stop);
    options.signal?.addEventListener('abort', stop);
    request.send(file);
  });
}
