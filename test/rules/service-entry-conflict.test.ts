import { entry, findings, route, reported } from './support';

const code = 'service-entry-conflict';
const http = { number: 80, name: 'http', protocol: 'HTTP' };
const tls = { number: 443, name: 'tls', protocol: 'TLS' };

describe('in one namespace', () => {
  const pair = (a: object, b: object) => reported(code, [entry('shop/a', a), entry('shop/b', b)]);

  test('ports of entries that agree are merged', () => {
    expect(pair({ ports: [http] }, { ports: [tls] })).toEqual([]);
    expect(pair({ ports: [http, tls] }, { ports: [tls] })).toEqual([]);
    expect(pair({ ports: [tls] }, { ports: [{ ...tls, protocol: 'HTTPS' }] })).toEqual([]);
  });

  test.each([
    ['resolution', {}, { resolution: 'STATIC' }],
    ['no resolution, which is NONE', {}, { resolution: undefined }],
    ['endpoints', {}, { endpoints: [{ address: 'b.example.com' }] }],
    ['protocol of a port', { ports: [http] }, { ports: [{ ...http, protocol: 'TCP' }], addresses: ['203.0.113.1'] }],
    ['target port', { ports: [http] }, { ports: [{ ...http, targetPort: 8080 }] }],
    ['exportTo, with other ports', { ports: [http] }, { ports: [tls], exportTo: ['.', 'web'] }],
  ])('a different %s is a conflict', (_what, a, b) => {
    expect(pair(a, b)).toEqual(['shop/a shop/b']);
  });

  test('a different exportTo alone changes nothing', () => {
    expect(pair({}, { exportTo: ['.', 'web'] })).toEqual([]);
    expect(pair({ ports: [http] }, { ports: [tls], exportTo: ['web'] })).toEqual([]);
  });

  test('endpoints are shared even by entries that no namespace sees together', () => {
    expect(pair({ resolution: 'STATIC' }, { exportTo: ['web'] })).toEqual(['shop/a shop/b']);
  });

  test('ports of entries with different labels are not merged', () => {
    const labelled = (name: string, ports: object[], labels: object) => entry(`shop/${name}`, { ports }, { labels });
    expect(reported(code, [labelled('a', [http], { team: 'x' }), labelled('b', [tls], { team: 'y' })])).toEqual([
      'shop/a shop/b',
    ]);
    expect(reported(code, [labelled('a', [http], { team: 'x' }), labelled('b', [tls], { team: 'x' })])).toEqual([]);
    expect(reported(code, [labelled('a', [tls], { team: 'x' }), labelled('b', [tls], { team: 'y' })])).toEqual([]);
    // Deployment tools add labels, so an entry without labels proves no difference.
    expect(reported(code, [labelled('a', [http], { team: 'x' }), entry('shop/b', { ports: [tls] })])).toEqual([]);
  });
});

