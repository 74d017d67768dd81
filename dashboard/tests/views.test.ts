import { afterEach, describe, expect, test } from 'vitest';
import type { AuditRecord, KeyDetail } from '../src/api/types';
import { Problem, problemOf } from '../src/api/problem';
import { readRoute } from '../src/state/route';
import { lacks, learnFrom, rejected, rejection, role, signIn, signOut, token, who } from '../src/state/session';
import { asksForDev } from '../src/state/settings';
import { matches } from '../src/views/audit/trail';
import { describe as say, incomplete, isGlobal, lines, needed } from '../src/views/clear/plan';
import { companionOf, freshness, storage } from '../src/views/dev/library';
import { left, nextOrder, sorted } from '../src/views/keys/order';
import { step } from '../src/views/keys/step';
import { treeOf, visible } from '../src/views/keys/tree';
import type { Row } from '../src/views/keys/walk';
import { unwrap } from '../src/views/warmup/store';

const answer = (headers: Record<string, string> = {}) => new Response(null, { headers });

describe('the session', () => {
  afterEach(signOut);

  test('a role is learnt from an answer, and says what it may not', () => {
    signIn(' secret ');
    expect([token.value, lacks('admin')]).toEqual(['secret', '']);
    learnFrom(answer({ 'x-caller': 'monitoring', 'x-caller-role': 'viewer' }));
    expect([who.value, role.value, lacks('viewer')]).toEqual(['monitoring', 'viewer', '']);
    expect(lacks('admin')).toBe('Needs the role admin; your token has viewer.');
  });

  test('a role is learnt from a refusal where no header tells', () => {
    learnFrom(answer(), 'this needs the role admin, the token of support has operator');
    expect([who.value, role.value, lacks('operator'), lacks('admin') === '']).toEqual([
      'support',
      'operator',
      '',
      false,
    ]);
  });

  test('a late answer to an older token signs nobody out', () => {
    signIn('old');
    signIn('new');
    rejected('old', 'this token is not known');
    expect([token.value, rejection.value]).toEqual(['new', '']);
    rejected('new', 'this token is not known');
    expect([token.value, rejection.value]).toEqual(['', 'this token is not known']);
  });
});

describe('problems', () => {
  test('the words of the application are kept', async () => {
    const body = {
      type: 'urn:edge-cache:problem:redis-timeout',
      detail: 'Redis did not answer in time',
      requestId: 'r1',
      keysDeleted: 47,
    };
    const problem = await problemOf(new Response(JSON.stringify(body), { status: 503 }));
    expect(problem).toMatchObject({
      status: 503,
      message: 'Redis did not answer in time',
      redisDown: true,
      keysDeleted: 47,
      requestId: 'r1',
    });
  });

  test('an answer of something else in between is told by its status', async () => {
    const problem = await problemOf(new Response('<h1>Bad gateway</h1>', { status: 502, statusText: 'Bad Gateway' }));
    expect([problem.message, problem.redisDown]).toEqual(['The application answered 502 Bad Gateway', false]);
  });

  test('an application without the path is older than the page', () =>
    expect(new Problem(404, 'x').unsupported).toBe(true));
});

describe('addresses', () => {
  test('an unknown view is the overview', () =>
    expect([readRoute('').view, readRoute('#/nothing').view]).toEqual(['overview', 'overview']));
  test('a view has its own query', () =>
    expect(readRoute('#/keys?pattern=users%3A*').query.get('pattern')).toBe('users:*'));
  test.each([
    ['?dev', true],
    ['?dev=1', true],
    ['?dev=0', false],
    ['', false],
  ])('%j shows the tools: %j', (search, shown) => expect(asksForDev(search)).toBe(shown));
});

describe('what is to be cleared', () => {
  test('lines are trimmed, and each is meant once', () => expect(lines(' a \n\nb\r\na')).toEqual(['a', 'b']));
  test('a pattern that matches everything takes an administrator', () => {
    expect(needed({ by: 'pattern', text: '*' })).toBe('admin');
    expect(needed({ by: 'pattern', text: 'users:*' })).toBe('operator');
    expect(needed({ by: 'tags', text: '*' })).toBe('operator');
  });
  test('what edge-cache keeps takes an administrator', () => {
    expect(needed({ by: 'pattern', text: 'cache:t*' })).toBe('admin');
    expect(needed({ by: 'keys', text: 'users:1\nlock:{users:1}' })).toBe('admin');
    expect(needed({ by: 'keys', text: 'users:1\ncached:1' })).toBe('operator');
    expect(needed({ by: 'tags', text: 'cache:t' })).toBe('operator');
  });
  test('a global clear is known as one', () => {
    expect([isGlobal({ by: 'everything', text: '' }), isGlobal({ by: 'tags', text: '*' })]).toEqual([true, false]);
  });
  test('nothing typed is told, not sent', () => {
    expect(incomplete({ by: 'keys', text: ' \n' })).toBe('Type at least one key.');
    expect(incomplete({ by: 'everything', text: '' })).toBe('');
  });
  test('long lists are cut in words', () =>
    expect(say({ by: 'tags', text: 'a\nb\nc\nd' })).toBe('tags a, b, c, … (4)'));
});

