import { ask, EXIT_PODS, HTTP_EXIT, HTTP_EXIT_SERVICE, istioObject, LOCKED, object } from './support';
import { isPlainYes } from '../../src/explain/as-wanted';

/** A host to whose port 443 proxies originate TLS. */
const host = (name: string) =>
  istioObject(
    'ServiceEntry',
    name,
    'shop',
    `{ hosts: [${name}.example.com], resolution: DNS, ports: [{ number: 80, name: http, protocol: HTTP }, { number: 443, name: https, protocol: HTTPS }] }`,
  ) +
  istioObject(
    'DestinationRule',
    name,
    'shop',
    `{ host: ${name}.example.com, trafficPolicy: { portLevelSettings: [{ port: { number: 443 }, tls: { mode: SIMPLE, sni: ${name}.example.com, subjectAltNames: [${name}.example.com] } }] } }`,
  );

const to = (name: string, port: number, weight = 100) =>
  `{ destination: { host: ${name}.example.com, port: { number: ${port} } }, weight: ${weight} }`;

/** TLS to api.example.com, and a copy to a gateway, whose route leads further. */
const copied = (...further: string[]) =>
  host('api') +
  host('copy') +
  istioObject(
    'VirtualService',
    'api',
    'shop',
    `{ hosts: [api.example.com], http: [{ route: [${to('api', 443)}], mirror: { host: exit.egress.svc.cluster.local, port: { number: 80 } } }] }`,
  ) +
  HTTP_EXIT_SERVICE +
  HTTP_EXIT +
  istioObject(
    'VirtualService',
    'exit',
    'egress',
    `{ hosts: [api.example.com], gateways: [exit], http: [{ route: [${further.join(', ')}] }] }`,
  );

const see = (yaml: string, knownGateways = [{ name: 'exit', ...EXIT_PODS }]) =>
  ask(yaml, 'shop/app', 'http://api.example.com/', { ...LOCKED, knownGateways });

describe('a copy that leaves by a gateway', () => {
  test('in TLS, or in plaintext', () => {
    const inTls = see(copied(to('copy', 443)));
    expect(isPlainYes(inTls)).toBe(true);
    expect(inTls).toMatchObject({ via: 'sidecar', plaintextToHost: false, alternatives: [] });
    expect(see(copied(to('copy', 80)))).toMatchObject({ outcome: 'answered', plaintextToHost: true });
  });

  test('on each of its routes', () => {
    expect(see(copied(to('copy', 443, 60), to('copy', 80, 40)))).toMatchObject({
      plaintextToHost: false,
      alternatives: [{ weight: 40, answer: { outcome: 'answered', plaintextToHost: true } }],
    });
    expect(see(copied(to('copy', 443, 60), to('api', 443, 40))).alternatives).toEqual([]);
  });

  test('whose end is unknown', () => {
    const filter = object(
      'EnvoyFilter',
      'networking.istio.io/v1alpha3',
      '{ configPatches: [{ applyTo: HTTP_ROUTE, patch: { operation: MERGE } }] }',
      'egress',
    );
    expect(see(copied(to('copy', 443)) + filter)).toMatchObject({
      outcome: 'undetermined',
      reason: expect.stringContaining('EnvoyFilter egress/x'),
    });
  });

  test('on the conditions of the gateway, and on its own where it is plaintext', () => {
    const withoutService = copied(to('copy', 443)).replace(HTTP_EXIT_SERVICE, '');
    expect(see(withoutService, []).condition?.holds).toMatch(/^Service egress\/exit selects gateway pods/);
    const http2 = copied(to('copy', 80)).replaceAll(
      'protocol: HTTP }, { number: 443',
      'protocol: GRPC }, { number: 443',
    );
    expect(see(http2)).toMatchObject({
      plaintextToHost: true,
      condition: { holds: 'copy.example.com:80 speaks HTTP/2 without TLS' },
    });
  });
});
