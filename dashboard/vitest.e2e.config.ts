// Configures the end-to-end tests, which drive the built application in a browser. One file for each view.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['e2e/**/*.test.ts'],
    // Each file starts an application and a browser. The first start also compiles the components.
    fileParallelism: false,
    testTimeout: 90_000,
    hookTimeout: 240_000,
  },
});
