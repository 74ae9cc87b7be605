import { ask } from './support';

const entry = (more: string) => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: site, namespace: shop }
spec: { hosts: ["*.example.com"], ${more} }
`;
const other = (kind: string, spec: string) => `
apiVersion: networking.istio.io/v1
kind: ${kind}
metadata: { name: site, namespace: shop }
spec: ${spec}
`;

test.each([
  ['a wildcard with DNS', entry('resolution: DNS, ports: [{ number: 443, name: tls, protocol: TLS }]'), /spec\.hosts/],
  ['a port without a name', entry('ports: [{ number: 443, protocol: TLS }]'), /spec\.ports\[0\]\.name/],
  [
    'an address as destination',
    other('VirtualService', '{ hosts: [a.example.com], http: [{ route: [{ destination: { host: 203.0.113.9 } }] }] }'),
    /destination\.host: 203\.0\.113\.9/,
  ],
  [
    'an empty port setting',
    other(
      'DestinationRule',
      '{ host: a.example.com, trafficPolicy: { portLevelSettings: [{ port: { number: 443 } }] } }',
    ),
    /portLevelSettings\[0\]: sets nothing/,
  ],
])("%s is named as what Istio's webhook rejects", (_what, yaml, problem) => {
  const answer = ask(yaml, 'shop/cart', 'https://a.example.com/');
  expect(answer.outcome).toBe('undetermined');
  expect(answer.reason).toMatch(/would be rejected by Istio's webhook/);
  expect(answer.reason).toMatch(problem);
});
