-- A shop with twenty times the products and users of the sample catalogue, for bench/catalog.
WITH RECURSIVE copy(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM copy WHERE n < 19)
INSERT OR IGNORE INTO products
SELECT id + n * 1000000, sku || '-' || n, name, maker, category_id, vehicle_model_id, price_cents, stock, sales_count,
       is_active, created_at, updated_at
FROM products, copy;
WITH RECURSIVE copy(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM copy WHERE n < 19)
INSERT OR IGNORE INTO users
SELECT id + n * 1000000, n || '-' || email, name, role, is_active, order_count, spent_cents, created_at, last_login_at
FROM users, copy;
