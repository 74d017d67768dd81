import { afterEach, describe, expect, test, vi } from 'vitest';
import type { KeyDetail } from '../../src/api/types';
import { fileNameOf } from '../../src/views/keys/download';
import { editProblem } from '../../src/views/keys/edit-dialog';
import { editableField, editableOf } from '../../src/views/keys/editable';
import { edit, undo, undos } from '../../src/views/keys/edits';
import { reasonsFor } from '../../src/views/keys/missing';

const HASH = 'a'.repeat(40);
const detailOf = (changes: Partial<KeyDetail>): KeyDetail =>
  ({
    key: 'k',
    valueFormat: 'text',
    value: 'old',
    hash: HASH,
    truncated: false,
    storedAt: null,
    ...changes,
  }) as KeyDetail;

describe('what can be edited', () => {
  test('a text, and JSON as it is stored', () => {
    expect(editableOf(detailOf({}), null)).toEqual({ field: null, text: 'old', hash: HASH, isJson: false });
    expect(editableOf(detailOf({ valueFormat: 'json', raw: '{"n":1.10}' }), null)).toMatchObject({
      text: '{"n":1.10}',
      isJson: true,
    });
  });

  test('a number may become a text, unless the library stored it', () => {
    const number = detailOf({ valueFormat: 'json', raw: '42' });

    expect(editableOf(number, null)?.isJson).toBe(false);
    expect(editableOf({ ...number, storedAt: '2025-11-15T12:00:00.000Z' }, null)?.isJson).toBe(true);
    expect(editableField({ field: 'f', value: '[not JSON', hash: HASH })?.isJson).toBe(false);
  });

  test('not a part of a value, bytes, or a value without a hash', () => {
    expect(editableOf(detailOf({ truncated: true }), null)).toBeNull();
    expect(editableOf(detailOf({ valueFormat: 'base64', value: { base64: '/w==' } }), null)).toBeNull();
    expect(editableOf(detailOf({ hash: null }), null)).toBeNull();
  });

  test('a field of a hash whose name and value are text', () => {
    const field = { field: 'price', value: '7.90', hash: HASH };

    expect(editableField(field)).toEqual({ field: 'price', text: '7.90', hash: HASH, isJson: false });
    expect(editableOf(detailOf({ valueFormat: 'elements', value: [field] }), 'price')?.text).toBe('7.90');
    expect(editableField({ field: 'price', value: { base64: '/w==' }, hash: HASH })).toBeNull();
    expect(editableField('a member')).toBeNull();
  });

  test('JSON has to stay JSON, and something has to change', () => {
    const json = { text: '{"a":1}', isJson: true };

    expect(editProblem(json, '{"a":1}')).not.toBe('');
    expect(editProblem(json, '{"a":')).toContain('not JSON');
    expect(editProblem(json, '{"a":2}')).toBe('');
    expect(editProblem({ text: 'a', isJson: false }, '{"a":')).toBe('');
  });
});

describe('an edit', () => {
  afterEach(() => vi.unstubAllGlobals());

  test('names the value that was read, and can be undone by its operation', async () => {
    const sent: [string, unknown][] = [];
    vi.stubGlobal('fetch', (url: string, init: RequestInit) => {
      sent.push([`${init.method} ${url}`, JSON.parse(String(init.body))]);
      const data = { key: 'k', hash: HASH, undoUntil: '2030-01-01T00:00:00.000Z' };
      return Promise.resolve(Response.json({ success: true, data, operationId: '17-0' }));
    });

    await edit({ key: 'k' }, 'new', HASH, null);
    const kept = undos.value.get('=k');
    expect(kept?.operationId).toBe('17-0');

    await undo({ key: 'k' }, { operationId: '17-0', until: 0 });
    expect(undos.value.has('=k')).toBe(false);
    expect(sent).toEqual([
      ['PUT /api/cache/keys/entry', { key: 'k', value: 'new', if: HASH }],
      ['POST /api/cache/operations/17-0/undo', {}],
    ]);
  });
});

test('a file is named after the key', () => {
  expect(fileNameOf({ key: 'users:1:profile', valueFormat: 'json' }, 'decoded')).toBe('users_1_profile.json');
  expect(fileNameOf({ key: '../x', valueFormat: 'base64' }, 'decoded')).toBe('.._x.bin');
  expect(fileNameOf({ key: ' ', valueFormat: 'text' }, 'decoded')).toBe('_.txt');
  expect(fileNameOf({ key: 'users:1', valueFormat: 'json' }, 'stored')).toBe('users_1.bin');
});

test('the reasons of a miss are those that the facts support', () => {
  const rule = { prefix: 'users', ttl: 900, source: 'builtin' as const };
  const calm = { uptimeSeconds: 900_000, evictedKeys: 0, evictionsPerMinute: 0 };

  expect(reasonsFor(null, rule, calm)).toEqual([
    'It expired: values of this prefix live for 15m after they are stored.',
    'It was never stored, or the name is another one.',
  ]);
  expect(reasonsFor({ state: 'held', secondsLeft: 3 }, null, { ...calm, uptimeSeconds: 40, evictedKeys: 7 })).toEqual([
    expect.stringContaining('A load is in flight'),
    expect.stringContaining('Redis started 40 s ago'),
    expect.stringContaining('evicted 7 keys'),
    expect.stringContaining('never stored'),
  ]);
  expect(reasonsFor(null, null, null)).toHaveLength(1);
});
