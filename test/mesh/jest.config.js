/**
 * The suites of the mesh. One lab at a time and one test after the other: they measure who answers whom, and share two cores.
 * Nothing is tried again: a row that holds sometimes does not hold.
 */
module.exports = {
  rootDir: '../..',
  testMatch: ['<rootDir>/test/mesh/suites/*.mesh.test.ts'],
  maxWorkers: 1,
  testTimeout: 120000,
  verbose: true,
  globalSetup: '<rootDir>/test/mesh/global-setup.ts',
  globalTeardown: '<rootDir>/test/mesh/global-teardown.ts',
  testSequencer: '<rootDir>/test/mesh/sequencer.js',
  transform: { '^.+\\.[tj]s$': '<rootDir>/test/transform.js' },
  transformIgnorePatterns: ['/node_modules/(?!@marcbachmann/cel-js/)'],
  moduleNameMapper: { '^cdk8s-istio-egress$': '<rootDir>/src/index.ts' },
};
