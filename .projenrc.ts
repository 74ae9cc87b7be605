import { cdk8s, javascript, typescript } from 'projen';

const AUTHORS = 'The cdk8s-istio-egress Authors';

const project = new cdk8s.ConstructLibraryCdk8s({
  name: 'cdk8s-istio-egress',
  description:
    'cdk8s constructs for traffic that leaves an Istio mesh: complete, secure manifests, proven on real Envoys',
  author: AUTHORS,
  authorAddress: 'authors@cdk8s-istio-egress.invalid', // projen demands one; removed below
  repositoryUrl: '', // there is none yet
  keywords: [
    'cdk8s',
    'istio',
    'egress',
    'egress-gateway',
    'tls-origination',
    'service-mesh',
    'constructs',
    'kubernetes',
  ],
  stability: 'experimental', // 0.x: see docs/versions.md
  license: 'Apache-2.0',
  copyrightOwner: AUTHORS,
  packageManager: javascript.NodePackageManager.NPM,
  defaultReleaseBranch: 'main',

  // The oldest supported cdk8s and constructs: tests run on them, users may bring newer ones.
  cdk8sVersion: '2.69.0',
  constructsVersion: '10.3.0',
  jsiiVersion: '~6.0.16',
  typescriptVersion: '~6.0.3',
  projenVersion: '~0.103.25',
  minNodeVersion: '20.19.0',
  devDeps: [
    '@marcbachmann/cel-js@^8.0.0',
    '@types/jest@^30',
    '@typescript-eslint/eslint-plugin@^8',
    '@typescript-eslint/parser@^8',
    'ajv@^8.20.0',
    'cdk8s-cli@^2.207.60',
    'cdk8s-plus-33@^2.4.0', // DirectEgress recognises its workloads without depending on it: tests only
    'esbuild@~0.28.0', // the version that tsx brings
    'eslint@^9',
    'fast-check@^4.10.2',
    'jest@^30',
    'tsx@^4.23.0',
  ],
  // The command line reads YAML with the number of the document and line; nothing that a construct needs loads it.
  bundledDeps: ['yaml@^2.9.1'],
  bin: { 'cdk8s-istio-egress': 'lib/src/explain/main.js' },
  publishToPypi: { distName: 'cdk8s-istio-egress', module: 'cdk8s_istio_egress' },
  publishToMaven: {
    mavenGroupId: 'io.github.cdk8s-istio-egress',
    mavenArtifactId: 'cdk8s-istio-egress',
    javaPackage: 'io.github.cdk8sistioegress',
  },
  publishToGo: { moduleName: 'github.com/cdk8s-istio-egress/cdk8s-istio-egress-go' },

  // The library is compiled from two top-level folders: src (ours) and imports (generated).
  entrypoint: 'lib/src/index.js',
  tsconfig: {
    compilerOptions: { rootDir: '.', inlineSourceMap: false, inlineSources: false, types: ['node'] },
    include: ['imports/**/*.ts'],
  },
  // Everything that is type-checked and linted, in one program (test/check.ts).
  tsconfigDev: {
    compilerOptions: {
      module: 'node20',
      allowJs: true,
      declaration: false,
      isolatedModules: false, // jsii has every type re-exported without `type`
      types: ['node', 'jest'],
      // Examples import the library by its name; here that name means src/, in a user's project the published package.
      paths: { 'cdk8s-istio-egress': ['../src/index.ts'] },
    },
    include: [...['src', 'examples', 'bench', 'crds'].map((folder) => `../${folder}/**/*.ts`), '../.projenrc.ts'],
  },

  projenrcTs: true,
  projenrcTsOptions: { projenCodeDir: '.projen' },
  runner: typescript.TypeScriptRunner.tsx(),
  sampleCode: false,

  // Nothing here talks to a forge.
  github: false,
  release: false,
  depsUpgrade: false,
  clobber: false,
  vscode: false,

  // Below, and in eslint.config.mjs.
  jest: false,
  eslint: false,
  gitignore: ['/examples/*/dist/', '/test/.tmp/', '/coverage/'],
});

// For tsx and editors, which take the nearest tsconfig.
new javascript.TypescriptConfig(project, {
  fileName: 'examples/tsconfig.json',
  extends: javascript.TypescriptConfigExtends.fromTypescriptConfigs([project.tsconfigDev]),
  include: ['**/*.ts'],
});

project.package.addField('jest', {
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/mesh/', '<rootDir>/test/package/'],
  globalSetup: '<rootDir>/test/temporary.js',
  globalTeardown: '<rootDir>/test/temporary-removed.js',
  transform: { '^.+\\.[tj]s$': '<rootDir>/test/transform.js' },
  transformIgnorePatterns: ['/node_modules/(?!@marcbachmann/cel-js/)'],
  moduleNameMapper: { '^cdk8s-istio-egress$': '<rootDir>/src/index.ts' },
  maxWorkers: '100%', // by default Jest leaves one core alone, which is half of two
  coverageProvider: 'v8',
  coveragePathIgnorePatterns: ['/node_modules/', '/imports/', '/test/', '/examples/'],
});
project.testTask.exec('tsx test/run.ts', { receiveArgs: true });
project.addTask('test:watch', { description: 'Run Jest in watch mode', exec: 'jest --watch', receiveArgs: true });
project.addTask('test:update', {
  description: 'Rewrite the inline snapshots',
  exec: 'jest --ci --updateSnapshot',
  receiveArgs: true,
});

