// Sample data for the tests.
import type { App } from './app.ts';
import { withTrailer } from './trailer.ts';

const USERS = 200;
const PRODUCTS = 120;
const BESTSELLERS = 250;
const BRANDS = 30;
const LOOKUPS = 1500;

/** Empties the cache and fills it again. */
export function refill(app: App): void {
  app.redis('FLUSHALL');
  fill(app);
}

export function fill(app: App): void {
  const commands = [
    ...repeat(USERS, (n) => [
      `SET users:${n}:profile '${profile(n)}' EX ${1800 + n}`,
      `SADD cache:tags:user-data users:${n}:profile`,
    ]),
    ...repeat(PRODUCTS, (n) => [
      `HSET products:${n}:details id ${n} price ${n * 7}.90 stock ${n % 40}`,
      `EXPIRE products:${n}:details ${600 + n}`,
    ]),
    ...repeat(BESTSELLERS, (n) => [`ZADD products:bestsellers ${n} prod:${n}`]),
    ...repeat(BRANDS, (n) => [`RPUSH vehicles:brand:${n}:models a b c d`]),
    'SET config:main:all "plain text"',
    'XADD orders:recent * order 1001 state paid',
    'PFADD dashboard:visitors a b c',
    'SADD tags:colours red green blue',
    // Five in six find a user, which gives the hit rate.
    ...repeat(LOOKUPS, (n) => [`GET users:${(n % 240) + 1}:profile`]),
  ];
  app.redisAll(commands.join('\n'));

  const facts = { storedAt: Date.now(), freshFor: 1_801_000, grace: 0, loadTime: 12, tags: ['user-data'] };
  app.redis('SET', 'users:1:profile', withTrailer(profile(1), facts), 'EX', 1801);
}

const profile = (n: number) => `{"id":${n},"name":"User ${n}","roles":["reader"],"active":true,"last":null}`;

function repeat(times: number, commands: (n: number) => string[]): string[] {
  return Array.from({ length: times }, (_, index) => commands(index + 1)).flat();
}
