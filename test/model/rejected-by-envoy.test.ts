/** What admission takes, and Envoy or whoever comes next refuses: the mesh's answers are those of test/model/recorded. */
import { ask, ENTRY, istioObject } from './support';

const OTHER = ENTRY.replace('name: site', 'name: other').replace('[site.', '[other.');
const TO_SITE = 'route: [{ destination: { host: site.example.com, port: { number: 80 } } }]';
const rule = (changes: string) =>
  istioObject('VirtualService', 'more', 'shop', `{ hosts: [site.example.com], http: [{ ${changes} }] }`);
const policy = (settings: string) =>
  istioObject('DestinationRule', 'more', 'shop', `{ host: site.example.com, trafficPolicy: { ${settings} } }`);
const asked = (objects: string, host = 'site') =>
  ask(`---${ENTRY}---${OTHER}${objects}`, 'shop/cart', `http://${host}.example.com/`);
const undetermined = (reason: RegExp) => ({ outcome: 'undetermined', reason: expect.stringMatching(reason) });

const setting = (value: string) => `${TO_SITE}, headers: { request: { set: { x-a: ${JSON.stringify(value)} } } }`;

describe('a rule that Envoy rejects', () => {
  test.each([
    ['directResponse: { status: 600 }', /600 is not a status/],
    [`${TO_SITE}, fault: { abort: { httpStatus: 600, percentage: { value: 1 } } }`, /600 is not a status/],
    [`${TO_SITE}, rewrite: { uri: "/a\\nb" }`, /end of a line/],
    [`${TO_SITE}, rewrite: { authority: "a\\nb" }`, /end of a line/],
    ['redirect: { uri: "/a\\nb" }', /end of a line/],
    [
      `match: [{ queryParams: { "": { exact: "1" } } }, { uri: { prefix: / } }], ${TO_SITE}`,
      /parameter without a name/,
    ],
    [setting('%NO_SUCH%'), /%NO_SUCH%/],
    [setting('%PROTOCOL(a)%'), /unknown whether Envoy/],
    [setting('%REQ(a?b?c)%'), /unknown whether Envoy/],
    [setting('% %'), /unknown whether Envoy/],
    [setting('%START_TIME(%n)%'), /unknown whether Envoy/],
    [`${TO_SITE}, headers: { response: { add: { x-a: "%NO_SUCH%" } } }`, /%NO_SUCH%/],
    [
      'route: [{ destination: { host: site.example.com }, headers: { request: { set: { x-a: "%NO_SUCH%" } } } }]',
      /%NO_SUCH%/,
    ],
    [
      `route: [${[1, 2, 3].map(() => '{ weight: 2147483647, destination: { host: site.example.com } }').join(', ')}]`,
      /weights make more than 4294967295/,
    ],
  ])('leaves all hosts of its port undetermined: %s', (changes, reason) => {
    for (const host of ['site', 'other']) expect(asked(rule(changes), host)).toMatchObject(undetermined(reason));
  });

  test.each([
    '100%%',
    '%REQ(x-user)%',
    '%REQ(:path?x-path)% %%REQ(x)%%',
    '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% %PROTOCOL%',
    '%START_TIME(%Y-%m-%dT%H:%M:%S.%3fZ)%',
    '%DOWNSTREAM_PEER_URI_SAN% %UPSTREAM_HOST%',
    '%DYNAMIC_METADATA(istio)%',
  ])('is not one with the value %s', (value) => {
    expect(asked(rule(setting(value)))).toMatchObject({ outcome: 'answered' });
  });
});

test.each([
  ['rewrite: { uri: nothing }', /path to "nothing"/],
  ['rewrite: { uri: "/a b" }', /path to "\/a b"/],
  ['rewrite: { uriRegexRewrite: { match: ^/, rewrite: /é } }', /path to "\/é"/],
  ['rewrite: { authority: a b }', /authority to "a b"/],
  ['headers: { request: { set: { Host: a b } } }', /authority to "a b"/],
  ['headers: { request: { set: { x a: "1" } } }', /the header "x a"/],
  ['headers: { request: { add: { "x(a)": "1" } } }', /the header "x\(a\)"/],
])('a request that nobody needs to take, made by %s', (changes, reason) => {
  expect(asked(rule(`${TO_SITE}, ${changes}`))).toMatchObject(undetermined(reason));
  expect(asked(rule(`${TO_SITE}, ${changes}`), 'other')).toMatchObject({ outcome: 'answered' });
});

test('the name of a header that a route removes or sets to nothing need not be one', () => {
  const changes = 'headers: { request: { remove: [x a], set: { x b: "" } } }';
  expect(asked(rule(`${TO_SITE}, ${changes}`))).toMatchObject({ outcome: 'answered' });
});

