// Configures the script that makes docs/screenshots anew, with the built application in a browser.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { include: ['e2e/screenshots.ts'], testTimeout: 400_000, hookTimeout: 240_000 },
});
