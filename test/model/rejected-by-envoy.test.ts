/** What admission takes, and Envoy or whoever comes next refuses: the mesh's answers are those of test/model/recorded. */
import { ask, ENTRY, EXIT_PODS, HTTP_EXIT, HTTP_EXIT_SERVICE, istioObject, LOCKED } from './support';

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

const names = (count: number) => Array.from({ length: count }, (_, n) => `x-${n}: a`).join(', ');

describe('a rule that Envoy rejects', () => {
  test.each([
    ['directResponse: { status: 600 }', /600 is not a status/],
    [`${TO_SITE}, fault: { abort: { httpStatus: 600, percentage: { value: 1 } } }`, /600 is not a status/],
    [`${TO_SITE}, rewrite: { uri: "/a\\nb" }`, /end of a line/],
    [`${TO_SITE}, rewrite: { authority: "a\\nb" }`, /end of a line/],
    [`${TO_SITE}, rewrite: { uriRegexRewrite: { match: ^/x, rewrite: "/a\\nb" } }`, /end of a line/],
    [
      `${TO_SITE}, rewrite: { uriRegexRewrite: { match: '\\p{Greek}', rewrite: / } }`,
      /compiles the regular expression/,
    ],
    [`${TO_SITE}, corsPolicy: { allowOrigins: [{ regex: '\\p{Greek}' }] }`, /compiles the regular expression/],
    [
      `match: [{ headers: { a: { regex: '\\p{Greek}' } } }, { uri: { prefix: / } }], ${TO_SITE}`,
      /compiles the regular/,
    ],
    [`match: [{ uri: { regex: '/(.{99}|b){99}' } }, { uri: { prefix: / } }], ${TO_SITE}`, /compiles the regular/],
    [`match: [{ uri: { regex: '/(....){1000}' } }, { uri: { prefix: / } }], ${TO_SITE}`, /compiles the regular/],
    [
      `match: [{ uri: { regex: '(?i)(\\W\\W\\W\\W\\W){500}' } }, { uri: { prefix: / } }], ${TO_SITE}`,
      /compiles the regular/,
    ],
    [`${TO_SITE}, headers: { request: { set: { "x\\na": b } } }`, /name of a header holds the end of a line/],
    [`${TO_SITE}, headers: { response: { remove: ["x\\na"] } }`, /name of a header holds the end of a line/],
    ['redirect: { uri: "/a\\nb" }', /end of a line/],
    [
      `match: [{ queryParams: { "": { exact: "1" } } }, { uri: { prefix: / } }], ${TO_SITE}`,
      /parameter without a name/,
    ],
    [setting('%NO_SUCH%'), /%NO_SUCH%/],
    [setting('%PROTOCOL(a)%'), /unknown whether Envoy/],
    [setting('%REQ(a?b?c)%'), /unknown whether Envoy/],
    ...['%REQ(a:b)%', '%REQ(::)%', '%TRAILER(a:b)%', '%PROTOCOL:5%', '%REQ_WITHOUT_QUERY(a)%'].map(
      (value): [string, RegExp] => [setting(value), /unknown whether Envoy/],
    ),
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

  const added = `{ destination: { host: site.example.com }, headers: { request: { add: { ${names(500)} } } } }`;
  test.each([
    [
      'the name of a header',
      `${TO_SITE}, headers: { response: { add: { ${'x'.repeat(16_385)}: b } } }`,
      /more than 16384 bytes/,
    ],
    [
      'the name of a parameter',
      `match: [{ queryParams: { ${'q'.repeat(1025)}: { exact: a } } }, { uri: { prefix: / } }], ${TO_SITE}`,
      /1024 bytes/,
    ],
    [
      'the list of headers, with those of its only destination,',
      `headers: { request: { set: { ${names(501)} } } }, route: [${added}]`,
      /more than 1000 headers/,
    ],
  ])('is one where %s is too long', (_, changes, reason) => {
    for (const host of ['site', 'other']) expect(asked(rule(changes), host)).toMatchObject(undetermined(reason));
  });

  test.each([
    '100%%',
    '%REQ(x-user)%',
    '%REQ(:path?x-path)% %%REQ(x)%%',
    '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% %PROTOCOL%',
    '%START_TIME(%Y-%m-%dT%H:%M:%S.%3fZ)%',
    '%DOWNSTREAM_PEER_URI_SAN% %UPSTREAM_HOST%',
    '%DYNAMIC_METADATA(istio)% %DYNAMIC_METADATA(istio.mixer:status)%',
    '%START_TIME(%d/%b)% %PER_REQUEST_STATE(a)% %UPSTREAM_REQUEST_ATTEMPT_COUNT%',
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
  ['headers: { response: { add: { "x(a)": "1" } } }', /the header "x\(a\)" of responses/],
  [`rewrite: { uri: "/${'x'.repeat(8001)}" }`, /path to/],
  [`rewrite: { authority: ${'x'.repeat(300)} }`, /authority to/],
  ...['a/x', 'a?b', 'a#b', '"x"', 'a{b', 'a|b', 'user@site.example.com', '[::1'].map(
    (authority) => [`rewrite: { authority: '${authority}' }`, /changes the authority to/] as [string, RegExp],
  ),
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
  [
    `outlierDetection: {}, loadBalancer: { localityLbSetting: { failoverPriority: [${names(129).replace(/: a/g, '')}] } }`,
    /129 labels .* 128 priorities/,
  ],
  [
    'loadBalancer: { consistentHash: { httpCookie: { name: c, ttl: 1s, path: "/\\na" } } }',
    /cookie .* control character/,
  ],
  ['loadBalancer: { consistentHash: { httpCookie: { name: c, ttl: 1s, path: "/\\u0001" } } }', /cookie .* control/],
])('a cluster that Envoy rejects: %s', (settings, reason) => {
  expect(asked(policy(settings))).toMatchObject(undetermined(reason));
  expect(asked(policy(settings), 'other')).toMatchObject({ outcome: 'answered' });
});

test.each([
  '/v[0-9]{1,3}/.*',
  '(?i)/a',
  '/[^/]+\\\\.html',
  '/users/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}',
  '/[A-Za-z0-9_-]{1,64}/items/[A-Za-z0-9_-]{1,64}',
  'https://([a-z0-9-]{1,63}[.])?[a-z0-9-]{1,63}[.]example[.]com',
  '/.{1000}',
])('the regular expression %s is one that Envoy compiles', (regex) => {
  const matches = `match: [{ uri: { regex: '${regex}' } }, { uri: { prefix: / } }]`;
  expect(asked(rule(`${matches}, ${TO_SITE}`), 'other')).toMatchObject({ outcome: 'answered' });
});

test('what a subset hashes by is in the routes that lead there alone', () => {
  const subset = istioObject(
    'DestinationRule',
    'subset',
    'shop',
    '{ host: site.example.com, subsets: [{ name: a, trafficPolicy: { loadBalancer: { consistentHash: ' +
      '{ httpHeaderName: "" } } } }] }',
  );
  expect(asked(subset, 'other')).toMatchObject({ outcome: 'answered' });
  const led = rule('route: [{ destination: { host: site.example.com, subset: a } }]');
  expect(asked(subset + led, 'other')).toMatchObject(undetermined(/hash by a name that is empty/));
});

test('a cookie with the end of a line is none where the proxy reads no requests', () => {
  const settings = policy('loadBalancer: { consistentHash: { httpCookie: { name: "a\\nb" } } }');
  expect(asked(settings)).toMatchObject(undetermined(/cookie/));
  expect(ask(`---${ENTRY}${settings}`, 'shop/cart', 'https://site.example.com/')).toMatchObject({
    outcome: 'answered',
  });
});

test.each([
  [16_384, { outcome: 'answered' }],
  [16_385, undetermined(/more than 16384 bytes/)],
])('a value of %s bytes for a header', (bytes, answer) => {
  expect(asked(rule(setting('x'.repeat(bytes))))).toMatchObject(answer);
});

test.each([
  [3, { outcome: 'answered' }],
  [5, undetermined(/headers of 750\d\d bytes/)],
])('%s headers of 15,000 bytes each', (count, answer) => {
  const set = Array.from({ length: count }, (_, n) => `x-${n}: ${'x'.repeat(15_000)}`).join(', ');
  expect(asked(rule(`${TO_SITE}, headers: { request: { set: { ${set} } } }`))).toMatchObject(answer);
});

test.each([
  ['request', 80, { outcome: 'answered' }],
  ['request', 101, undetermined(/101 headers/)],
  ['response', 80, { outcome: 'answered' }],
  ['response', 101, undetermined(/101 headers/)],
])('headers of a %s, %s of them', (message, count, answer) => {
  expect(asked(rule(`${TO_SITE}, headers: { ${message}: { set: { ${names(count)} } } }`))).toMatchObject(answer);
});

test.each([
  ['time: 32767s, interval: 75s, probes: 127', { outcome: 'answered' }],
  ['time: 10h', undetermined(/keepalive/)],
  ['interval: 24h', undetermined(/keepalive/)],
  ['probes: 128', undetermined(/keepalive/)],
])('connections kept alive with %s', (settings, answer) => {
  const objects = policy(`connectionPool: { tcp: { tcpKeepalive: { ${settings} } } }`);
  expect(asked(objects)).toMatchObject(answer);
  expect(ask(`---${ENTRY}${objects}`, 'shop/cart', 'https://site.example.com/')).toMatchObject(answer);
});

test.each([
  [255, { symptom: 503 }],
  [256, undetermined(/server name has more than 255 bytes/)],
])('a server name of %s bytes', (bytes, answer) => {
  expect(
    asked(policy(`tls: { mode: SIMPLE, sni: ${'x'.repeat(bytes)}, subjectAltNames: [elsewhere.example.com] }`)),
  ).toMatchObject(answer);
});

test.each(['9223372036s', '-1s'])('a budget of tries for %s, with Istio 1.31', (time) => {
  const objects = policy(`retryBudget: { budgetInterval: '${time}' }`);
  expect(
    ask(`---${ENTRY}${objects}`, 'shop/cart', 'http://site.example.com/', {
      ...LOCKED,
      istioVersion: '1.31',
    }),
  ).toMatchObject(undetermined(/not one that Envoy knows/));
});

test('a rule that Envoy rejects does not meet a host whose listener of its own detects HTTP', () => {
  const detected = (name: string, address: string) =>
    istioObject(
      'ServiceEntry',
      name,
      'shop',
      `{ hosts: [${name}.example.com], resolution: STATIC, addresses: [${address}], ` +
        `endpoints: [{ address: ${address} }], ports: [{ number: 9090, name: any }] }`,
    );
  const bad = rule('directResponse: { status: 600 }');
  const of = (address: string) =>
    ask(
      detected('site', '203.0.113.1') + detected('other', '203.0.113.2') + bad,
      'shop/cart',
      `http://${address}:9090/`,
    );
  expect(of('203.0.113.2')).toMatchObject({ outcome: 'answered' });
  expect(of('203.0.113.1')).toMatchObject(undetermined(/600/));
});

describe('a time in which an answer may not come', () => {
  const tcp = (settings: string) => `connectionPool: { tcp: { ${settings} } }`;
  const bytes = (settings: string) => ask(`---${ENTRY}${policy(settings)}`, 'shop/cart', 'https://site.example.com/');

  test.each([
    [tcp('connectTimeout: 1ms'), undetermined(/may take 1ms/), undetermined(/may take 1ms/)],
    [tcp('maxConnectionDuration: 1ms'), { outcome: 'answered' }, undetermined(/may last 1ms/)],
    [tcp('idleTimeout: 1ms'), { outcome: 'answered' }, undetermined(/may be idle for 1ms/)],
    [
      tcp('connectTimeout: 1s, maxConnectionDuration: 1h, idleTimeout: 1h'),
      { outcome: 'answered' },
      { outcome: 'answered' },
    ],
    // Of bytes, proxies read the last two where they are said of all ports.
    [
      `portLevelSettings: [{ port: { number: 443 }, ${tcp('maxConnectionDuration: 1ms, idleTimeout: 1ms')} }]`,
      { outcome: 'answered' },
      { outcome: 'answered' },
    ],
  ])('%s', (settings, ofRequests, ofBytes) => {
    expect(asked(policy(settings))).toMatchObject(ofRequests);
    expect(bytes(settings)).toMatchObject(ofBytes);
  });
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

test('an entry with DNS_ROUND_ROBIN adds nothing to the number of a port that an older one has under another name', () => {
  const entry = (second: number, resolution: string, name: string, address = '') =>
    istioObject(
      'ServiceEntry',
      `e${second}`,
      'shop',
      `{ hosts: [site.example.com], resolution: ${resolution}, ports: [{ number: 80, name: ${name}, protocol: HTTP }]` +
        `${address && `, endpoints: [{ address: ${address} }]`} }`,
    ).replace('metadata: {', `metadata: { creationTimestamp: "2026-01-01T00:00:0${second}Z",`);
  const [empty, last] = [entry(1, 'STATIC', 'http'), entry(3, 'DNS_ROUND_ROBIN', 'http', '203.0.113.7')];
  const of = (objects: string) => ask(objects, 'shop/cart', 'http://site.example.com/');
  expect(of(empty + last)).toMatchObject({ outcome: 'answered' });
  expect(of(empty + entry(2, 'DNS', 'web', 'x.example.com') + last)).toMatchObject({ symptom: 503 });
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

describe('a connection that nobody answers', () => {
  const DEAD = ENTRY.replace('resolution: DNS', 'resolution: STATIC\n  endpoints: [{ address: 240.240.1.1 }]');
  const wait = (rules: string, settings = '') =>
    ask(
      `---${DEAD}${rule(`${TO_SITE}, ${rules}`)}${settings && policy(settings)}`,
      'shop/cart',
      'http://site.example.com/',
    );
  const connecting = (time: string) => `connectionPool: { tcp: { connectTimeout: ${time} } }`;

  test.each([
    ['the application', 'timeout: 60s', '', { symptom: 'timeout' }],
    ['the route', 'timeout: 3s', '', { symptom: 504 }],
    ['the proxy that connects', 'timeout: 60s', connecting('1s'), { symptom: 503 }],
    ['the route, while the proxy connects', 'timeout: 1s', connecting('2s'), { symptom: 504 }],
    ['one of both', 'timeout: 2s', connecting('1s'), undetermined(/who gives up first/)],
    ['no try, which has not begun', 'retries: { attempts: 1, perTryTimeout: 1s }', '', { symptom: 'timeout' }],
  ])('%s gives up first', (_, rules, settings, answer) => {
    expect(wait(rules, settings)).toMatchObject(answer);
  });

  const blocked = istioObject(
    'NetworkPolicy',
    'none',
    'shop',
    '{ podSelector: {}, policyTypes: [Egress], egress: [] }',
  ).replace(/apiVersion: .*/, 'apiVersion: networking.k8s.io/v1');

  test.each([
    ['', '', { symptom: 503 }],
    ['', '5s', { symptom: 503 }],
    ['', '10s', { symptom: 503 }],
    ['', '30s', { symptom: 503 }],
    ['timeout: 3s', '', { symptom: 504 }],
    ['timeout: 15s', '', undetermined(/who gives up first/)],
    ['timeout: 15s', '20s', { symptom: 504 }],
    ['timeout: 60s', '', { symptom: 503 }],
  ])('where a network drops it, with %s and a connectTimeout of %s', (rules, time, answer) => {
    const objects = rule(`${TO_SITE}${rules && `, ${rules}`}`) + (time && policy(connecting(time)));
    const at = ENTRY.replace('resolution: DNS', 'resolution: STATIC\n  endpoints: [{ address: 203.0.113.9 }]');
    expect(ask(`---${at}${objects}${blocked}`, 'shop/cart', 'http://site.example.com/')).toMatchObject(answer);
  });

  test.each([
    ['3s', '', 3000],
    ['5s', '3s', 3000],
    ['3s', '5s', 3000],
  ])('behind a gateway, of %s at the sidecar and %s at the gateway, after %s ms', (first, second, milliseconds) => {
    const timeout = (time: string) => (time ? `, timeout: ${time}` : '');
    const routes = istioObject(
      'VirtualService',
      'more',
      'shop',
      `{ hosts: [site.example.com], gateways: [mesh, egress/exit], http: [
        { match: [{ gateways: [mesh] }], route: [{ destination: { host: exit.egress.svc.cluster.local } }]${timeout(first)} },
        { match: [{ gateways: [egress/exit] }], ${TO_SITE}${timeout(second)} }] }`,
    );
    const answer = ask(`---${DEAD}${HTTP_EXIT_SERVICE}${HTTP_EXIT}${routes}`, 'shop/cart', 'http://site.example.com/', {
      ...LOCKED,
      gateways: [{ ...EXIT_PODS, targetPort: 8080 }],
    });
    expect(answer).toMatchObject({ symptom: 504, by: 'gateway' });
    expect(answer.reason).toContain(`waits ${milliseconds} ms`);
  });
});

describe('at a gateway', () => {
  const gateways = [{ ...EXIT_PODS, targetPort: 8080 }];
  const both = (first: string, second: string) =>
    istioObject(
      'VirtualService',
      'more',
      'shop',
      `{ hosts: [site.example.com], gateways: [mesh, egress/exit], http: [
        { match: [{ gateways: [mesh] }], route: [{ destination: { host: exit.egress.svc.cluster.local } }], ${first} },
        { match: [{ gateways: [egress/exit] }], ${TO_SITE}, ${second} }] }`,
    );
  const through = (objects: string, world = {}) =>
    ask(`---${ENTRY}${HTTP_EXIT_SERVICE}${objects}`, 'shop/cart', 'http://site.example.com/a/b', {
      ...LOCKED,
      gateways,
      ...world,
    });

  test.each([
    [45, 45, { outcome: 'answered' }],
    [50, 50, undetermined(/100 headers of responses/)],
  ])('%s and %s headers of responses', (first, second, answer) => {
    const set = (prefix: string, count: number) =>
      `headers: { response: { set: { ${names(count).replace(/x-/g, prefix)} } } }`;
    expect(through(HTTP_EXIT + both(set('a-', first), set('b-', second)))).toMatchObject(answer);
  });

  test.each([
    [20, { outcome: 'answered' }],
    [60, undetermined(/105 headers of responses/)],
  ])('%s headers of responses from each of five destinations', (count, answer) => {
    const set = `headers: { response: { set: { ${names(count).replace(/x-/g, 'b-')} } } }`;
    const targets = ['v1', 'v2', 'v3', 'v4', 'v5'].map(
      (subset) => `{ destination: { host: exit.egress.svc.cluster.local, subset: ${subset} }, weight: 20, ${set} }`,
    );
    const subsets = `subsets: [${['v1', 'v2', 'v3', 'v4', 'v5'].map((name) => `{ name: ${name} }`).join()}]`;
    const routes = istioObject(
      'VirtualService',
      'more',
      'shop',
      `{ hosts: [site.example.com], gateways: [mesh, egress/exit], http: [
        { match: [{ gateways: [mesh] }], route: [${targets.join()}],
          headers: { response: { set: { ${names(45).replace(/x-/g, 'a-')} } } } },
        { match: [{ gateways: [egress/exit] }], ${TO_SITE} }] }`,
    );
    const hop = istioObject('DestinationRule', 'hop', 'shop', `{ host: exit.egress.svc.cluster.local, ${subsets} }`);
    expect(through(HTTP_EXIT + routes + hop)).toMatchObject(answer);
  });

  // What the mesh makes of other replacements is among the recorded worlds.
  test.each([
    ['\\\\1', 403],
    ['\\\\2', 200],
  ])('a path in which %s replaces what is found', (by, status) => {
    const routes = istioObject(
      'VirtualService',
      'more',
      'shop',
      `{ hosts: [site.example.com], gateways: [mesh, egress/exit], http: [
        { match: [{ gateways: [mesh] }], route: [{ destination: { host: exit.egress.svc.cluster.local } }],
          rewrite: { uriRegexRewrite: { match: '^/a/(.*)$', rewrite: "/${by}" } } },
        { match: [{ gateways: [egress/exit], uri: { exact: /a/b } }], ${TO_SITE} },
        { match: [{ gateways: [egress/exit] }], directResponse: { status: 403 } }] }`,
    );
    const { status: answered, symptom } = through(HTTP_EXIT + routes);
    expect(answered ?? symptom).toBe(status);
  });

  const servers = (tls: string) =>
    istioObject(
      'Gateway',
      'exit',
      'egress',
      `{ selector: { istio: exit }, servers: [
        { port: { number: 80, name: https, protocol: HTTPS }, hosts: [site.example.com], tls: { mode: ISTIO_MUTUAL } },
        { port: { number: 80, name: more, protocol: HTTPS }, hosts: [other.example.com], tls: { ${tls} } }] }`,
    ) +
    both('timeout: 5s', 'timeout: 5s') +
    istioObject(
      'DestinationRule',
      'hop',
      'shop',
      '{ host: exit.egress.svc.cluster.local, trafficPolicy: { tls: { mode: ISTIO_MUTUAL, sni: site.example.com } } }',
    );
  const secret = (holds: 'client-certificate' | 'ca-certificates') => [{ name: 'own', namespace: 'egress', holds }];

  test.each([
    ['mode: ISTIO_MUTUAL', [], { outcome: 'answered' }],
    ['mode: SIMPLE, credentialName: own', secret('client-certificate'), { outcome: 'answered' }],
    ['mode: SIMPLE, credentialName: own', secret('ca-certificates'), undetermined(/certificate of another server/)],
    ['mode: MUTUAL, credentialName: own', [], undetermined(/certificate of another server/)],
  ])('a server beside one with %s', (tls, secrets, answer) => {
    expect(through(servers(tls), { secrets })).toMatchObject(answer);
  });

  const written = (data: string, name = 'own') =>
    `---\napiVersion: v1\nkind: Secret\nmetadata: { name: ${name}, namespace: egress }\ndata: { ${data} }\n`;
  const PAIR = 'tls.crt: YQ==, tls.key: YQ==';

  test.each([
    ['mode: SIMPLE, credentialName: own', PAIR, ''],
    ['mode: SIMPLE, credentialName: own', '', 'condition'],
    ['mode: SIMPLE, credentialName: own', 'foo: YQ==', 'has no tls.crt and tls.key'],
    ['mode: SIMPLE, credentialName: own', 'ca.crt: YQ==', 'has no tls.crt and tls.key'],
    ['mode: MUTUAL, credentialName: own', PAIR, 'condition'],
    ['mode: OPTIONAL_MUTUAL, credentialName: own', PAIR, 'condition'],
    ['mode: MUTUAL, credentialName: own', `${PAIR}, ca.crt: YQ==`, ''],
    ['mode: SIMPLE, credentialNames: [own, too]', PAIR, 'condition'],
  ])('a server beside one with %s, of whose Secret { %s } is written', (tls, data, expected) => {
    const { outcome, reason, condition } = through(servers(tls) + written(data));
    expect(condition?.holds ?? '').toMatch(expected === 'condition' ? /certificate of another server/ : /^$/);
    if (outcome !== 'answered') expect({ outcome, reason }).toEqual(undetermined(new RegExp(expected)));
    else expect(expected).toMatch(/^(condition|)$/);
  });

  test.each([
    ['mode: MUTUAL, credentialName: own', written(PAIR) + written('ca.crt: YQ==', 'own-cacert')],
    ['mode: SIMPLE, credentialNames: [own, too]', written(PAIR) + written(PAIR, 'too')],
    ['mode: MUTUAL, credentialNames: [own, too]', written(`${PAIR}, ca.crt: YQ==`) + written(PAIR, 'too')],
  ])('a server beside one with %s, which has all that it needs in two Secrets', (tls, secrets) => {
    const { outcome, condition } = through(servers(tls) + secrets);
    expect({ outcome, condition }).toEqual({ outcome: 'answered' });
  });

  test('a server beside one whose certificate a controller makes is answered on a condition', () => {
    const made = (keys: string) =>
      `---\napiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: { name: own, namespace: egress }\n` +
      `spec: { encryptedData: { ${keys} } }\n`;
    for (const keys of [PAIR, 'foo: YQ==']) {
      const { outcome, condition } = through(servers('mode: SIMPLE, credentialName: own') + made(keys));
      expect(outcome).toBe('answered');
      expect(condition?.holds).toMatch(/certificate of another server/);
    }
  });

  test.each([undefined, []])('a server beside one whose certificate is in files, with the Secrets %j', (secrets) => {
    const objects = servers('mode: SIMPLE, serverCertificate: /etc/a.pem, privateKey: /etc/b.pem');
    const { outcome, condition } = through(objects, { secrets });
    expect(outcome).toBe('answered');
    expect(condition?.holds).toMatch(/files of the certificate of another server/);
    expect(condition?.say).not.toContain('table');
    expect(through(objects, { secrets, goodCredentials: true }).condition).toBeUndefined();
  });

  test('a server beside one whose certificate nobody lists is answered on a condition', () => {
    const { outcome, condition } = through(servers('mode: SIMPLE, credentialName: own'));
    expect(outcome).toBe('answered');
    expect(condition?.holds).toMatch(/certificate of another server/);
    expect(through(servers('mode: SIMPLE, credentialName: own'), { goodCredentials: true }).condition).toBeUndefined();
  });

  test('the name of a port that no pod template tells is a condition', () => {
    const named = HTTP_EXIT_SERVICE.replace('8080', 'own-name');
    const answer = ask(
      `---${ENTRY}${named}${HTTP_EXIT}${both('timeout: 5s', 'timeout: 5s')}`,
      'shop/cart',
      'http://site.example.com/',
    );
    expect(answer).toMatchObject({ outcome: 'answered' });
    expect(answer.condition?.holds).toContain('have a port called own-name');
  });
});

test.each([
  ['a', 'b'.repeat(16_384), { outcome: 'answered' }],
  ['a', 'b'.repeat(16_385), undetermined(/cookie with more than 16384 bytes/)],
  ['a'.repeat(16_385), 'b', undetermined(/cookie with more than 16384 bytes/)],
])('what a cookie says beside its value', (name, value, answer) => {
  const attributes = `loadBalancer: { consistentHash: { httpCookie: { name: c, ttl: 1s, attributes: [{ name: "${name}", value: "${value}" }] } } }`;
  for (const host of ['site', 'other']) expect(asked(policy(attributes), host)).toMatchObject(answer);
});

test('an entry for every name of a namespace of the cluster has the proxies of that namespace reject their routes', () => {
  const entry = istioObject(
    'ServiceEntry',
    'all',
    'other',
    "{ hosts: ['*.shop.svc.cluster.local'], resolution: NONE, ports: [{ number: 80, name: http, protocol: HTTP }] }",
  );
  const see = (caller: string) => ask(ENTRY + entry, caller, 'http://site.example.com/');
  expect(see('shop/app')).toMatchObject({
    outcome: 'undetermined',
    reason: expect.stringMatching(/the short name of \*\.shop\.svc\.cluster\.local is "\*"/),
  });
  expect(see('web/app').outcome).toBe('answered');
});
