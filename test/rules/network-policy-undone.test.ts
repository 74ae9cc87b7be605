import { reported } from './support';
import { EgressObject } from '../../src/rules';

const code = 'network-policy-undone';
const policy = (place: string, spec: object): EgressObject => {
  const [namespace, name] = place.split('/');
  return {
    manifest: {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name, namespace },
      spec: { podSelector: {}, policyTypes: ['Egress'], ...spec },
    },
    origin: place,
  };
};
const shut = policy('shop/shut', { egress: [] });

test.each([
  [{ egress: [{}] }],
  [{ egress: [{ to: [], ports: [] }] }],
  [{ egress: [{ to: [{ ipBlock: { cidr: '0.0.0.0/0' } }] }] }],
  [{ egress: [{}], policyTypes: undefined }],
])('%j opens what another policy keeps shut', (spec) => {
  expect(reported(code, [shut, policy('shop/open', spec)])).toEqual(['shop/open shop/shut']);
  expect(reported(code, [shut, policy('web/open', spec)])).toEqual([]);
});

test.each([
  [{ egress: [] }],
  [{ egress: [{ ports: [{ port: 53 }] }] }],
  [{ egress: [{ to: [{ ipBlock: { cidr: '0.0.0.0/0', except: ['10.0.0.0/8'] } }] }] }],
  [{ ingress: [{}], policyTypes: ['Ingress'] }],
  [{ egress: [{}], podSelector: { matchExpressions: [{ key: 'app', operator: 'Exists' }] } }],
])('%j does not', (spec) => {
  expect(reported(code, [shut, policy('shop/other', spec)])).toEqual([]);
});

test('an exception undoes what allows something, and not what is there to have exceptions', () => {
  const open = policy('shop/open', { egress: [{}], podSelector: { matchLabels: { app: 'till' } } });
  expect(reported(code, [shut, open])).toEqual([]);
  const dns = policy('shop/dns', { egress: [{ ports: [{ port: 53 }] }] });
  expect(reported(code, [shut, dns, open])).toEqual(['shop/dns shop/open']);
  const spec = { selector: { app: 'till' }, servers: [] };
  const gateway = {
    apiVersion: 'networking.istio.io/v1',
    kind: 'Gateway',
    metadata: { name: 'a', namespace: 'shop' },
    spec,
  };
  expect(reported(code, [dns, open, { manifest: gateway, origin: 'a' }])).toEqual([]);
});

test('of other pods it does not either', () => {
  const of = (place: string, app: string, egress: object[]) =>
    policy(place, { podSelector: { matchLabels: { app } }, egress });
  expect(reported(code, [of('shop/a', 'a', []), of('shop/b', 'b', [{}])])).toEqual([]);
});
