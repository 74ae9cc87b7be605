const path = require('path');
const Sequencer = require('@jest/test-sequencer').default;

/** The suites that take longest, longest first: one that starts last would run while the other worker is idle. */
const LONGEST = [
  'foreign-objects',
  'fail-closed',
  'revocation',
  'open-connections',
  'client-certificates',
  'rollout-tools',
  'rollout',
  'examples',
  'at-the-gateway',
];

/** The long suites first, then the others by name, whatever took how long last time. */
module.exports = class extends Sequencer {
  sort(tests) {
    const rank = (test) => {
      const name = path.basename(test.path, '.mesh.test.ts');
      return LONGEST.includes(name) ? `0${String(LONGEST.indexOf(name)).padStart(2, '0')}` : `1${name}`;
    };
    return [...tests].sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
  }
};
