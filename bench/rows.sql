-- The rows of bench/warmup, for both SQLite and PostgreSQL.
CREATE TABLE IF NOT EXISTS bench_rows AS
WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < 100000)
SELECT id, 'SKU-' || (id * 7919) AS sku, 'Product number ' || id || ' of the benchmark' AS name,
       'Maker ' || (id % 97) AS maker, id * 37 % 100000 AS price_cents, id % 500 AS stock, 'category-' || (id % 200) AS category
FROM n;
