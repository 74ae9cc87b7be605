/** Which host is at the end of a connection, and that no other host's answer passes for the one that was asked for. */
import { ask, LOCKED } from './support';
import { AccessRow, AccessTable } from '../../src/access/access-table';
import { accessTableProblems } from '../../src/access/read-access-table';
import { expectEgress } from '../../src/explain/expect-egress';
import { judgeTable } from '../../src/explain/judge-table';
import { asText } from '../../src/explain/text';
import { Configuration } from '../../src/model/proxies/configuration';
import { CallerPod } from '../../src/model/proxies/capture';
import { Journey, Leg } from '../../src/model/walk/journey';
import { parseAllDocuments } from 'yaml';

let minute = 0;

/** Each one is younger than those before it. */
const entry = (name: string, spec: string) => `---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: ${name}, namespace: shop, creationTimestamp: ${new Date(Date.UTC(2026, 0, 1, 0, minute++)).toISOString()} }
spec: ${spec}
`;
const tcp = (name: string, host: string, port: number, more = 'resolution: DNS') =>
  entry(name, `{ hosts: [${host}], ports: [{ number: ${port}, name: tcp, protocol: TCP }], ${more} }`);
const route = (from: string, to: string) => `---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: elsewhere, namespace: shop }
spec: { hosts: [${from}], http: [{ route: [{ destination: { host: ${to} } }] }] }
`;
const http = (name: string, host: string, more = 'resolution: DNS') =>
  entry(name, `{ hosts: ['${host}'], ports: [{ number: 80, name: http, protocol: HTTP }], ${more} }`);
const objects = (yaml: string) =>
  parseAllDocuments(yaml)
    .map((document) => document.toJS())
    .filter(Boolean);

const BING = tcp('bing', 'www.bing.com', 443);
const DATABASES = tcp('a', 'db.example.org', 5432) + tcp('b', 'db2.example.org', 5432);
const MIRROR =
  http('site', 'site.example.com') +
  http('mirror', 'mirror.example.net') +
  route('site.example.com', 'mirror.example.net');

test('a TCP entry for another host takes 443: the application rejects the certificate that it is shown', () => {
  expect(ask(BING, 'shop/app', 'https://www.google.com/')).toMatchObject({
    outcome: 'refused',
    by: 'host',
    symptom: 'certificate-rejected',
    reason: 'the application rejects the certificate of www.bing.com, which is for www.bing.com',
  });
  expect(ask(BING, 'shop/app', 'https://www.bing.com/')).toMatchObject({ outcome: 'answered', status: 200 });
});

test.each([
  [DATABASES, 'tcp://db2.example.org:5432', 'db.example.org', 'answered by db.example.org instead of db2.example.org'],
  [MIRROR, 'http://site.example.com/', 'mirror.example.net', '200 from mirror.example.net instead of site.example.com'],
  [
    tcp('a', 'db.example.org', 5432, 'resolution: STATIC, endpoints: [{ address: 203.0.113.7 }]'),
    'tcp://db2.example.org:5432',
    'db.example.org',
    'answered by db.example.org instead of db2.example.org',
  ],
])('another host that answers is named (%#)', (yaml, url, answeredBy, headline) => {
  const answer = ask(yaml, 'shop/app', url);
  expect(answer).toMatchObject({
    outcome: 'answered',
    answeredBy,
    insteadOf: new URL(url.replace('tcp', 'http')).hostname,
  });
  expect(asText(answer)).toMatch(new RegExp(`^${headline}, through the sidecar`));
});

test.each([
  ['the host itself', DATABASES, 'tcp://db.example.org:5432', 'db.example.org', undefined],
  ['a name in upper case', MIRROR, 'http://MIRROR.example.net/', 'mirror.example.net', undefined],
  [
    'an address that the entry gives',
    http('site', 'site.example.com', 'resolution: STATIC, endpoints: [{ address: 203.0.113.7 }]'),
    'http://site.example.com/',
    'site.example.com',
    '203.0.113.7 is site.example.com, as ServiceEntry shop/site says',
  ],
  [
    'an endpoint of a wildcard',
    http('all', '*.example.com', 'resolution: DNS, endpoints: [{ address: www.example.com }]'),
    'http://de.example.com/',
    'de.example.com',
    'www.example.com is de.example.com, as ServiceEntry shop/all says',
  ],
  [
    'the address that the application dials, whichever entry takes it',
    tcp('site', 'site.example.com', 5432, 'resolution: NONE, addresses: [203.0.113.7]') +
      tcp('other', 'other.example.com', 5432, 'resolution: NONE'),
    'tcp://site.example.com:5432',
    'site.example.com',
    undefined,
  ],
])('%s is the host that was asked for', (_what, yaml, url, answeredBy, assumption) => {
  const answer = ask(yaml, 'shop/app', url);
  expect(answer).toMatchObject({ outcome: 'answered', answeredBy });
  expect(answer.insteadOf).toBeUndefined();
  if (assumption !== undefined) expect(answer.condition?.holds).toContain(assumption);
});

