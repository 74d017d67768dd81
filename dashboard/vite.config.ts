// Builds the app into dist/: index.html, assets with hashed names, and the compressed forms of each file.
import { defineConfig } from 'vitest/config';
import { precompress } from './precompress.ts';

const application = process.env['EDGE_CACHE'] ?? 'http://127.0.0.1:3000';

export default defineConfig({
  base: '/admin/',
  plugins: [precompress()],
  build: {
    // The first versions with `light-dark()`, which the styles use.
    target: ['chrome123', 'firefox120', 'safari17.5'],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  // `npm run dev` serves the page; the application, started with scripts/up, serves the API.
  server: { proxy: { '/api': application } },
  preview: { proxy: { '/api': application } },
  // Files share a worker, which is several times faster: the unit tests leave no state behind.
  test: { include: ['tests/**/*.test.ts'], isolate: false },
});
