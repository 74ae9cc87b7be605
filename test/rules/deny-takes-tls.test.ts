import { gateway, reported } from './support';
import { EgressObject } from '../../src/rules';

const code = 'deny-takes-tls';
const through = gateway('egress/exit', ['b.example.com'], { tls: { mode: 'PASSTHROUGH' } });
const policy = (rule: object, spec: object = {}, namespace = 'egress'): EgressObject => ({
  manifest: {
    apiVersion: 'security.istio.io/v1',
    kind: 'AuthorizationPolicy',
    metadata: { name: 'p', namespace },
    spec: { selector: { matchLabels: { istio: 'exit' } }, action: 'DENY', rules: [rule], ...spec },
  },
  origin: 'policy',
});
const posts = { to: [{ operation: { methods: ['POST'] } }] };

test.each(['hosts', 'notHosts', 'methods', 'notMethods', 'paths', 'notPaths'])(
  'a DENY rule with nothing but %s is reported',
  (field) => {
    expect(reported(code, [through, policy({ to: [{ operation: { [field]: ['x'] } }] })])).toEqual([
      'egress/exit policy',
    ]);
  },
);

test('ports, callers and other conditions also apply to TCP', () => {
  expect(reported(code, [through, policy({ to: [{ operation: { methods: ['POST'], ports: ['8080'] } }] })])).toEqual(
    [],
  );
  expect(reported(code, [through, policy({ to: [{ operation: { methods: ['POST'], notPorts: ['8443'] } }] })])).toEqual(
    [],
  );
  expect(reported(code, [through, policy({ ...posts, from: [{ source: { principals: ['x'] } }] })])).toEqual([]);
  expect(reported(code, [through, policy({ ...posts, when: [{ key: 'connection.sni', values: ['x'] }] })])).toEqual([]);
  expect(reported(code, [through, policy({ to: [{ operation: { ports: ['8080'] } }] })])).toEqual([]);
  expect(reported(code, [through, policy({ from: [{ source: { principals: ['x'] } }] })])).toEqual([]);
});

test('only DENY policies, only on the pods of the gateway, only for servers that do not parse HTTP', () => {
  expect(reported(code, [through, policy(posts, { action: 'ALLOW' })])).toEqual([]);
  expect(reported(code, [through, policy(posts, { selector: { matchLabels: { istio: 'other' } } })])).toEqual([]);
  expect(reported(code, [through, policy(posts, { selector: undefined })])).toEqual(['egress/exit policy']);
  expect(reported(code, [through, policy(posts, { targetRefs: [{ kind: 'Gateway', name: 'x' }] })])).toEqual([]);
  expect(reported(code, [through, policy(posts, {}, 'shop')])).toEqual([]);
  expect(reported(code, [through, policy(posts, {}, 'istio-system')])).toEqual(['egress/exit policy']);
  expect(reported(code, [gateway('egress/exit', ['b.example.com']), policy(posts)])).toEqual([]);
});

test('a rule for some callers is reported where the server can know them', () => {
  const mutual = gateway('egress/exit', ['b.example.com'], {
    tls: { mode: 'ISTIO_MUTUAL' },
    port: { number: 443, name: 'tls', protocol: 'TLS' },
  });
  const of = (source: object) => policy({ ...posts, from: [{ source }] });
  expect(reported(code, [mutual, of({ principals: ['x'] })])).toEqual(['egress/exit policy']);
  expect(reported(code, [through, of({ notPrincipals: ['x'] })])).toEqual(['egress/exit policy']);
  expect(reported(code, [through, policy({ ...posts, when: [{ key: 'request.headers[a]', values: ['x'] }] })])).toEqual(
    ['egress/exit policy'],
  );
});