test.each([
  ['loadBalancer: { consistentHash: { httpHeaderName: x, ringHash: { minimumRingSize: 9000000 } } }', /ring of hashes/],
  ['loadBalancer: { consistentHash: { httpHeaderName: x, minimumRingSize: 9000000 } }', /ring of hashes/],
  ['loadBalancer: { consistentHash: { httpCookie: { name: c, ttl: 1s, path: "/\\na" } } }', /cookie .* end of a line/],
])('a cluster that Envoy rejects: %s', (settings, reason) => {
  expect(asked(policy(settings))).toMatchObject(undetermined(reason));
  expect(asked(policy(settings), 'other')).toMatchObject({ outcome: 'answered' });
});

test.each([
  [16_384, { outcome: 'answered' }],
  [16_385, undetermined(/more than 16384 bytes/)],
])('a value of %s bytes for a header', (bytes, answer) => {
  expect(asked(rule(setting('x'.repeat(bytes))))).toMatchObject(answer);
});

test.each([
  [255, { symptom: 503 }],
  [256, undetermined(/server name has more than 255 bytes/)],
])('a server name of %s bytes', (bytes, answer) => {
  expect(
    asked(policy(`tls: { mode: SIMPLE, sni: ${'x'.repeat(bytes)}, subjectAltNames: [elsewhere.example.com] }`)),
  ).toMatchObject(answer);
});

test.each([
  ['0.001s', undetermined(/connections may last 0.001s/)],
  ['1h', { outcome: 'answered' }],
])('connections that may last %s', (longest, answer) => {
  expect(asked(policy(`connectionPool: { tcp: { maxConnectionDuration: ${longest} } }`))).toMatchObject(answer);
});

describe('several entries of a host, one with DNS_ROUND_ROBIN', () => {
  const entry = (name: string, second: number, resolution: string, address: string) =>
    istioObject(
      'ServiceEntry',
      name,
      'shop',
      `{ hosts: [site.example.com], resolution: ${resolution}, ports: [{ number: 80, name: http, protocol: HTTP }], ` +
        `endpoints: [{ address: ${address} }] }`,
    ).replace('metadata: {', `metadata: { creationTimestamp: "2026-01-01T00:00:0${second}Z",`);
  const of = (older: string, younger: string, at = 'elsewhere.example.com') =>
    ask(
      entry('a', 1, older, older === 'STATIC' ? '203.0.113.9' : 'site.example.com') +
        entry('b', 2, younger, younger === 'STATIC' ? '203.0.113.8' : at),
      'shop/cart',
      'http://site.example.com/',
    );

  test.each(['DNS', 'STATIC', 'DNS_ROUND_ROBIN'])('adds no endpoint to those of an older one with %s', (older) => {
    expect(of(older, 'DNS_ROUND_ROBIN')).toMatchObject({ outcome: 'answered', alternatives: [] });
  });

  test.each([
    ['DNS', 'elsewhere.example.com'],
    ['DNS', 'site.example.com'],
    ['STATIC', ''],
  ])('has a cluster that Envoy rejects where a younger one with %s has an endpoint too: %s', (younger, at) => {
    expect(of('DNS_ROUND_ROBIN', younger, at)).toMatchObject(undetermined(/one endpoint, and its entries give it 2/));
  });
});

describe('weights of localities', () => {
  const weights = (from: string, to: string, more = '') =>
    `loadBalancer: { localityLbSetting: { ${more} distribute: [{ from: "${from}", to: { "${to}": 100 } }] } }`;

  test.each([
    ['*', 'region/*'],
    ['region/*', 'region/zone/*'],
  ])('from %s to %s may leave a host none', (from, to) => {
    expect(asked(policy(weights(from, to)))).toMatchObject(undetermined(/weights of localities/));
  });

  test.each([
    ['everything', policy(weights('region/*', '*'))],
    ['nothing, as they are off', policy(weights('*', 'region/*', 'enabled: false,'))],
    ['another port', policy(`portLevelSettings: [{ port: { number: 443 }, ${weights('*', 'region/*')} }]`)],
  ])('count for %s', (_, objects) => {
    expect(asked(objects)).toMatchObject({ outcome: 'answered' });
  });

  test('do not count where the proxy connects to the address that was dialled', () => {
    const entry = ENTRY.replace('resolution: DNS', 'resolution: NONE');
    expect(ask(entry + policy(weights('*', 'region/*')), 'shop/cart', 'http://site.example.com/')).toMatchObject({
      outcome: 'answered',
    });
  });
});
