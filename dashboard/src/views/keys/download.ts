// Saves the value of a key as a file: all elements of a collection, or the whole value, decoded or as it is stored.
import type { Element, KeyDetail, ValueForm } from '../../api/types';
import { Problem } from '../../api/problem';
import { refOf } from '../../lib/key-name';
import { saveFile } from '../../lib/save-file';
import { announce } from '../../state/announce';
import * as api from '../../api/endpoints';
import { elementsOf } from './elements';

const PAGE_ELEMENTS = 1000;
const MAX_NAME_CHARACTERS = 100;

export async function downloadValue(detail: KeyDetail, form: ValueForm): Promise<void> {
  const content = detail.valueFormat === 'elements' ? await elementsIn(detail) : await valueIn(detail, form);
  saveFile(content, fileNameOf(detail, form));
  announce('The value was saved');
}

/** A file name that systems accept, with the extension of the content. */
export function fileNameOf({ key, valueFormat }: Pick<KeyDetail, 'key' | 'valueFormat'>, form: ValueForm): string {
  const decoded = { json: 'json', elements: 'json', text: 'txt', base64: 'bin' }[valueFormat];
  const extension = form === 'stored' ? 'bin' : decoded;
  return `${key.replace(/[^\w.-]+/g, '_').slice(0, MAX_NAME_CHARACTERS) || 'value'}.${extension}`;
}

async function valueIn(detail: KeyDetail, form: ValueForm): Promise<Blob> {
  const response = await api.downloadKey(refOf(detail), form);
  try {
    return await response.blob();
  } catch {
    throw new Problem(-1, 'It ended early: the value was replaced meanwhile, or Redis failed. Try again.');
  }
}

async function elementsIn(detail: KeyDetail): Promise<Blob> {
  const elements: Element[] = [];
  let cursor: string | null = '0';

  while (cursor !== null) {
    const page: KeyDetail = await api.inspectKey(refOf(detail), { cursor, limit: PAGE_ELEMENTS });
    elements.push(...elementsOf(page));
    cursor = page.nextCursor;
  }
  return new Blob([JSON.stringify(elements, null, 2)]);
}
