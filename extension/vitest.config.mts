import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    environment: 'jsdom',
    include: ['test/**/*.spec.{ts,tsx}'],
    setupFiles: ['test/setup.ts'],
    restoreMocks: true,
    // JupyterLab's packages are written for a bundler: they import style sheets and leave out file endings.
    server: { deps: { inline: [/@jupyterlab\//, /@jupyter\//, /@lumino\//, /@rjsf\//] } }
  }
});
