import { expect, test } from 'vitest';
import { parseState } from '../../src/views/warmup/store';

test('an event carries the state of a warmup', () => {
  expect(parseState('{"state":"running"}')).toEqual({ state: 'running' });
});

test('an event may carry the whole answer', () => {
  expect(parseState('{"success":true,"data":{"state":"done"}}')).toEqual({ state: 'done' });
  expect(parseState('{"success":true,"data":null}')).toBeNull();
});
