import { AccessRow, Expectation } from '../../src/access/access-table';
import { AccessLine } from '../mesh/lab/access-log';
import { complete, Evidence } from '../mesh/lab/evidence';
import { ExternalEvent } from '../mesh/lab/external';
import { judge } from '../mesh/lab/judgement';
import { CurlView } from '../mesh/lab/request';
import { seen } from '../mesh/lab/seen';
import { Workload } from '../mesh/lab/world';

const CALLER = '10.77.0.11';
const GATEWAY = '10.77.0.12';

const pod = (id: string, role: Workload['role'], address: string): Workload => ({
  id,
  role,
  address,
  addresses: [address],
  name: `${id}-0`,
  namespace: 'shop',
  serviceAccount: id,
  labels: {},
  capture: {},
  injected: true,
  proxyConfig: {},
});

const event = (from: string, port: number, more: Partial<ExternalEvent> = {}): ExternalEvent => ({
  event: 'request',
  server: 'api.example.com',
  from,
  port,
  at: 443,
  tls: true,
  protocol: 'http/1.1',
  status: 200,
  serverName: 'api.example.com',
  headers: { host: 'api.example.com' },
  ...more,
});

interface Parts {
  readonly row?: Partial<AccessRow>;
  readonly expect?: Partial<Expectation>;
  readonly curl?: Partial<CurlView>;
  readonly external?: ExternalEvent[];
  readonly sidecar?: AccessLine[];
  readonly atGateway?: AccessLine[];
}

const evidence = ({ row, expect: expected, curl, external = [], sidecar = [], atGateway = [] }: Parts): Evidence => ({
  row: { from: 'checkout', request: 'http://api.example.com/', ...row, expect: { outcome: 'answered', ...expected } },
  caller: pod('checkout', 'sidecar', CALLER),
  gateways: [pod('gateway-egress', 'router', GATEWAY)],
  hosts: [
    { host: 'api.example.com', address: '203.0.113.10', addresses: ['203.0.113.10'] },
    { host: 'stray-0.invalid', address: '203.0.113.99', addresses: ['203.0.113.99'] },
  ],
  curl: {
    exitCode: 0,
    error: '',
    statuses: [200],
    url: 'http://api.example.com/',
    sentHeaders: ['host'],
    body: '',
    localPort: 5,
    ...curl,
  },
  external,
  sidecar,
  atGateway: atGateway.map((line) => ({ gateway: 'gateway-egress', line })),
});

/** A request that went through the gateway, which originated TLS. */
const throughGateway: Parts = {
  sidecar: [
    {
      method: 'GET',
      code: '200',
      details: 'via_upstream',
      cluster: 'outbound|443||hop',
      upstream: `${GATEWAY}:443`,
      upstreamFrom: `${CALLER}:1000`,
    },
  ],
  atGateway: [
    {
      method: 'GET',
      code: '200',
      from: `${CALLER}:1000`,
      upstreamFrom: `${GATEWAY}:2000`,
      peer: 'spiffe://cluster.local/ns/shop/sa/checkout',
    },
  ],
  external: [event(GATEWAY, 2000)],
};

test('hops are joined by their ports: egress path, TLS originator, identity at the gateway', () => {
  expect(seen(evidence(throughGateway))).toMatchObject({
    outcome: 'answered',
    status: 200,
    via: 'gateway',
    tlsOriginatedBy: 'gateway',
    identityAtGateway: 'shop/checkout',
    plaintextToHost: false,
    contradictions: [],
  });
});

test("a gateway's line about another request is not used", () => {
  const other = evidence({
    ...throughGateway,
    atGateway: [{ ...throughGateway.atGateway![0], from: `${CALLER}:1001` }],
  });
  expect(seen(other).identityAtGateway).toBeUndefined();
  expect(judge(other).passed).toBe(false);
});

test('a certificate that the gateway refuses tells no identity, although its line has the name', () => {
  const refused = evidence({
    ...throughGateway,
    atGateway: [{ ...throughGateway.atGateway![0], downstreamFailure: 'TLS_error: CERTIFICATE_VERIFY_FAILED' }],
  });
  expect(seen(refused).identityAtGateway).toBeUndefined();
});

test('a connection that no line of the sidecar mentions bypassed it', () => {
  expect(seen(evidence({ ...throughGateway, external: [event(CALLER, 2000)] })).via).toBe('direct');
});

