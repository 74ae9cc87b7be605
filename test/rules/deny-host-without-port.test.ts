import { reported } from './support';
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
