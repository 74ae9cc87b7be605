/** Turns TypeScript, and the one dependency that has ES modules only, into what Jest runs. Types are tsc's business. */
const { createHash } = require('crypto');
const { readFileSync } = require('fs');
const { transformSync, version } = require('esbuild');

const SELF = version + readFileSync(__filename, 'utf8');

module.exports = {
  getCacheKey: (source, file) => createHash('sha256').update(SELF).update(file).update(source).digest('hex'),
  process: (source, file) =>
    transformSync(source, {
      loader: file.endsWith('.ts') ? 'ts' : 'js',
      format: 'cjs',
      target: 'node20.19',
      sourcefile: file,
      sourcemap: 'external',
      sourcesContent: false,
      tsconfigRaw: { compilerOptions: { experimentalDecorators: true } },
    }),
};
