/** One folder for everything that tests write beside the project: what they, and cdk8s, make with os.tmpdir(). */
const fs = require('fs');
const os = require('os');
const path = require('path');

const NAME = 'cdk8s-istio-egress-test-';

/** Before the first test. Workers and what they run inherit it. */
module.exports = function setUp() {
  process.env.TMPDIR = fs.mkdtempSync(path.join(os.tmpdir(), NAME));
};

/** After the last one. */
module.exports.remove = function remove() {
  if (path.basename(os.tmpdir()).startsWith(NAME)) fs.rmSync(os.tmpdir(), { recursive: true, force: true });
};