test('a connection from an address that is not on the egress path fails any row', () => {
  expect(judge(evidence({ ...throughGateway, external: [event('10.77.0.40', 2000)] })).differences.join()).toMatch(
    /reached from 10.77.0.40/,
  );
});

test('an answer from a dialled address is not an answer of the host', () => {
  const line: AccessLine = {
    method: 'GET',
    code: '200',
    cluster: 'outbound|80||api.example.com',
    upstream: '203.0.113.99:80',
    upstreamFrom: `${CALLER}:1000`,
  };
  const spoofed = evidence({
    row: { dial: '203.0.113.99' },
    sidecar: [line],
    external: [event(CALLER, 1000, { server: 'stray-0.invalid', tls: false })],
  });
  expect(judge(spoofed).differences.join()).toMatch(/the listener on the dialled address answered for api.example.com/);
});

test('without any line of the sidecar the request bypassed it', () => {
  expect(seen(evidence({ external: [event(CALLER, 5, { tls: false })] }))).toMatchObject({
    via: 'direct',
    tlsOriginatedBy: 'none',
    plaintextToHost: true,
  });
});

test('plaintext on a TLS port counts, even without an answer', () => {
  const refused = evidence({
    curl: { statuses: [400] },
    external: [event(CALLER, 9, { event: 'plaintext', tls: undefined })],
    sidecar: [{ method: 'GET', upstreamFrom: `${CALLER}:9` }],
  });
  expect(seen(refused)).toMatchObject({ outcome: 'refused', symptom: 400, plaintextToHost: true, by: 'host' });
});

const resetAfterRequest: Parts = {
  ...throughGateway,
  curl: { statuses: [503] },
  atGateway: [
    {
      ...throughGateway.atGateway![0],
      method: 'GET',
      code: '503',
      details: 'upstream_reset_before_response_started{connection_termination}',
    },
  ],
};

test.each<[string, Parts, Partial<Expectation>]>([
  [
    'a sidecar that knows no such host',
    { curl: { statuses: [502] }, sidecar: [{ method: 'GET', code: '502' }] },
    { by: 'sidecar', symptom: 502 },
  ],
  [
    'a gateway that closes the hop and writes nothing',
    {
      curl: { statuses: [503] },
      sidecar: [{ method: 'GET', code: '503', upstream: `${GATEWAY}:443`, upstreamFrom: `${CALLER}:1000` }],
    },
    { by: 'gateway', via: 'gateway', symptom: 503 },
  ],
  [
    'a gateway that does not trust the certificate',
    {
      ...throughGateway,
      curl: { statuses: [503] },
      atGateway: [{ ...throughGateway.atGateway![0], code: '503', upstreamFailure: 'CERTIFICATE_VERIFY_FAILED' }],
      external: [event(GATEWAY, 2000, { event: 'tls-error' })],
    },
    { by: 'gateway', symptom: 503 },
  ],
  [
    'a gateway whose certificate the host resets the connection for, after the request was sent',
    {
      ...resetAfterRequest,
      external: [event(GATEWAY, 2000, { event: 'hello' })],
    },
    { by: 'gateway', symptom: 503 },
  ],
  [
    'a host that got the request and resets the connection',
    {
      ...resetAfterRequest,
      external: [event(GATEWAY, 2000, { event: 'hello' }), event(GATEWAY, 2000, { event: 'not-http' })],
    },
    { by: 'host', symptom: 503 },
  ],
  [
    'a host behind two gateways',
    {
      ...resetAfterRequest,
      atGateway: [
        { method: 'GET', from: `${CALLER}:1000`, upstream: `${GATEWAY}:443`, upstreamFrom: `${GATEWAY}:3000` },
        { method: 'GET', from: `${GATEWAY}:3000`, upstreamFrom: `${GATEWAY}:2000` },
      ],
      external: [event(GATEWAY, 2000, { event: 'hello' }), event(GATEWAY, 2000, { event: 'not-http' })],
    },
    { by: 'host', symptom: 503 },
  ],
  [
    'a host that wants a certificate of the application',
    {
      row: { request: 'https://api.example.com/' },
      curl: { url: 'https://api.example.com/', exitCode: 56, statuses: [] },
      sidecar: [{ upstream: `${GATEWAY}:443`, upstreamFrom: `${CALLER}:1000` }],
      atGateway: [{ from: `${CALLER}:1000`, upstreamFrom: `${GATEWAY}:2000` }],
      external: [event(GATEWAY, 2000, { event: 'hello' }), event(GATEWAY, 2000, { event: 'tls-error' })],
    },
    { by: 'host', via: 'gateway', symptom: 'closed' },
  ],
  [
    'a host that wants a certificate of the application, noticed while curl still sends',
    {
      row: { request: 'https://api.example.com/' },
      curl: { url: 'https://api.example.com/', exitCode: 55, statuses: [] },
      sidecar: [{ upstream: `${GATEWAY}:443`, upstreamFrom: `${CALLER}:1000` }],
      atGateway: [{ from: `${CALLER}:1000`, upstreamFrom: `${GATEWAY}:2000` }],
      external: [event(GATEWAY, 2000, { event: 'hello' }), event(GATEWAY, 2000, { event: 'tls-error' })],
    },
    { by: 'host', via: 'gateway', symptom: 'closed' },
  ],
  [
    'a host that wants a certificate of the application, after a stream of HTTP/2 has begun',
    {
      row: { request: 'https://api.example.com/' },
      curl: { url: 'https://api.example.com/', exitCode: 18, statuses: [] },
      sidecar: [{ upstream: `${GATEWAY}:443`, upstreamFrom: `${CALLER}:1000` }],
      atGateway: [{ from: `${CALLER}:1000`, upstreamFrom: `${GATEWAY}:2000` }],
      external: [event(GATEWAY, 2000, { event: 'hello' }), event(GATEWAY, 2000, { event: 'tls-error' })],
    },
    { by: 'host', via: 'gateway', symptom: 'closed' },
  ],
])('refused by %s', (_who, parts, expected) => {
  expect(seen(evidence(parts))).toMatchObject({ outcome: 'refused', ...expected });
});

