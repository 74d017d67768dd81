// A small, believable cache.
import type { App } from './app.ts';

/** Empties the cache and fills it again, for tests that change it. */
export function refill(app: App): void {
  app.redis('FLUSHALL');
  sample(app);
}

export function sample(app: App): void {
  const lines: string[] = [];
  for (let n = 1; n <= 200; n += 1) {
    lines.push(
      `SET users:${n}:profile '{"id":${n},"name":"User ${n}","roles":["reader"],"active":true,"last":null}' EX ${1800 + n}`,
    );
    lines.push(`SADD cache:tags:user-data users:${n}:profile`);
  }
  for (let n = 1; n <= 120; n += 1)
    lines.push(
      `HSET products:${n}:details id ${n} price ${n * 7}.90 stock ${n % 40}`,
      `EXPIRE products:${n}:details ${600 + n}`,
    );
  for (let n = 1; n <= 250; n += 1) lines.push(`ZADD products:bestsellers ${n} prod:${n}`);
  for (let n = 1; n <= 30; n += 1) lines.push(`RPUSH vehicles:brand:${n}:models a b c d`);
  lines.push(
    'SET config:main:all "plain text"',
    'XADD orders:recent * order 1001 state paid',
    'PFADD dashboard:visitors a b c',
  );
  lines.push('SADD tags:colours red green blue', 'HSET cache:meta:{users:1:profile} tags user-data');
  for (let n = 1; n <= 1500; n += 1) lines.push(`GET users:${(n % 240) + 1}:profile`);
  app.feed(lines.join('\n'));
}
