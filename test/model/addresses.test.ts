/** Addresses that nothing tells, where ranges and entries ask for them. */
import { ask, ENTRY, LOCKED, object } from './support';

test('an unknown address and a range that could contain it', () => {
  const range = object(
    'ServiceEntry',
    'networking.istio.io/v1',
    '{ hosts: [range.example.com], addresses: [198.51.100.0/24], resolution: STATIC, endpoints: [{ address: 203.0.113.77 }], ports: [{ number: 443, ' +
      'name: tcp, protocol: TCP }] }',
  );
  expect(ask(`${ENTRY}${range}`, 'shop/app', 'https://site.example.com/')).toMatchObject({
    condition: { holds: expect.stringMatching(/does not have an address in 198\.51\.100\.0\/24/) },
  });
  const described = {
    external: [{ host: 'site.example.com', address: '203.0.113.10', https: 'ok' as const }],
    mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY' as const },
  };
  expect(ask(`${ENTRY}${range}`, 'shop/app', 'https://site.example.com/', described)).toMatchObject({
    outcome: 'answered',
    via: 'sidecar',
  });
});

describe('an unknown address, and entries that take connections to addresses of their own', () => {
  const bytes = (index: number, port = 443) =>
    object(
      'ServiceEntry',
      'networking.istio.io/v1',
      `{ hosts: [a${index}.example.com], addresses: [198.51.100.${index}], resolution: STATIC, endpoints: [{ address: 203.0.113.77 }], ` +
        `ports: [{ number: ${port}, name: tcp, protocol: TCP }] }`,
    ).replace('name: x', `name: x${index}`);
  const elsewhere = { url: 'https://elsewhere.example.com/' };

  test('a refusal holds if the host is at none of them', () => {
    expect(ask(ENTRY + bytes(7), 'shop/app', elsewhere)).toMatchObject({
      outcome: 'refused',
      condition: { holds: expect.stringMatching(/does not have the address 198\.51\.100\.7 of ServiceEntry shop\/x7/) },
    });
    const dialled = (dial: string) => ask(ENTRY + bytes(7), 'shop/app', { ...elsewhere, dial }).by;
    expect([dialled('198.51.100.7'), dialled('198.51.100.8')]).toEqual(['host', 'sidecar']);
  });

  test('several of one entry are one condition, whatever the age of the entry', () => {
    const several = bytes(7).replace('198.51.100.7', '198.51.100.7, 198.51.100.8, 192.0.2.0/28');
    expect(ask(ENTRY + several, 'shop/app', elsewhere).condition?.holds).toBe(
      'elsewhere.example.com does not have an address in 192.0.2.0/28, 198.51.100.7 or 198.51.100.8 of ServiceEntry ' +
        'shop/x7',
    );
  });

  test('where age decides only on which condition the answer holds, it holds on those of both', () => {
    const both = bytes(7) + bytes(8).replace('198.51.100.8', '198.51.100.7');
    const { outcome, condition } = ask(ENTRY + both, 'shop/app', elsewhere);
    expect(outcome).toBe('refused');
    expect(condition?.holds).toMatch(/ServiceEntry shop\/x7, and .* ServiceEntry shop\/x8$/);
  });

  test('why an entry with several addresses did not match is said once', () => {
    const several = bytes(7, 444).replace('198.51.100.7', '198.51.100.7, 198.51.100.8');
    const { reason } = ask(several, 'shop/app', { url: 'https://a7.example.com/', dial: '198.51.100.7' });
    expect(reason.match(/does not declare port 443/g)).toHaveLength(1);
  });

  test('one that the caller does not see, or for another port, adds no condition', () => {
    const hidden = bytes(7).replace('namespace: shop', 'namespace: other').replace('ports:', 'exportTo: [.], ports:');
    for (const yaml of [hidden, bytes(7, 444)])
      expect(ask(ENTRY + yaml, 'shop/app', elsewhere).condition).toBeUndefined();
  });

  test('of very many, the condition names some and speaks of the others', () => {
    const many = Array.from({ length: 30 }, (_, index) => bytes(index + 1)).join('');
    const { condition } = ask(ENTRY + many, 'shop/app', 'https://site.example.com/', {
      ...LOCKED,
      undatedAge: 'same',
    });
    expect(condition?.holds.match(/does not have the address/g)).toHaveLength(24);
    expect(condition?.holds).toMatch(/site\.example\.com has no other address that objects name$/);
  });

  test('of a redirect that is followed, the port to which it leads counts too', () => {
    const redirect = object(
      'VirtualService',
      'networking.istio.io/v1',
      '{ hosts: [site.example.com], http: [{ redirect: { scheme: https } }] }',
    );
    const asked = ask(ENTRY + redirect + bytes(7), 'shop/app', { url: 'http://site.example.com/', follow: true });
    expect(asked).toMatchObject({
      outcome: 'answered',
      redirects: [301],
      condition: { holds: expect.stringContaining('198.51.100.7') },
    });
  });
});

