import { assertHostName, assertHostPattern } from '../../src/values/host-name';
import { errorOf } from '../support/app';

const label = (length: number) => 'a'.repeat(length);

test.each([
  'example.com',
  'api.example.com',
  'xn--bcher-kva.example',
  '0.pool.ntp.org',
  '1password.com',
  `${label(63)}.example.com`,
  `${[label(63), label(63), label(63), label(61)].join('.')}`, // 253 characters
  'svc.example.com',
  'status.svc.example.com',
  'egress.internal.example.com',
])('%s names one external host', (host) => {
  expect(assertHostName(host)).toBe(host);
});

/** What was written, why it cannot work, and what to write instead. */
test.each([
  ['nothing', '', ['"" is not a valid host name', 'write one such as "api.example.com"']],
  [
    'a URL',
    'https://api.example.com:8443/v1',
    ['"https://api.example.com:8443/v1" is a URL', 'write only its host, "api.example.com"', '`ports`'],
  ],
  ['an IPv4 address', '203.0.113.10', ['"203.0.113.10" is an IP address', '`addresses`', 'DirectEgress']],
  ['an IPv6 address', '2001:db8::1', ['"2001:db8::1" is an IP address', '`addresses`']],
  ['an IPv6 address in brackets', '[2001:db8::1]', ['is an IP address']],
  ['a mistyped IP address', '203.0.113.400', ['"203.0.113.400" ends with a number', 'mistyped IP address']],
  ['a wildcard', '*.example.com', ['"*.example.com" is a wildcard', 'name every host']],
  ['a wildcard for everything', '*', ['is a wildcard']],
  ['a host with its port', 'api.example.com:8443', ['contains a port', 'write "api.example.com"', '`ports`']],
  ['a host with a path', 'api.example.com/v1', ['contains a path', 'write only the host name']],
  ['a trailing dot', 'api.example.com.', ['ends with a dot', 'write "api.example.com"']],
  [
    'an internationalised name',
    'bücher.example',
    ['is internationalised', 'write its ASCII form', '"xn--bcher-kva.example"'],
  ],
  ['an internationalised name that DNS cannot know', 'bü cher.example', ['is internationalised', 'ASCII form']],
  ['upper case', 'API.example.com', ['has upper-case letters', 'write "api.example.com"']],
  ['254 characters', [label(63), label(63), label(63), label(62)].join('.'), ['is 254 characters long', 'at most 253']],
  ['a label of 64 characters', `${label(64)}.example.com`, ['has a label of 64 characters', 'at most 63']],
  ['an underscore', 'my_host.example.com', ['"my_host" is not a label']],
  ['a blank', 'api.example.com ', ['"api.example.com " has blanks around it', 'write "api.example.com"']],
  ['a blank before it', ' httpbin.org', ['" httpbin.org" has blanks around it', 'write "httpbin.org"']],
  ['a blank inside', 'api example.com', ['contains a blank', 'write only the host name']],
  ['several hosts in one text', 'a.io, b.io', ['contains several hosts', 'write each one separately: "a.io", "b.io"']],
  ['upper case that is not a valid name in lower case either', 'A_B.example.com', ['"a_b" is not a label']],
  ['a hyphen at the end of a label', 'api-.example.com', ['"api-" is not a label']],
  ['an empty label', 'api..example.com', ['is not a DNS name']],
  ['a short name', 'billing', ['is a short name', 'write the fully qualified name']],
  [
    'a Service of the cluster',
    'billing.shop.svc.cluster.local',
    ['is the name of a Kubernetes Service', 'need no egress'],
  ],
  ["a Service without the cluster's domain", 'billing.shop.svc', ['is the name of a Kubernetes Service']],
  ['a name of the hop', 'http-80.0123.egress.internal', ['is in egress.internal']],
  ['the domain of the hop', 'egress.internal', ['is in egress.internal']],
])('%s is refused, with the reason and the cure', (_what, host, parts) => {
  const message = errorOf(() => assertHostName(host));
  for (const part of parts) expect(message).toContain(part);
});

/** What is meant, and the word that allows it. */
test.each([
  ['kubernetes.default', 'ends with "default", which is not a top-level domain but perhaps a namespace'],
  ['redis.team-1', 'ends with "team-1"'],
  ['istiod.istio-system', 'ends with "istio-system"'],
  ['x.default.svc.cluster.local', 'is the name of a Kubernetes Service or pod'],
  ['db-0.db.shop.svc.cluster.local', 'is the name of a Kubernetes Service or pod'],
  ['10-0-0-7.shop.pod.cluster.local', 'is the name of a Kubernetes Service or pod'],
  ['db.shop.svc.clusterset.local', 'is the name of a Kubernetes Service or pod'],
  ['localhost.localdomain', 'names the pod itself'],
  ['admin.localhost', 'names the pod itself'],
  ['metadata.google.internal', 'names the node or its cloud'],
  ['v1.metadata.google.internal', 'reaches metadata.google.internal, the node or its cloud'],
  ['*.google.internal', 'reaches metadata.google.internal, the node or its cloud'],
  ['*.shop.svc.cluster.local', 'is the name of a Kubernetes Service or pod'],
])('%s names something inside: refused, unless that is said', (host, why) => {
  const message = errorOf(() => assertHostPattern(host, false, false));
  expect(message).toContain(`"${host}" ${why}`);
  expect(message).toContain('add `unsafeInternalHosts: true`');
  expect(assertHostPattern(host, false, true)).toBe(host);
});

test("a Service is known by the mesh's own domain too", () => {
  expect(assertHostName('billing.corp.example')).toBe('billing.corp.example');
  expect(errorOf(() => assertHostName('billing.corp.example', { clusterDomain: 'corp.example' }))).toContain(
    'is the name of a Kubernetes Service or pod',
  );
});

test.each([
  'google.internal',
  'metadata.example.com',
  'default.example.com',
  'api.example.xn--p1ai',
  'cluster.local.example',
])('%s is an external host', (host) => {
  expect(assertHostPattern(host, false, false)).toBe(host);
});

test('a host of another kind is refused', () => {
  expect(errorOf(() => assertHostName(undefined as any))).toBe(
    'undefined is not a valid host name; write one such as "api.example.com"',
  );
});
