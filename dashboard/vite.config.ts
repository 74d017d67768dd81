// Builds the app into dist/, everything but index.html under a hashed name, and beside each file its compressed forms.
import { defineConfig } from 'vitest/config';
import { precompress } from './precompress.ts';

const application = process.env['EDGE_CACHE'] ?? 'http://127.0.0.1:3000';

export default defineConfig({
  base: '/admin/',
  plugins: [precompress()],
  build: {
    // What `light-dark()` in the styles needs anyway.
    target: ['chrome123', 'firefox120', 'safari17.5'],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  // `npx vite` while writing: the API comes from an application started with scripts/up.
  server: { proxy: { '/api': application } },
  preview: { proxy: { '/api': application } },
  test: { include: ['tests/**/*.test.ts'] },
});