describe('addresses that nobody knows, in ranges', () => {
  const db =
    '---\napiVersion: v1\nkind: Service\nmetadata: { name: db, namespace: shop }\nspec: { ports: [{ port: 80 }] }\n';
  const ranges = (addresses: string, port: number) =>
    object(
      'ServiceEntry',
      'networking.istio.io/v1',
      `{ hosts: [ranges.internal], addresses: ${addresses}, resolution: NONE, ports: [{ number: ${port}, name: tcp, protocol: TCP }] }`,
    );
  const capture = (included: string) =>
    object(
      'Deployment',
      'apps/v1',
      `{ template: { metadata: { labels: { app: cart }, annotations: { traffic.sidecar.istio.io/includeOutboundIPRanges: '${included}' } } } }`,
    );
  const url = 'http://db.shop.svc.cluster.local:82/';

  test('what only explains a refusal leaves it one', () => {
    const answer = ask(db + ranges('[10.0.0.0/8]', 81), 'shop/cart', url, LOCKED);
    expect(answer).toMatchObject({ outcome: 'refused', reason: expect.stringContaining('declares port 82') });
  });

  test('every address holds that of a Service, a part of them may', () => {
    expect(ask(db + capture('0.0.0.0/0,::/0'), 'shop/cart', url, LOCKED)).toMatchObject({ outcome: 'refused' });
    expect(ask(db + capture('10.0.0.0/8'), 'shop/cart', url, LOCKED)).toMatchObject({
      outcome: 'undetermined',
      reason: expect.stringContaining('clusterIP'),
      causes: [{ kind: 'Deployment', field: expect.stringContaining('includeOutboundIPRanges') }],
    });
    const written = db.replace('{ ports', '{ clusterIP: 10.96.0.7, ports');
    expect(ask(written + capture('10.0.0.0/8'), 'shop/cart', url, LOCKED)).toMatchObject({ outcome: 'refused' });
  });

  test.each(['[2001:2::/48]', '["::/1", "8000::/1"]', '[240.240.7.0/24]'])(
    '%s may hold what istiod allocates',
    (own) => {
      const mesh = { outboundTrafficPolicy: 'REGISTRY_ONLY' as const, dnsCapture: true, dualStack: true };
      expect(ask(ENTRY + ranges(own, 80), 'shop/cart', 'http://site.example.com/', { mesh })).toMatchObject({
        outcome: 'undetermined',
        reason: expect.stringContaining('write `addresses` of its ServiceEntry'),
      });
    },
  );
});

describe('an address that only an entry gives, where the sidecar answers DNS', () => {
  const world = { mesh: { ...LOCKED.mesh, dnsCapture: true } };
  const http = { url: 'http://site.example.com/' };
  const at = (resolution: string) =>
    ENTRY.replace('resolution: DNS', `addresses: [203.0.113.12]\n  resolution: ${resolution}`);
  const isThere = '203.0.113.12 is site.example.com, as ServiceEntry shop/site says';

  test.each([
    ['the sidecar connects to it', at('NONE')],
    ['it is an endpoint as well', at('STATIC\n  endpoints: [{ address: 203.0.113.12 }]')],
  ])('%s: who answers in plaintext is on that condition', (_, entry) => {
    expect(ask(entry, 'shop/app', http, world)).toMatchObject({ outcome: 'answered', condition: { holds: isThere } });
    expect(ask(entry, 'shop/app', { url: 'https://site.example.com/' }, world).condition).toBeUndefined();
    expect(ask(entry, 'shop/app', http, { ...world, declaredAddresses: true }).condition).toBeUndefined();
  });

  test('where it does not, the application has found the host itself', () => {
    expect(
      ask(at('NONE'), 'shop/app', http, { mesh: { ...LOCKED.mesh, dnsCapture: false } }).condition,
    ).toBeUndefined();
  });
});

test('an address at which an access table has no host', () => {
  const range = object(
    'ServiceEntry',
    'networking.istio.io/v1',
    '{ hosts: [ranges.internal], addresses: [203.0.113.0/24], resolution: NONE, ports: [{ number: 80, name: tcp, protocol: TCP }] }',
  );
  const external = [{ host: 'site.example.com', address: '203.0.113.10', http: 'ok' as const }];
  const see = (address: string) => ask(range, 'shop/cart', `http://${address}/`, { ...LOCKED, external });
  expect(see('203.0.113.10')).toMatchObject({ outcome: 'answered' });
  expect(see('203.0.113.77')).toMatchObject({
    outcome: 'undetermined',
    reason: expect.stringContaining('no host at 203.0.113.77'),
  });
});