describe('in different namespaces', () => {
  test('private entries of different namespaces do not conflict', () => {
    expect(reported(code, [entry('shop/a', { resolution: 'STATIC' }), entry('egress/a', {})])).toEqual([]);
  });

  test("a namespace's own entry may differ from a public one", () => {
    expect(
      reported(code, [
        entry('shop/ours', { resolution: 'STATIC' }),
        entry('other/public', { exportTo: ['*'], ports: [http, tls] }),
      ]),
    ).toEqual([]);
  });

  test("a namespace's own entry hides ports that were exported to it by name", () => {
    const exported = entry('platform/a', {
      exportTo: ['shop'],
      ports: [{ number: 22, name: 'tcp', protocol: 'TCP' }],
      addresses: ['203.0.113.1'],
    });
    const [finding] = findings(code, [entry('shop/ours', {}), exported]);
    expect(finding.message).toContain('its own entry counts there');
    expect(reported(code, [entry('shop/ours', {}), entry('platform/a', { exportTo: ['shop'] })])).toEqual([]);
  });

  test('public entries contradict each other when they differ', () => {
    expect(reported(code, [entry('shop/a', { exportTo: ['*'] }), entry('other/b', { exportTo: undefined })])).toEqual(
      [],
    );
    for (const differing of [
      { resolution: 'NONE' },
      { ports: [{ ...tls, protocol: 'TCP' }] },
      { ports: [tls, http] },
      { endpoints: [{ address: 'b' }] },
    ]) {
      expect(
        reported(code, [entry('shop/a', { exportTo: ['*'] }), entry('other/b', { exportTo: ['*'], ...differing })]),
      ).toEqual(['other/b shop/a']);
    }
  });

  test('a third namespace gets the oldest entry that is exported to it', () => {
    expect(
      reported(code, [
        entry('shop/a', { exportTo: ['.', 'web'] }),
        entry('other/b', { exportTo: ['web'], ports: [http] }),
      ]),
    ).toEqual(['other/b shop/a']);
    expect(
      reported(code, [
        entry('shop/a', { exportTo: ['.', 'web'] }),
        entry('other/b', { exportTo: ['api'], ports: [http] }),
      ]),
    ).toEqual([]);
  });

  test('what several namespaces see alike makes one finding, in any order', () => {
    const a = entry('shop/a', { exportTo: ['web', 'api'] });
    const b = entry('other/b', { exportTo: ['api', 'web'], ports: [http] });
    const found = findings(code, [a, b]);
    expect(found.map(({ message }) => message)).toEqual([
      expect.stringContaining('differently for namespaces api and web: the oldest counts there'),
    ]);
    expect(findings(code, [b, a])).toEqual(found);
  });

  test('entries of one namespace are merged for other namespaces too', () => {
    expect(
      reported(code, [entry('shop/a', { exportTo: ['*'], ports: [http] }), entry('shop/b', { exportTo: ['*'] })]),
    ).toEqual([]);
  });

  test('a gateway does not prefer its own namespace: another entry that it sees may win', () => {
    const caller = entry('shop/a', { resolution: 'STATIC', exportTo: ['*'] });
    const real = entry('egress/a', {});
    expect(reported(code, [caller, real])).toEqual([]);
    const atGateway = route('egress/r', { hosts: ['hop.internal'], gateways: ['egress/exit'] });
    expect(reported(code, [caller, real, atGateway])).toEqual(['egress/a shop/a']);
  });

  test('an entry that is exported to no namespace causes no conflict', () => {
    expect(
      reported(code, [
        entry('shop/a', { exportTo: ['*'] }),
        entry('other/b', { exportTo: ['~'], resolution: 'STATIC' }),
      ]),
    ).toEqual([]);
  });
});

describe('beside a Service', () => {
  const service = {
    manifest: { apiVersion: 'v1', kind: 'Service', metadata: { name: 'x', namespace: 'shop' }, spec: {} },
    origin: 'x',
  };
  const beside = (place: string, spec: object) =>
    reported(code, [service, entry(place, { hosts: ['b.example.com', 'x.shop.svc.cluster.local'], ...spec })], {
      clusterDomain: 'cluster.local',
    });

  test.each([
    ['endpoints', { resolution: 'STATIC', endpoints: [{ address: '203.0.113.1' }] }],
    ['workloads', { resolution: 'STATIC', workloadSelector: { labels: { app: 'x' } } }],
  ])('an entry of its namespace with its host gives it its %s', (_what, spec) => {
    expect(beside('shop/a', spec)).toEqual(['shop/a']);
  });

  test('one of another namespace, or without endpoints, does not', () => {
    expect(beside('other/a', { resolution: 'STATIC', endpoints: [{ address: '203.0.113.1' }] })).toEqual([]);
    expect(beside('shop/a', { resolution: 'NONE' })).toEqual([]);
  });
});

test('names that differ in case only share a listener, unless they have addresses or no namespace sees both', () => {
  const pair = (other: object, place = 'shop/b') =>
    reported(code, [entry('shop/a', {}), entry(place, { hosts: ['A.example.com'], ...other })]);
  expect(pair({})).toEqual(['shop/a shop/b']);
  expect(pair({ exportTo: ['*'] }, 'web/b')).toEqual(['shop/a web/b']);
  expect(pair({}, 'web/b')).toEqual([]);
  expect(pair({ ports: [http] })).toEqual([]);
  expect(pair({ addresses: ['203.0.113.1'] })).toEqual([]);
  expect(reported(code, [entry('shop/a', { hosts: ['a.example.com', 'A.example.com'] })])).toEqual(['shop/a']);
  const others = [entry('shop/b', { hosts: ['A.example.com'] }), entry('shop/c', { hosts: ['A.Example.com'] })];
  expect(reported(code, [entry('shop/a', { ports: [http] }), ...others])).toEqual(['shop/b shop/c']);
});