test('that an address is the host is not told by dialling it', () => {
  const yaml = http('site', 'site.example.com', 'resolution: STATIC, endpoints: [{ address: 203.0.113.7 }]');
  const url = 'http://site.example.com/';
  const { condition } = ask(yaml, 'shop/app', url);
  expect(ask(yaml, 'shop/app', { url, dial: '203.0.113.7' }).condition).toEqual(condition);
  expect(condition?.say).toMatch(/^--assume addresses=declared/);
});

const table = (...access: AccessRow[]): AccessTable => ({
  mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY' },
  callers: [{ name: 'app', namespace: 'shop', serviceAccount: 'app' }],
  external: [
    { host: 'db.example.org', tcp: [5432] },
    { host: 'db2.example.org', tcp: [5432] },
    { host: 'site.example.com', http: 'ok' },
    { host: 'mirror.example.net', http: 'ok' },
  ],
  access,
});
const wrong = (yaml: string, request: string, expected: object) => {
  const row: AccessRow = { from: 'app', request, expect: { outcome: 'answered', ...expected } };
  return judgeTable(
    objects(yaml).map((manifest) => ({ manifest, origin: 'x' })),
    table(row),
  )[0].wrong;
};

test('a row is not as the table says if another host answers, unless it names that host', () => {
  const request = 'tcp://db2.example.org:5432';
  expect(wrong(DATABASES, request, {})).toEqual([
    'answeredBy: expected db2.example.org, the model says db.example.org',
  ]);
  expect(wrong(DATABASES, request, { answeredBy: 'db.example.org' })).toEqual([]);
  expect(wrong(DATABASES, request, { answeredBy: 'db2.example.org' })).toHaveLength(1);
  expect(wrong(MIRROR, 'http://site.example.com/', {})).toHaveLength(1);
  expect(wrong(MIRROR, 'http://mirror.example.net/', {})).toEqual([]);
});

test('a table may only name hosts that it lists, and only for answers', () => {
  const row = (expected: AccessRow['expect']) =>
    accessTableProblems(table({ from: 'app', request: 'http://site.example.com/', expect: expected }));
  expect(row({ outcome: 'answered', answeredBy: 'mirror.example.net' })).toEqual([]);
  expect(row({ outcome: 'answered', answeredBy: '203.0.113.99' })).toEqual([]);
  expect(row({ outcome: 'answered', answeredBy: 'nobody.example.net' })).toEqual([
    expect.stringMatching(/"nobody.example.net", which must answer, is not among the external hosts/),
  ]);
  expect(row({ outcome: 'refused', answeredBy: 'mirror.example.net' })).toEqual([
    expect.stringMatching(/a refused request is answered by no host/),
  ]);
});

test('an assertion means the host that was asked for, unless it names another', () => {
  const to = (url: string) => expectEgress(objects(MIRROR)).from('shop/app').to(url);
  const site = () => to('http://site.example.com/');
  to('http://mirror.example.net/').isAnswered(200).viaSidecar();
  site().isAnsweredBy('mirror.example.net', 200).viaSidecar();
  for (const fails of [
    () => site().isAnswered(),
    () => site().viaSidecar(),
    () => site().isAnsweredBy('site.example.com'),
    () => to('http://mirror.example.net/').isAnsweredBy('site.example.com'),
    () => site().isAnsweredBy('mirror.example.net', 404),
  ])
    expect(fails).toThrow(/the model says: 200 from mirror\.example\.net/);
});

test('the first line says that something leaves in plaintext', () => {
  expect(ask(MIRROR, 'shop/app', 'http://mirror.example.net/').reason).toMatch(/, in plaintext$/);
  expect(ask(BING, 'shop/app', 'https://www.bing.com/').reason).not.toMatch(/plaintext/);
});

test('remarks about objects of one name, in several namespaces or of several kinds, are kept apart', () => {
  const journey = new Journey(undefined as unknown as Configuration, []);
  for (const [kind, namespace] of [
    ['VirtualService', 'shop'],
    ['VirtualService', 'egress'],
    ['DestinationRule', 'shop'],
    ['DestinationRule', 'shop'],
  ])
    journey.remark({ code: 'mirrored', message: `${kind} ${namespace}`, decidedBy: [{ kind, namespace, name: 'x' }] });
  const leg = new Leg(journey, undefined as unknown as CallerPod, new URL('http://x'), undefined, false);
  const { remarks } = journey.answer(leg, { outcome: 'refused', reason: '', causes: [] });
  expect(remarks.map(({ message }) => message)).toEqual([
    'VirtualService shop',
    'VirtualService egress',
    'DestinationRule shop',
  ]);
});

