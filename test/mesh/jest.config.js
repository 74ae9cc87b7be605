/**
 * The suites of the mesh: two files at a time, each with one lab and one test after the other. A lab mostly waits, so
 * two share two cores; their networks do not meet. A failed test is not retried: a row must hold every time. Only a test
 * that hangs reaches its time limit, however busy the machine is.
 */
module.exports = {
  rootDir: '../..',
  testMatch: ['<rootDir>/test/mesh/suites/*.mesh.test.ts'],
  maxWorkers: 2,
  testTimeout: 900000,
  verbose: true,
  globalSetup: '<rootDir>/test/mesh/global-setup.ts',
  globalTeardown: '<rootDir>/test/mesh/global-teardown.ts',
  testSequencer: '<rootDir>/test/mesh/sequencer.js',
  transform: { '^.+\\.[tj]s$': '<rootDir>/test/transform.js' },
  transformIgnorePatterns: ['/node_modules/(?!@marcbachmann/cel-js/)'],
  moduleNameMapper: { '^cdk8s-istio-egress$': '<rootDir>/src/index.ts' },
};