// Prettier decides the layout of code; ESLint looks at what code means only.
const prettier = new javascript.Prettier(project, {
  settings: { printWidth: 120, singleQuote: true, trailingComma: javascript.TrailingComma.ALL },
});
prettier.addIgnorePattern('/imports/');
project.addTask('format', { description: 'Lay out all code', exec: "prettier --write --log-level=warn '**/*.ts'" });
project.addTask('eslint', { description: 'Lint alone', exec: 'eslint --max-warnings=0 .', receiveArgs: true });

project.tasks.addEnvironment('CDK8S_CHECK_UPGRADE', 'false');
project.tasks.addEnvironment('JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION', '20');

project.package.addVersion('0.1.0');
project.package.addField('type', 'commonjs');
for (const event of ['prepack', 'postpack']) project.package.setScript(event, `tsx test/trim-yaml.ts ${event}`);
project.package.addPackageResolutions('unrs-resolver@1.12.2');
project.package.addField('author', { name: AUTHORS, organization: true });
// jsii wants the field; there is no repository yet, so its URL is empty.
project.package.addField('repository', { type: 'git', url: '' });
project.package.addField('types', 'lib/src/index.d.ts');
project.package.addField('exports', {
  '.': { types: './lib/src/index.d.ts', default: './lib/src/index.js' },
  './explain': { types: './lib/src/explain/index.d.ts', default: './lib/src/explain/index.js' },
  './lint': { types: './lib/src/lint/index.d.ts', default: './lib/src/lint/index.js' },
  './imports/*': { types: './lib/imports/*.d.ts', default: './lib/imports/*.js' },
  './.jsii': './.jsii',
  './package.json': './package.json',
});
// For compilers that do not read `exports` (TypeScript's moduleResolution "node10").
project.package.addField('typesVersions', {
  '*': {
    explain: ['lib/src/explain/index.d.ts'],
    lint: ['lib/src/lint/index.d.ts'],
    'imports/*': ['lib/imports/*.d.ts'],
  },
});
// The docs and the examples are published: a page of them is the only help for somebody who has only the package.
// Their manifests are what `cdk8s synth` makes of them.
const unpublished = [
  'imports/',
  'crds/',
  'bench/',
  '.ci/',
  'coverage/',
  'examples/*.ts',
  'examples/*/dist/',
  'examples/*/manifests/',
];
unpublished.push('cdk8s.yaml', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'eslint.config.mjs');
project.npmignore?.addPatterns(...unpublished.map((name) => `/${name}`));

// Without `go build`: the Go module of cdk8s has to be had for it, which test/package/go.ts does without.
project.tasks.tryFind('package:go')?.reset('jsii-pacmak -v --target go --code-only');

// What an earlier build has left would be published too.
project.preCompileTask.exec('node -e "fs.rmSync(\'lib\',{recursive:true,force:true})"');
project.tasks.tryFind('docgen')?.exec('tsx test/trim-api.ts');
project.postCompileTask.exec('tsx test/trim-lib.ts');
project.postCompileTask.exec('tsx test/join-lib.ts');
project.addTask('crds', {
  description: 'Renew crds/istio.yaml from the pinned istio.io/api (needs Go)',
  exec: 'tsx crds/renew.ts',
});
project.addTask('import', { description: 'Regenerate imports/ from crds/istio.yaml', exec: 'cdk8s import' });
project.addTask('demo', {
  description: 'Synthesise every example and show its access table',
  exec: 'tsx examples/demo.ts',
  receiveArgs: true,
});
project.addTask('examples:update', {
  description: 'Rewrite the golden manifests of the examples',
  exec: 'tsx examples/update.ts',
});
project.addTask('docs:update', {
  description: 'Rewrite the pages of docs/ that are made from code',
  exec: 'tsx test/write-docs.ts',
});
project.addTask('bench', {
  description: 'Synth cost, as ratios in one run',
  exec: 'tsx bench/synth.ts',
  receiveArgs: true,
});
project.addTask('bench:explain', {
  description: 'How fast requests are explained',
  exec: 'tsx bench/explain.ts',
  receiveArgs: true,
});
project.addTask('bench:lint', {
  description: 'What lint costs beyond reading',
  exec: 'tsx bench/lint.ts',
  receiveArgs: true,
});
project.addTask('usefulness', {
  description: 'How often requests are determined without an access table, and why they are not',
  exec: 'tsx test/usefulness.ts',
  receiveArgs: true,
});
project.addTask('mutants', {
  description: 'How well access tables and rules pin the manifests of the examples',
  exec: 'tsx test/mutants.ts',
  receiveArgs: true,
});
project.addTask('bench:mesh', {
  description: 'Cost of the objects in istiod and Envoy (needs the mesh lab)',
  exec: 'tsx test/mesh/bench/main.ts',
  receiveArgs: true,
});
project.addTask('test:mesh', {
  description: 'Send every access table through a real istiod and real Envoys',
  exec: 'tsx test/mesh/main.ts',
  receiveArgs: true,
});
project.addTask('mesh', {
  description: "The same for anybody's manifests: npm run mesh -- <manifests> <access.yaml>",
  exec: 'tsx test/mesh/judge.ts',
  receiveArgs: true,
});

project.removeTask('compat');
project.deps.removeDependency('jsii-diff');

project.synth();
