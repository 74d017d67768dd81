import { afterEach, describe, expect, test, vi } from 'vitest';
import type { KeyDetail } from '../../src/api/types';
import { rowAfterKey } from '../../src/views/keys/keyboard';
import { describeProgress } from '../../src/views/keys/progress';
import {
  columnsOf,
  firstOrder,
  formatTimeLeft,
  isStale,
  nextOrder,
  secondsLeft,
  sortRows,
  UNSORTED,
} from '../../src/views/keys/sorting';
import { type Branch, type Folder, treeOf, visibleBranches } from '../../src/views/keys/tree';
import { readDetail, readNextPage } from '../../src/views/keys/use-key';
import type { Row } from '../../src/views/keys/walk';

const rowOf = (key: string, changes: Partial<Row> = {}): Row =>
  ({ key, path: key, type: 'string', ttl: 60, size: null, sizeBytes: 10, readAt: 0, ...changes }) as Row;

describe('sorting', () => {
  test('keys that never expire come last', () => {
    const rows = [rowOf('never', { ttl: -1 }), rowOf('late', { ttl: 90 }), rowOf('soon', { ttl: 5 })];

    const sorted = sortRows(rows, { by: 'ttl', descending: false });

    expect(sorted.map((row) => row.key)).toEqual(['soon', 'late', 'never']);
  });

  test('without an order rows stay as they were loaded', () => {
    const rows = [rowOf('b'), rowOf('a')];

    expect(sortRows(rows, UNSORTED)).toBe(rows);
  });

  test('the third click on a column removes its order', () => {
    const first = nextOrder(UNSORTED, 'size');
    const second = nextOrder(first, 'size');

    expect(first).toEqual({ by: 'size', descending: true });
    expect(second).toEqual({ by: 'size', descending: false });
    expect(nextOrder(second, 'size')).toEqual(UNSORTED);
  });

  test('a click on another column begins with its first order', () => {
    expect(nextOrder(firstOrder('size'), 'key')).toEqual({ by: 'key', descending: false });
  });
});

describe('nodes of a Cluster', () => {
  const node = { address: '10.0.0.2:7000', number: 2, of: 3 };

  test('only a list of a Cluster has a column for them, by which it is sorted', () => {
    const rows = [rowOf('a', { node: '10.0.0.2:7000' }), rowOf('b', { node: '10.0.0.1:7000' })];

    expect(columnsOf(false).map(({ name }) => name)).toEqual(['key', 'type', 'ttl', 'size']);
    expect(columnsOf(true).map(({ name }) => name)).toEqual(['key', 'node', 'type', 'ttl', 'size']);
    expect(sortRows(rows, { by: 'node', descending: false }).map((row) => row.key)).toEqual(['b', 'a']);
  });

  test('the progress says which nodes were listed', () => {
    const progress = { count: 1500, total: 2000, node };

    expect(describeProgress({ ...progress, state: 'idle' })).toBe('1,500 loaded of 2,000, up to node 2 of 3');
    expect(describeProgress({ ...progress, state: 'ended' })).toBe('All 1,500 keys of 3 nodes');
  });

  test('a list that failed is incomplete', () => {
    expect(describeProgress({ count: 1500, total: null, node, state: 'failed' })).toBe(
      '1,500 loaded, there may be more, incomplete: the last page is from node 2 of 3 (10.0.0.2:7000)',
    );
    expect(describeProgress({ count: 100, total: 200, node: null, state: 'failed' })).toBe(
      '100 loaded of 200, incomplete',
    );
  });

  test('a list of a single server names no node', () => {
    expect(describeProgress({ count: 100, total: 200, node: null, state: 'idle' })).toBe('100 loaded of 200');
    expect(describeProgress({ count: 1, total: 1, node: null, state: 'ended' })).toBe('All 1 key');
  });
});

describe('times', () => {
  test('a TTL counts down from the time of reading', () => {
    expect(secondsLeft(60, 1000, 11_000)).toBe(50);
    expect(secondsLeft(5, 0, 60_000)).toBe(0);
    expect(secondsLeft(-1, 0, 60_000)).toBe(-1);
  });

  test('a TTL too large for a number is shown as the application wrote it', () => {
    expect(formatTimeLeft({ ttlText: '9223372036854775' }, 1)).toBe('9223372036854775 s');
    expect(formatTimeLeft({}, 600)).toBe('10m 0s');
  });

  test('an entry is stale past its TTL and within its grace', () => {
    const row = { ttl: 90, freshFor: 30, stale: false, readAt: 0 };

    expect(isStale(row, 0)).toBe(false);
    expect(isStale(row, 31_000)).toBe(true);
    expect(isStale(row, 91_000)).toBe(false);
  });

  test('an entry without a grace is never stale', () => {
    expect(isStale({ ttl: 90, freshFor: 90, stale: false, readAt: 0 }, 31_000)).toBe(false);
    expect(isStale({ ttl: -1, freshFor: null, stale: false, readAt: 0 }, 31_000)).toBe(false);
  });
});