const row = (key: string, changes: Partial<Row> = {}): Row =>
  ({ key, path: key, type: 'string', ttl: 60, size: null, sizeBytes: 10, seenAt: 0, ...changes }) as Row;

describe('the key browser', () => {
  test('what never expires comes after all else', () => {
    const rows = [row('never', { ttl: -1 }), row('late', { ttl: 90 }), row('soon', { ttl: 5 })];
    expect(sorted(rows, { by: 'ttl', down: false }).map((r) => r.key)).toEqual(['soon', 'late', 'never']);
    expect(sorted(rows, { by: null, down: false })).toBe(rows);
  });

  test('a time to live counts from when it was read', () => {
    expect([left(60, 1000, 11_000), left(5, 0, 60_000), left(-1, 0, 60_000)]).toEqual([50, 0, -1]);
  });

  test('a third click on a column undoes its sorting', () => {
    let order = nextOrder({ by: null, down: false }, 'size');
    expect(order).toEqual({ by: 'size', down: true });
    order = nextOrder(order, 'size');
    expect(nextOrder(order, 'size')).toEqual({ by: null, down: false });
  });

  test('the tree counts what is below, and shows what is open', () => {
    const root = treeOf([
      row('users:10'),
      row('users:9'),
      row('users:9:profile', { sizeBytes: 5 }),
      row('plain'),
      row('a::b'),
    ]);
    const shown = visible(root, new Set(['users:', 'a:']));
    expect(
      shown.map((branch) =>
        branch.kind === 'folder'
          ? `${branch.depth} ${branch.folder.prefix} ${branch.folder.keys}`
          : `${branch.depth} ${branch.name}`,
      ),
    ).toEqual(['0 a: 1', '1 a:: 1', '0 users: 3', '1 users:9: 1', '1 9', '1 10', '0 plain']);
    expect(root.folders.get('users')?.bytes).toBe(25);
  });

  test('keys of the keyboard stay within the list', () => {
    expect([step('ArrowDown', 9, 10), step('PageUp', 3, 10), step('End', 0, 10), step('x', 0, 10)]).toEqual([
      9,
      0,
      9,
      null,
    ]);
  });

  test('100,000 keys are sorted and put into a tree', () => {
    const rows = Array.from({ length: 100_000 }, (_, n) => row(`ns:${n % 100}:${n}`, { sizeBytes: n }));
    expect(sorted(rows, { by: 'size', down: true })[0]?.sizeBytes).toBe(99_999);
    expect(visible(treeOf(rows), new Set(['ns:', 'ns:7:'])).length).toBe(1 + 100 + 1000);
  });
});

describe('a key as the library sees it', () => {
  const detail = (changes: Partial<KeyDetail>): KeyDetail =>
    ({ type: 'string', truncated: false, length: 10, value: null, valueFormat: 'json', ...changes }) as KeyDetail;
  const meta = (fields: Record<string, string>) =>
    detail({
      type: 'hash',
      valueFormat: 'elements',
      value: Object.entries(fields).map(([field, value]) => ({ field, value })),
    });

  test('past its TTL and within its grace it is in grace', () => {
    const companion = companionOf(meta({ life: '900000', grace: '300000', load: '12', chunks: '' }));
    expect(companion).toEqual({ life: 900_000, grace: 300_000, load: 12, chunks: 0 });
    expect(freshness(800, companion, 0)).toEqual({ state: 'fresh', age: 100, freshLeft: 500, graceLeft: 300 });
    expect(freshness(800, companion, 600)).toEqual({ state: 'in grace', age: 700, freshLeft: 0, graceLeft: 200 });
    expect(freshness(800, companion, 800).state).toBe('expired');
  });

  test('of a key that was only tagged no age is known', () => {
    expect(companionOf(meta({ tags: 'a' }))).toBeNull();
    expect(freshness(60, null, 0)).toEqual({ state: 'unknown', age: null, freshLeft: null, graceLeft: null });
  });

  test('a value that is longer than what is stored is compressed', () => {
    expect(storage(detail({ truncated: true, length: 2000 }), null)).toBe('compressed (LZ4)');
    expect(storage(detail({}), null)).toBe('plain, not compressed');
    expect(storage(detail({ truncated: true, length: 60 }), { life: 1, grace: 0, load: 0, chunks: 3 })).toBe(
      'in 3 chunks',
    );
  });
});

test('the trail is filtered by part of a name and by action', () => {
  const record = { who: 'Deploy', action: 'clear' } as AuditRecord;
  expect([
    matches(record, 'dep', ''),
    matches(record, '', 'warmup'),
    matches(record, ' DEPLOY ', 'clear'),
    matches(record, 'x', ''),
  ]).toEqual([true, false, true, false]);
});

test('an event of a warmup is its state, or the whole answer', () => {
  expect(unwrap('{"state":"running"}')).toEqual({ state: 'running' });
  expect(unwrap('{"success":true,"data":{"state":"done"}}')).toEqual({ state: 'done' });
  expect(unwrap('{"success":true,"data":null}')).toBeNull();
});
