import { afterEach, describe, expect, test, vi } from 'vitest';
import type { KeyDetail } from '../../src/api/types';
import { rowAfterKey } from '../../src/views/keys/keyboard';
import { addressOf, describeConditions, filterInAddress, hidesOwnKeys, queryOf } from '../../src/views/keys/filter';
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

    expect(columnsOf(false).map(({ name }) => name)).toEqual(['type', 'key', 'ttl', 'size']);
    expect(columnsOf(true).map(({ name }) => name)).toEqual(['type', 'key', 'node', 'ttl', 'size']);
    expect(sortRows(rows, { by: 'node', descending: false }).map((row) => row.key)).toEqual(['b', 'a']);
  });

  test('the progress says which nodes were listed', () => {
    const progress = { count: 1500, total: 2000, node, hidden: 0 };

    expect(describeProgress({ ...progress, state: 'idle' })).toBe('1,500 of 2,000, up to node 2 of 3');
    expect(describeProgress({ ...progress, state: 'ended' })).toBe('All 1,500 keys of 3 nodes');
  });

  test('a list that failed is incomplete', () => {
    expect(describeProgress({ count: 1500, total: null, node, hidden: 0, state: 'failed' })).toBe(
      '1,500 loaded, there may be more, incomplete: the last page is from node 2 of 3 (10.0.0.2:7000)',
    );
    expect(describeProgress({ count: 100, total: 200, node: null, hidden: 0, state: 'failed' })).toBe(
      '100 of 200, incomplete',
    );
  });

  test('keys of edge-cache itself do not count, where they are not listed', () => {
    expect(describeProgress({ count: 100, total: 203, node: null, hidden: 3, state: 'idle' })).toBe('100 of 200');
  });

  test('a list of a single server names no node', () => {
    expect(describeProgress({ count: 100, total: 200, node: null, hidden: 0, state: 'idle' })).toBe('100 of 200');
    expect(describeProgress({ count: 1, total: 1, node: null, hidden: 0, state: 'ended' })).toBe('All 1 key');
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
    expect(formatTimeLeft({}, 600)).toBe('10m');
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

const collator = new Intl.Collator('en', { numeric: true });

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

  test('the pattern of a folder is exactly the beginning of its keys', () => {
    const folders = foldersOf([rowOf(' users:1'), rowOf('a*b:1')]);

    expect(folders.map(({ pattern }) => pattern).sort()).toEqual([' users:', 'a\\*b:']);
  });

  test('bytes and the text of their escape are two folders, and bytes have no pattern', () => {
    const bytes = rowOf('caf\\xe9:1', { keyBase64: 'Y2Fm6Tox' });
    const text = rowOf('caf\\\\xe9:1', { keyBase64: 'Y2FmXHhlOTox' });

    const folders = foldersOf([bytes, text]);

    expect(folders.map(({ pattern, isBytes }) => [pattern, isBytes])).toEqual([
      [null, true],
      ['caf\\\\xe9:', false],
    ]);
  });

  const details = Array.from({ length: 13 }, (_, n) => rowOf(`products:${n}:details`));
  const stock = Array.from({ length: 13 }, (_, n) => rowOf(`products:${n}:stock`, { sizeBytes: 1 }));

  test('many folders of ids are one, whose keys are shown with their whole names', () => {
    const root = treeOf([...details, ...stock, rowOf('products:popular:list')]);

    const folders = visibleBranches(root, new Set(['products:', 'products:\0\0:']));

    expect(root.folders.get('products')?.folders.get('\0\0')).toMatchObject({ pattern: 'products:*:', keys: 26 });
    expect(folders.filter(({ kind }) => kind === 'key').map((branch) => branch.kind === 'key' && branch.name)).toEqual(
      [...details, ...stock].map(({ key }) => key).sort(collator.compare),
    );
  });

  test('a few ids, and ids that are not grouped, have folders of their own', () => {
    expect(visibleBranches(treeOf(details.slice(0, 12)), new Set(['products:']))).toHaveLength(13);
    expect(visibleBranches(treeOf(details, false), new Set(['products:']))).toHaveLength(14);
  });

  test('folders are sorted by keys and by memory', () => {
    const root = treeOf([rowOf('a:1'), rowOf('b:1', { sizeBytes: 90 }), rowOf('c:1'), rowOf('c:2')]);
    const sorted = (by: 'name' | 'keys' | 'size') =>
      visibleBranches(root, new Set(), by).map((branch) => branch.kind === 'folder' && branch.folder.name);

    expect(sorted('name')).toEqual(['a', 'b', 'c']);
    expect(sorted('keys')).toEqual(['c', 'a', 'b']);
    expect(sorted('size')).toEqual(['b', 'c', 'a']);
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
  const branches = visibleBranches(treeOf(rows), new Set(['ns:', 'ns:\0\0:']));

  expect(sorted[0]?.sizeBytes).toBe(99_999);
  expect(branches).toHaveLength(1 + 1 + 100_000);
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

describe('the filter', () => {
  const EVERYTHING = { text: '', type: '', minSizeBytes: 0, withoutTtl: false, own: false };
  const FILTER = { text: 'users:*', type: 'hash', minSizeBytes: 10_240, withoutTtl: true, own: true };

  test('survives the address', () => {
    expect(filterInAddress(new URLSearchParams(addressOf(FILTER)))).toEqual(FILTER);
    expect(addressOf(EVERYTHING)).toEqual({});
    expect(filterInAddress(new URLSearchParams('minSize=-1&noTtl=yes'))).toEqual(EVERYTHING);
  });

  test('becomes a request, in which the search is a pattern', () => {
    expect(queryOf(FILTER)).toEqual({ pattern: 'users:*', type: 'hash', minSizeBytes: 10_240, withoutTtl: true });
    expect(queryOf({ ...EVERYTHING, text: 'us' })).toEqual({ pattern: '*us*' });
  });

  test('lists keys of edge-cache itself when they are searched for', () => {
    expect(hidesOwnKeys(EVERYTHING)).toBe(true);
    expect(hidesOwnKeys({ ...EVERYTHING, text: 'cache:tags:*' })).toBe(false);
    expect(hidesOwnKeys({ ...EVERYTHING, own: true })).toBe(false);
  });

  test('is put into words', () => {
    expect(describeConditions(FILTER)).toBe(' of type hash, of at least 10.0 KB, without a TTL');
    expect(describeConditions(EVERYTHING)).toBe('');
  });
});