describe('the tree', () => {
  const describeBranch = (branch: Branch): string =>
    branch.kind === 'folder'
      ? `${branch.depth} ${branch.folder.id} ${branch.folder.keys}`
      : `${branch.depth} ${branch.name}`;

  const foldersOf = (rows: Row[]): Folder[] =>
    visibleBranches(treeOf(rows), new Set()).flatMap((branch) => (branch.kind === 'folder' ? [branch.folder] : []));

  test('folders count the keys below them, and open ones show their content', () => {
    const root = treeOf([
      rowOf('users:10'),
      rowOf('users:9'),
      rowOf('users:9:profile', { sizeBytes: 5 }),
      rowOf('plain'),
      rowOf('a::b'),
    ]);

    const branches = visibleBranches(root, new Set(['users:', 'a:']));

    expect(branches.map(describeBranch)).toEqual([
      '0 a: 1',
      '1 a:: 1',
      '0 users: 3',
      '1 users:9: 1',
      '1 9',
      '1 10',
      '0 plain',
    ]);
    expect(root.folders.get('users')?.bytes).toBe(25);
  });

  test('the prefix of a folder is exactly the beginning of its keys', () => {
    const folders = foldersOf([rowOf(' users:1'), rowOf('a\nb:1')]);

    expect(folders.map(({ prefix }) => prefix).sort()).toEqual([' users:', 'a\nb:']);
  });

  test('bytes and the text of their escape are two folders, and bytes have no prefix', () => {
    const bytes = rowOf('caf\\xe9:1', { keyBase64: 'Y2Fm6Tox' });
    const text = rowOf('caf\\\\xe9:1', { keyBase64: 'Y2FmXHhlOTox' });

    const folders = foldersOf([bytes, text]);

    expect(folders.map(({ prefix, isBytes }) => [prefix, isBytes])).toEqual([
      [null, true],
      ['caf\\xe9:', false],
    ]);
  });
});

test.each([
  ['ArrowDown', 9, 9],
  ['PageUp', 3, 0],
  ['End', 0, 9],
  ['x', 0, null],
])('%s in row %d of ten leads to %j', (key, from, target) => expect(rowAfterKey(key, from, 10)).toBe(target));

test('100,000 keys can be sorted and shown as a tree', () => {
  const rows = Array.from({ length: 100_000 }, (_, n) => rowOf(`ns:${n % 100}:${n}`, { sizeBytes: n }));

  const sorted = sortRows(rows, { by: 'size', descending: true });
  const branches = visibleBranches(treeOf(rows), new Set(['ns:', 'ns:7:']));

  expect(sorted[0]?.sizeBytes).toBe(99_999);
  expect(branches).toHaveLength(1 + 100 + 1000);
});

describe('reading a key', () => {
  afterEach(() => vi.unstubAllGlobals());

  const detailOf = (name: object): KeyDetail =>
    ({ ...name, type: 'list', valueFormat: 'elements', value: ['secret'], length: 9, nextCursor: 'next' }) as KeyDetail;
  const answerWith = (detail: KeyDetail) =>
    vi.stubGlobal('fetch', () => Promise.resolve(Response.json({ success: true, data: detail })));
  const read = (ref: Parameters<typeof readDetail>[0]) => readDetail(ref, new AbortController().signal);

  const BYTE = { key: 'b\\xff', keyBase64: 'Yv8=' };

  test.each([
    [{ key: ' a' }, { key: 'a' }],
    [{ key: 'a//b' }, { key: 'a/b' }],
    [{ key: '' }, { key: 'entry' }],
    [{ key: 'b\\xff' }, BYTE],
    [{ keyBase64: 'Yv8=' }, { key: 'b\\xff' }],
  ])('the value of another key is not shown: %j is requested, %j answered', async (requested, answered) => {
    answerWith(detailOf(answered));

    const shown = await read(requested);

    expect(shown?.detail).toBeNull();
    expect(shown?.elements).toEqual([]);
    expect(shown?.problem?.message).toContain(`another key (${answered.key}), whose value is not shown`);
    expect(JSON.stringify(shown)).not.toContain('secret');
  });

  test('the value of another key is not shown when the request names a long one in its body', async () => {
    const name = 'k'.repeat(5000);
    answerWith(detailOf({ key: name }));

    expect((await read({ key: ` ${name}` }))?.detail).toBeNull();
  });

  test('the value of the requested key is shown, however the request names it', async () => {
    for (const requested of [{ key: 'a' }, { keyBase64: 'YQ==' }]) {
      answerWith(detailOf({ key: 'a' }));

      const shown = await read(requested);

      expect(shown?.elements).toEqual(['secret']);
      expect(shown?.problem).toBeNull();
    }
  });

  test('elements of another key are not added to those of the first page', async () => {
    answerWith({ ...detailOf({ key: ' a' }), value: ['first'] } as KeyDetail);
    const first = await read({ key: ' a' });
    answerWith(detailOf({ key: 'a' }));

    const shown = first && (await readNextPage({ key: ' a' }, 'next'))(first);

    expect(shown?.elements).toEqual(['first']);
    expect(shown?.detail?.key).toBe(' a');
    expect(shown?.problem?.message).toContain('another key (a)');
  });
});
