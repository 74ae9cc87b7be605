const path = require('path');
const Sequencer = require('@jest/test-sequencer').default;

/** The examples first, then the other suites by name, whatever took how long last time. */
module.exports = class extends Sequencer {
  sort(tests) {
    const rank = test => (path.basename(test.path).startsWith('examples.') ? '0' : '1') + test.path;
    return [...tests].sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
  }
};
