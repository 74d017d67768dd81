import { afterEach, describe, expect, test } from 'vitest';
import {
  callerName,
  learnCaller,
  missingRole,
  rejection,
  rejectToken,
  rememberedToken,
  role,
  signIn,
  signOut,
  token,
} from '../../src/api/session';

const answerTo = (caller: string, callerRole: string): Response =>
  new Response(null, { headers: { 'x-caller': caller, 'x-caller-role': callerRole } });

afterEach(signOut);

describe('the role', () => {
  test('no role is missing while it is unknown', () => {
    signIn(' secret ');

    expect(token.value).toBe('secret');
    expect(missingRole('admin')).toBe('');
  });

  test('an answer reports name and role', () => {
    learnCaller(answerTo('monitoring', 'viewer'));

    expect(callerName.value).toBe('monitoring');
    expect(role.value).toBe('viewer');
  });

  test('a role that is too low is named', () => {
    learnCaller(answerTo('monitoring', 'viewer'));

    expect(missingRole('viewer')).toBe('');
    expect(missingRole('admin')).toBe('Requires the admin role; your token has the viewer role.');
  });
});

describe('a rejected token', () => {
  test('signs out with the reason', () => {
    signIn('new');

    rejectToken('new', 'this token is not known');

    expect(token.value).toBe('');
    expect(rejection.value).toBe('this token is not known');
  });

  test('does not sign out when it is no longer the current one', () => {
    signIn('old');
    signIn('new');

    rejectToken('old', 'this token is not known');

    expect(token.value).toBe('new');
    expect(rejection.value).toBe('');
  });
});

describe('a remembered token', () => {
  const stored = JSON.stringify({ token: 'secret', until: 1000 });

  test('lasts until its time', () => {
    expect(rememberedToken(stored, 999)).toBe('secret');
    expect(rememberedToken(stored, 1000)).toBe('');
  });

  test.each([null, '{}', '{"token":1,"until":2000}'])('%j is none', (text) =>
    expect(rememberedToken(text, 0)).toBe(''),
  );
});
