/** One folder for everything that tests write beside the project: what they, and cdk8s, make with os.tmpdir(). */
const fs = require('fs');
const os = require('os');
const path = require('path');

let before;

/** Before the first test. Workers and what they run inherit it. */
module.exports = function setUp() {
  before = process.env.TMPDIR;
  process.env.TMPDIR = fs.mkdtempSync(path.join(os.tmpdir(), 'cdk8s-istio-egress-test-'));
};

/** After the last one. */
module.exports.remove = function remove() {
  fs.rmSync(process.env.TMPDIR, { recursive: true, force: true });
  if (before === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = before;
};