test('a redirect that is followed leaves nothing of the request before it', () => {
  const redirecting = `${http('site', 'site.example.com')}${entry(
    'end',
    '{ hosts: [end.example.com], ports: [{ number: 80, name: http, protocol: HTTP }], resolution: DNS }',
  )}---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: cut, namespace: shop }
spec: { hosts: [end.example.com], http: [{ directResponse: { status: 418 } }] }
`;
  const answer = ask(
    redirecting,
    'shop/app',
    { url: 'http://site.example.com/', follow: true },
    {
      mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY' },
      external: [{ host: 'site.example.com', address: '203.0.113.9', http: 'redirect-to-https' }],
    },
  );
  expect(answer).toMatchObject({ outcome: 'refused', redirects: [301] });
  expect(answer.destination).toBeUndefined();
  expect(answer.answeredBy).toBeUndefined();
});

describe('a host at the address that its entry gives', () => {
  const at = 'resolution: STATIC, endpoints: [{ address: 203.0.113.7 }]';
  const PORTS =
    'ports: [{ number: 80, name: http, protocol: HTTP, targetPort: 443 }, { number: 443, name: tls, protocol: TLS }]';
  const SITE = entry('site', `{ hosts: [site.example.com], ${PORTS}, ${at} }`);
  const rule = (tls: string) => `---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: site, namespace: shop }
spec: { host: site.example.com, trafficPolicy: { portLevelSettings: [{ port: { number: 80 }, tls: { ${tls} } }] } }
`;

  test.each([
    ['the application', '', 'https://site.example.com/'],
    ['the sidecar, for the host of the request,', rule('mode: SIMPLE'), 'http://site.example.com/'],
    [
      'the sidecar',
      rule('mode: SIMPLE, sni: site.example.com, subjectAltNames: [site.example.com]'),
      'http://site.example.com/',
    ],
  ])('is who it is, where %s verifies its certificate', (_who, yaml, url) => {
    const answer = ask(`${SITE}${yaml}`, 'shop/app', url);
    expect(answer.condition).toBeUndefined();
    expect(answer.assumptions).toEqual(['203.0.113.7:443 answers, with a good certificate for site.example.com']);
  });

  test('may demand a certificate, where a rule presents one', () => {
    const yaml = `${SITE}${rule('mode: MUTUAL, credentialName: client')}`;
    expect(ask(yaml, 'shop/app', 'https://site.example.com/').assumptions).toEqual([
      '203.0.113.7:443 answers, with a good certificate for site.example.com, and requires no client certificate',
    ]);
  });

  test.each([
    ['nobody', 'mode: SIMPLE, insecureSkipVerify: true'],
    ['the sidecar, of any name,', 'mode: SIMPLE, sni: site.example.com'],
    ['the sidecar for another name', 'mode: SIMPLE, subjectAltNames: [site.example.com, "*.example.com"]'],
  ])('may be another one, where %s verifies its certificate', (_who, tls) => {
    expect(ask(`${SITE}${rule(tls)}`, 'shop/app', 'http://site.example.com/').condition?.holds).toMatch(
      /203.0.113.7 is site.example.com/,
    );
  });
});

describe('a host at the name of another one, whose certificate may be for either', () => {
  const rule = (tls: string) => `---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: alias, namespace: shop }
spec: { host: alias.example.com, trafficPolicy: { tls: { mode: SIMPLE${tls} } } }
`;
  const alias = (address: string) =>
    entry(
      'alias',
      '{ hosts: [alias.example.com], resolution: DNS, location: MESH_EXTERNAL, ports: [{ number: 80, name: http, ' +
        `protocol: HTTP, targetPort: 443 }], endpoints: [{ address: ${address} }] }`,
    );
  const see = (address: string, tls: string, world = {}) =>
    ask(alias(address) + rule(tls), 'shop/cart', 'http://alias.example.com/', {
      ...LOCKED,
      ...world,
    });
  const ofVendor = ', sni: site.vendor.com, subjectAltNames: [site.vendor.com]';
  const isThere = 'site.vendor.com is alias.example.com, as ServiceEntry shop/alias says';

  test.each([
    ['the one that is asked for', ''],
    ['the other one', ofVendor],
  ])('a rule for %s holds if it is the same host', (_what, tls) => {
    expect(see('site.vendor.com', tls)).toMatchObject({ outcome: 'answered', condition: { holds: isThere } });
    expect(see('site.vendor.com', tls, { declaredAddresses: true }).condition).toBeUndefined();
  });

  test('a rule for a third one is refused, and at an address a verified certificate is proof', () => {
    expect(see('site.vendor.com', ', sni: x.example.org, subjectAltNames: [x.example.org]').outcome).toBe('refused');
    expect(see('203.0.113.7', '')).toMatchObject({ outcome: 'answered' });
    expect(see('203.0.113.7', '').condition).toBeUndefined();
  });
});