test('headers that the application has not sent count as added', () => {
  const headers = { host: 'api.example.com', accept: '*/*', 'x-request-id': 'a', 'x-mine': 'b' };
  const parts = {
    ...throughGateway,
    curl: { sentHeaders: ['host', 'accept', 'x-mine'] },
    external: [event(GATEWAY, 2000, { headers })],
  };
  expect(seen(evidence(parts)).addedHeaders).toEqual(['x-request-id']);
});

test("those of the row's headers that did not arrive count as removed", () => {
  const parts = {
    ...throughGateway,
    row: { headers: { Host: 'api.example.com', 'X-Mine': 'a', B3: 'b' } },
    external: [event(GATEWAY, 2000, { headers: { host: 'api.example.com', 'x-mine': 'a' } })],
  };
  expect(seen(evidence(parts)).removedHeaders).toEqual(['b3']);
});

test("a certificate that is not the external host's own is a contradiction", () => {
  const parts: Parts = {
    row: { request: 'https://api.example.com/' },
    curl: { url: 'https://api.example.com/', certificate: { subject: 'O=mesh', issuer: 'O=cluster.local' } },
    sidecar: [
      { cluster: 'outbound|443||api.example.com', upstream: '203.0.113.10:443', upstreamFrom: `${CALLER}:1000` },
    ],
    external: [event(CALLER, 1000)],
  };
  expect(judge(evidence(parts)).differences.join()).toMatch(/certificate that is not the external host's/);
});

test('exactly the fields that a row has are compared', () => {
  const { differences } = judge(
    evidence({ ...throughGateway, expect: { status: 301, via: 'sidecar', addedHeaders: [] } }),
  );
  expect(differences).toEqual(['status: expected 301, seen 200', 'via: expected sidecar, seen gateway']);
});

test("the harness waits for the gateway's line about a forwarded request", () => {
  expect(complete(evidence(throughGateway), true)).toBe(true);
  expect(complete(evidence({ ...throughGateway, atGateway: [] }), true)).toBe(false);
  expect(complete(evidence({ ...throughGateway, sidecar: [] }), true)).toBe(false);
});

test('failed attempts of the sidecar leave no port in its line: the line alone completes the evidence', () => {
  const tries: Parts = {
    curl: { statuses: [503], localPort: 5 },
    external: [1000, 1001].flatMap((port) => [
      event(CALLER, port, { event: 'connect' }),
      event(CALLER, port, { event: 'tls-error' }),
    ]),
  };
  const line = { method: 'GET', code: '503', flags: 'URX,UF', from: `${CALLER}:5` };
  expect(complete(evidence({ ...tries, sidecar: [line] }), true)).toBe(true);
  expect(complete(evidence(tries), true)).toBe(false);
  // A late line about another connection.
  expect(complete(evidence({ ...tries, sidecar: [{ ...line, from: `${CALLER}:4` }] }), true)).toBe(false);
});
