import { findings, reported, route } from './support';
import { EgressObject } from '../../src/rules';

const code = 'deny-host-without-port';
const policy = (hosts: string[], spec: object = {}): EgressObject => ({
  manifest: {
    apiVersion: 'security.istio.io/v1',
    kind: 'AuthorizationPolicy',
    metadata: { name: 'p', namespace: 'egress' },
    spec: { action: 'DENY', rules: [{ to: [{ operation: { hosts } }] }], ...spec },
  },
  origin: 'policy',
});

test.each([[['a.com']], [['a.com', 'b.com', 'b.com:*']], [['a.com', 'aa*']], [['*.a.com']], [['a.com', '*a.com']]])(
  'DENY %j can be bypassed with a port',
  (hosts) => {
    expect(reported(code, [policy(hosts)])).toEqual(['policy']);
  },
);

test.each([
  [['a.com', 'a.com:*']],
  [['a.com*', 'a.com']],
  [['a.com', 'a.*']],
  [['a.com', 'a.com:80']],
  [['*']],
  [['a.com', '*']],
  [['a.com:80']],
])('DENY %j cannot', (hosts) => {
  expect(reported(code, [policy(hosts)])).toEqual([]);
});

test('ALLOW fails closed', () => {
  expect(reported(code, [policy(['a.com'], { action: 'ALLOW' }), policy(['a.com'], { action: undefined })])).toEqual(
    [],
  );
});

test('a policy without rules or operations denies no host', () => {
  expect(reported(code, [policy([], { rules: [{}, { to: [{}] }] }), policy([], { rules: undefined })])).toEqual([]);
});

test.each([
  ['no route', 'warning', {}],
  ['a route of sidecars', 'warning', { hosts: ['a.com'] }],
  ['a route of a gateway', 'error', { hosts: ['a.com'], gateways: ['exit'] }],
  ['one for all hosts of a domain', 'error', { hosts: ['*.com'], gateways: ['exit'] }],
  ['a route of a gateway elsewhere', 'warning', { hosts: ['a.com'], gateways: ['web/exit'] }],
  ['one for another host', 'warning', { hosts: ['b.com'], gateways: ['exit'] }],
  ['one that reads no HTTP', 'warning', { hosts: ['a.com'], gateways: ['exit'], http: undefined, tcp: [{}] }],
])('with %s it is: %s', (_what, severity, spec) => {
  expect(findings(code, [policy(['a.com']), route('egress/v', spec)])[0].severity).toBe(severity);
});

test('a pattern of the policy covers the hosts of routes', () => {
  const routed = route('egress/v', { hosts: ['x.a.com'], gateways: ['exit'] });
  expect(findings(code, [policy(['*.a.com']), routed])[0].severity).toBe('error');
});
