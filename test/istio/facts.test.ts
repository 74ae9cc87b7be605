import { portOfRequest } from '../../src/access/request-url';
import { fullHost } from '../../src/istio/hosts';
import { podTemplateOf } from '../../src/istio/pod-templates';
import {
  canonicalProtocol,
  isHttp,
  isHttp2,
  isOpaque,
  isTls,
  PROTOCOL_NAMES,
  protocolOfServicePort,
} from '../../src/istio/protocols';
import { holdsUnknownAddress, isPrivateRange, matchedRanges, METADATA_ADDRESSES } from '../../src/istio/ranges';
import { domainOfServiceHost, resolvedServiceHosts, serviceHost, serviceOfHost } from '../../src/istio/service-names';

test.each([
  ['172.16.0.0/12', true],
  ['172.31.255.0/24', true],
  ['172.0.0.0/8', false],
  ['172.32.0.0/16', false],
  ['100.64.0.0/10', true],
  ['100.127.0.0/16', true],
  ['100.0.0.0/8', false],
  ['100.128.0.0/16', false],
  ['192.168.1.1', true],
  ['192.0.0.0/8', false],
  ['fd00::/8', true],
  ['fe80::1', true],
  ['64:ff9b::10.0.0.5', true],
  ['64:ff9b::8.8.8.8', false],
  ['64:ff9b::/96', false],
  ['2001:db8::/32', false],
])('whether %s is private: %s', (range, expected) => {
  expect(isPrivateRange(range)).toBe(expected);
});

test.each(Object.entries(METADATA_ADDRESSES))('the metadata services of %s are not public', (_cloud, addresses) => {
  expect(addresses.filter((address) => !isPrivateRange(address))).toEqual([]);
});

test.each([
  ['10.0.0.0/8', [], false],
  ['fc00::/7', [], false],
  ['0.0.0.0/0', [], true],
  ['0.0.0.0/0', ['10.0.0.0/8', '100.64.0.0/10', 'fd00::/8'], true],
  ['0.0.0.0/0', ['203.0.113.0/24'], 'perhaps'],
  ['0.0.0.0/0', ['172.0.0.0/8'], 'perhaps'],
  ['172.0.0.0/8', [], 'perhaps'],
  ['::/0', [], 'perhaps'],
])('whether %s except %j holds an unknown external host: %s', (cidr, except, expected) => {
  expect(holdsUnknownAddress(cidr, except)).toBe(expected);
});

test('istiod leaves out ranges of the address 0.0.0.0, and no others', () => {
  expect(matchedRanges(['0.0.0.0/0', '0.0.0.0/1', '128.0.0.0/1', '::/0', '0.1.0.0/16'])).toEqual([
    '128.0.0.0/1',
    '::/0',
    '0.1.0.0/16',
  ]);
});

test('names of Services in a cluster of another domain', () => {
  expect(serviceHost('exit', 'egress', 'corp.example')).toBe('exit.egress.svc.corp.example');
  expect(serviceOfHost('exit.egress.svc.corp.example', 'corp.example')).toEqual({ name: 'exit', namespace: 'egress' });
  expect(serviceOfHost('exit.egress.svc.corp.example')).toBeUndefined();
  expect(serviceOfHost('a.exit.egress.svc.cluster.local')).toBeUndefined();
  expect(domainOfServiceHost('exit.egress.svc.corp.example')).toBe('corp.example');
  expect(domainOfServiceHost('api.example.com')).toBeUndefined();
  expect(fullHost('exit', { namespace: 'egress', clusterDomain: 'corp.example' })).toBe('exit.egress.svc.corp.example');
  expect(fullHost('exit', { namespace: 'egress' })).toBe('exit.egress.svc.cluster.local');
  expect(
    ['exit', 'exit.egress', 'exit.egress.svc', 'a.b.c.d'].map((name) => resolvedServiceHosts(name, 'egress')),
  ).toEqual([
    ['exit.egress.svc.cluster.local'],
    ['exit.egress.svc.cluster.local'],
    ['exit.egress.svc.cluster.local'],
    [],
  ]);
});

test('each protocol is read in exactly one way, or has no listener', () => {
  const ways = Object.fromEntries(
    PROTOCOL_NAMES.map((name) => [
      name,
      [isHttp(name) && 'http', isTls(name.toLowerCase()) && 'tls', isOpaque(name) && 'opaque'].filter(Boolean).join(),
    ]),
  );
  expect(ways).toEqual({
    HTTP: 'http',
    HTTP2: 'http',
    HTTPS: 'tls',
    GRPC: 'http',
    'GRPC-WEB': 'http',
    TLS: 'tls',
    TCP: 'opaque',
    UDP: '',
    MONGO: 'opaque',
    REDIS: 'opaque',
    MYSQL: 'opaque',
    HBONE: '',
    HTTP_PROXY: 'http',
  });
  expect(PROTOCOL_NAMES.filter(isHttp2)).toEqual(['HTTP2', 'GRPC', 'GRPC-WEB']);
  expect(['https', 'GRPC', 'TCP'].map(canonicalProtocol)).toEqual(['TLS', 'HTTP2', 'TCP']);
});

test.each([
  [{ name: 'http-web' }, 'HTTP'],
  [{ name: 'grpc-web-x' }, 'GRPC-WEB'],
  [{ name: 'Redis' }, 'REDIS'],
  [{ name: 'metrics' }, ''],
  [{ name: 'http', appProtocol: 'kubernetes.io/h2c' }, 'HTTP2'],
  [{ name: 'http', appProtocol: 'kubernetes.io/wss' }, 'HTTPS'],
  [{ name: 'http', protocol: 'UDP' }, 'UDP'],
  [{ name: 'http_proxy' }, ''],
  [{ name: 'http', appProtocol: 'HTTP_PROXY-a' }, 'HTTP_PROXY'],
  [{ name: 'http', appProtocol: 'example.com/http_proxy' }, ''],
])("a Service's port %j is %s", (port, expected) => {
  expect(protocolOfServicePort(port)).toBe(expected);
});

test('where a pod template is', () => {
  const template = { metadata: { labels: { app: 'x' } }, spec: { containers: [{ name: 'x' }] } };
  expect(podTemplateOf({ kind: 'Pod', ...template })).toMatchObject(template);
  for (const kind of ['Deployment', 'Job', 'Rollout'])
    expect(podTemplateOf({ kind, spec: { template } })).toBe(template);
  expect(podTemplateOf({ kind: 'CronJob', spec: { jobTemplate: { spec: { template } } } })).toBe(template);
  expect(podTemplateOf({ kind: 'Certificate', spec: { template: { metadata: {} } } })).toBeUndefined();
});

test.each([
  ['http://a.example.com/', 80],
  ['https://a.example.com', 443],
  ['http://a.example.com:8080/x', 8080],
  ['tcp://db.example.com:5432', 5432],
  ['tcp://db.example.com:80', 80],
  ['tcp://db.example.com', undefined],
])('the port of %s is %s', (request, port) => {
  expect(portOfRequest(request)).toBe(port);
});
