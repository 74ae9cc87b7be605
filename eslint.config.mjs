/** Rules about what code means. Its layout is Prettier's. `npm test` lints and checks types over one program (test/check.ts). */
import { readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import plugin from '@typescript-eslint/eslint-plugin';
import parser from '@typescript-eslint/parser';

const { name, dependencies, peerDependencies, devDependencies } = JSON.parse(
  readFileSync(new URL('package.json', import.meta.url), 'utf8'),
);

/** Modules of this package, of Node, and of the packages that package.json names. */
const onlyFrom = (packages) => [
  'error',
  {
    patterns: [
      {
        regex: `^(?!\\.{1,2}/|(node:)?(${[...builtinModules, ...packages].join('|')})(/|$))`,
        message: 'package.json does not list it for this code.',
      },
    ],
  },
];
const published = [...Object.keys(dependencies), ...Object.keys(peerDependencies)];

export default [
  { ignores: ['imports/', 'lib/', 'dist/', 'coverage/', '**/*.js', '**/*.d.ts', '**/.tmp/'] },
  {
    files: ['**/*.ts'],
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    languageOptions: {
      parser,
      parserOptions: { project: 'test/tsconfig.json', tsconfigRootDir: import.meta.dirname },
    },
    plugins: { '@typescript-eslint': plugin },
    rules: {
      'dot-notation': 'error',
      'no-bitwise': 'error',
      'no-control-regex': 'error',
      'no-duplicate-imports': 'error',
      'no-restricted-imports': onlyFrom([name, ...published, ...Object.keys(devDependencies)]),
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-require-imports': 'error',
      '@typescript-eslint/no-shadow': 'error',
      '@typescript-eslint/return-await': 'error',
      '@typescript-eslint/member-ordering': [
        'error',
        {
          default: [
            'public-static-field',
            'public-static-method',
            'protected-static-field',
            'protected-static-method',
            'private-static-field',
            'private-static-method',
            'field',
            'constructor',
            'method',
          ],
        },
      ],
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'no-restricted-imports': onlyFrom(published),
      // Foreign JSON is `unknown`, or a `Manifest`, until somebody says what is read of it.
      '@typescript-eslint/no-explicit-any': 'error',
      // The rules are loaded when they first run (src/emission/validation.ts), the guard's recipe with the first guard,
      // and lint with the plugin, in the form that bundlers understand.
      '@typescript-eslint/no-require-imports': [
        'error',
        { allow: ['^\\.\\./(rules|recipes/guard|cli/printable)$', '^\\./(lint-files|report)$'] },
      ],
    },
  },
  {
    // The only places where `any` is allowed: jsii has no other type for a class of another package.
    files: ['src/lint/plugin.ts'],
    rules: { '@typescript-eslint/no-explicit-any': 'off' },
  },
];
