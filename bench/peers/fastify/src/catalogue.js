// The sample catalogue in SQLite, in this process' memory.
import { readFileSync } from 'node:fs';
import Database from 'better-sqlite3';

const SEARCH = `
  SELECT id, name, maker, price_cents AS priceCents FROM products
  WHERE is_active = 1 AND instr(lower(name || ' ' || maker || ' ' || sku), lower(?)) > 0
  ORDER BY sales_count DESC, id LIMIT 50`;
const ROWS = 'SELECT id, sku, name, maker, price_cents AS priceCents, stock, category FROM bench_rows ORDER BY id';
const SLICE = 1000;

export function openCatalogue(file) {
  const database = new Database(':memory:');
  database.exec(readFileSync(file, 'utf8'));
  const search = database.prepare(SEARCH);
  return { search: (words) => search.all(words), warmUp: (redis) => warmUp(database, redis) };
}

// One key for each row, a thousand in each write.
async function warmUp(database, redis) {
  let written = 0;
  let pipeline = redis.pipeline();
  for (const row of database.prepare(ROWS).iterate()) {
    pipeline.set(`rows:${row.id}`, JSON.stringify(row), 'EX', 3600);
    if (pipeline.length === SLICE) {
      await pipeline.exec();
      written += SLICE;
      pipeline = redis.pipeline();
    }
  }
  written += pipeline.length;
  await pipeline.exec();
  return written;
}
