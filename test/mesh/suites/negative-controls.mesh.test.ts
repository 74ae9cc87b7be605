/** A harness that cannot fail proves nothing: each deliberate fault is detected, by the difference that it makes. */
import { AccessRow, Expectation } from '../../../src/access/access-table';
import { meshExamples } from '../examples';
import { judge, KubeObject, Refused } from '../lab';
import { uncheckedCertificates, worse } from '../promises';
import { describeMesh, Sight } from '../support';

const [{ table, manifests }] = meshExamples('f-tls-at-gateway');
const HTTP = row('checkout', 'http');
const HTTPS = row('checkout', 'https');
const UNNAMED = row('crawler', 'http');
const UNNAMED_HTTPS = row('crawler', 'https');
const STRANGER: AccessRow = {
  from: 'stranger',
  request: HTTP.request,
  expect: { outcome: 'refused', by: 'sidecar', symptom: 502 },
};

interface Broken {
  readonly what: string;
  readonly objects: KubeObject[];
  /** The row that detects it. */
  readonly row: AccessRow;
  /** The difference that the judge then reports. */
  readonly says: RegExp;
}

const BROKEN: Broken[] = [
  {
    what: 'another server name on the hop',
    objects: changed(/"sni":"http-80\./g, '"sni":"http-81.'),
    row: HTTP,
    says: /outcome: expected answered, seen refused/,
  },
  {
    what: 'a subset that does not exist',
    objects: changed(/"subset":"tls"/g, '"subset":"no-tls"'),
    row: HTTP,
    says: /outcome: expected answered, seen refused/,
  },
  {
    what: "the gateway's entry in another namespace",
    objects: moved('ServiceEntry', 'egress', 'other'),
    row: HTTPS,
    says: /outcome: expected answered, seen refused/,
  },
  {
    what: "the callers' route in another namespace",
    objects: moved('VirtualService', 'shop', 'other'),
    row: HTTP,
    says: /outcome: expected answered, seen refused/,
  },
  {
    what: 'a hop without TLS',
    objects: plaintextHop(),
    row: HTTP,
    says: /identityAtGateway: expected shop\/checkout, seen none/,
  },
  {
    what: 'a server that admits every caller',
    objects: without(/"subjectAltNames":\["spiffe:\/\/cluster.local\/ns\/shop[^\]]*\]/),
    row: UNNAMED,
    says: /outcome: expected refused, seen answered/,
  },
  {
    what: 'a server that admits every caller, over HTTPS',
    objects: without(/"subjectAltNames":\["spiffe:\/\/cluster.local\/ns\/shop[^\]]*\]/),
    row: UNNAMED_HTTPS,
    says: /outcome: expected refused, seen answered/,
  },
  {
    what: 'an exported caller side',
    objects: changed(/"exportTo":\["\."\]/g, '"exportTo":["*"]', 'shop'),
    row: STRANGER,
    says: /symptom: expected 502, seen 503/,
  },
  {
    what: 'headers that are not removed',
    objects: without(/"headers":\{"request":\{"remove":\[[^\]]*\]\}\}/),
    row: HTTP,
    says: /addedHeaders: expected \[x-envoy-original-host\], seen \[.*x-forwarded-client-cert/,
  },
  {
    what: 'no TLS to the external host',
    objects: plaintextOut(),
    row: HTTP,
    says: /tlsOriginatedBy: expected gateway, seen none/,
  },
  {
    what: 'plaintext to the external host',
    objects: plaintextOut(),
    row: { ...HTTP, expect: { outcome: 'refused', plaintextToHost: false } },
    says: /plaintextToHost: expected false, seen true/,
  },
  {
    what: "TLS around the application's own",
    objects: wrappedTwice(),
    row: HTTPS,
    says: /outcome: expected answered, seen refused/,
  },
  {
    what: 'an egress path that bypasses the gateway',
    objects: strayRoute(),
    row: HTTP,
    says: /via: expected gateway, seen sidecar/,
  },
];

describeMesh('a broken example', { table, manifests }, (mesh) => {
  test('unbroken, its rows hold', async () => {
    await mesh.apply(manifests);
    for (const one of [HTTP, HTTPS, UNNAMED, UNNAMED_HTTPS, STRANGER]) await mesh.expectRow(one);
  });

  test.each(BROKEN.map((one) => [one.what, one] as const))(
    '%s is detected',
    async (_, { objects, row: noticed, says }) => {
      expect(JSON.stringify(objects)).not.toBe(JSON.stringify(manifests));
      await mesh.apply(objects);
      await expect(mesh.expectRow(noticed)).rejects.toThrow(says);
    },
  );

  test('plaintext that the host notices after the refusal is detected', async () => {
    const impatient = plaintextOut().map((object) =>
      object.kind === 'VirtualService'
        ? JSON.parse(JSON.stringify(object).replace(/"http":\[\{/g, '"http":[{"timeout":"1s",'))
        : object,
    );
    await mesh.apply(impatient);
    const paused = mesh.lab.external.pause(2500);
    const late: AccessRow = { ...HTTP, expect: { outcome: 'refused', symptom: 504, plaintextToHost: false } };
    await expect(mesh.expectRow(late)).rejects.toThrow(/^.*\n.*\nplaintextToHost: expected false, seen true\n/);
    await paused;
  });

  test('a certificate that no proxy checks is detected', async () => {
    await mesh.apply(
      changed(/"caCertificates":"system",|"subjectAltNames":\["www.aliyun.com"\]/g, '').map((object) =>
        JSON.parse(JSON.stringify(object).replace(/"sni":"www.aliyun.com",?/, '"insecureSkipVerify":true')),
      ),
    );
    const sight = await mesh.see(HTTP);
    expect((await uncheckedCertificates(mesh, [sight])).join('\n')).toMatch(
      /wrong-name: .*[\s\S]*outcome: expected refused, seen answered[\s\S]*unknown-ca: /,
    );
  });

  test('a name that no proxy checks is detected', async () => {
    await mesh.apply(
      changed(/"subjectAltNames":\["www.aliyun.com"\]/g, '"subjectAltNames":["not.www.aliyun.com","www.aliyun.com"]'),
    );
    const found = (await uncheckedCertificates(mesh, [await mesh.see(HTTP)])).join('\n');
    expect(found).toMatch(/^wrong-name: /);
    expect(found).not.toMatch(/unknown-ca/);
  });

  test('objects that admission refuses are an error, and none of them is in force', async () => {
    await mesh.apply(manifests);
    await expect(mesh.apply(changed(/"mode":"SIMPLE"/, '"mode":"SIMPLEST"'))).rejects.toThrow(Refused);
    await mesh.expectRow(HTTP);
  });

  test('a warning from admission is an error', async () => {
    const doubtful: KubeObject = {
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { name: 'doubtful', namespace: 'shop' },
      spec: {
        hosts: ['doubtful.example.com'],
        http: [1, 2].map(() => ({
          match: [{ uri: { prefix: '/' } }],
          route: [{ destination: { host: 'doubtful.example.com' } }],
        })),
      },
    };
    await expect(mesh.apply([...manifests, doubtful])).rejects.toThrow(/warnings from admission/);
  });

  test('fewer checks than before are worse', async () => {
    await mesh.apply(manifests);
    const before = await mesh.see(HTTP);
    const unnamed = await mesh.see(UNNAMED);
    await mesh.apply(plaintextOut());
    expect(worse(before, await mesh.see(HTTP))).toEqual(
      expect.arrayContaining(['tlsOriginatedBy was gateway, and is now none', 'plaintext reached the external host']),
    );
    await mesh.apply(strayRoute());
    expect(worse(before, await mesh.see(HTTP)).join('\n')).toMatch(
      /via was gateway, and is now sidecar[\s\S]*it bypassed the gateway/,
    );
    expect(worse(unnamed, await mesh.see(UNNAMED))).toEqual(
      expect.arrayContaining(['it was refused, and is now answered', 'bytes of it reached the external host']),
    );
  });
});

/**
 * A listener that Envoy refuses fails the run: two servers on one port, one of them with a namespace in its hosts.
 */
describeMesh('what a proxy refuses', { table, manifests, tolerate: [/rejected/i, /refused/i] }, (mesh) => {
  test('fails while the objects come into force', async () => {
    const gateway = manifests.find(({ kind }) => kind === 'Gateway')!;
    const again = {
      ...gateway,
      metadata: { ...gateway.metadata, name: 'again' },
      spec: JSON.parse(
        JSON.stringify(gateway.spec)
          .replace(/"egress\//g, '"')
          .replace(/"name":"/g, '"name":"again-'),
      ),
    };
    await expect(mesh.apply([...manifests, again], 'manifests', { seconds: 15 })).rejects.toThrow(/refused|rejected/i);
    expect(mesh.lab.errors().join('\n')).toMatch(/rejected|refused/i);
  });
});

/** A wrong value for every field of an expectation. */
const WRONG: Record<keyof Expectation, { of: AccessRow; value: unknown }> = {
  outcome: { of: HTTP, value: 'refused' },
  answeredBy: { of: HTTP, value: 'other.example.com' },
  status: { of: HTTP, value: 204 },
  redirects: { of: HTTP, value: [302] },
  symptom: { of: UNNAMED, value: 'timeout' },
  by: { of: UNNAMED, value: 'host' },
  via: { of: HTTP, value: 'direct' },
  tlsOriginatedBy: { of: HTTP, value: 'application' },
  plaintextToHost: { of: HTTP, value: true },
  identityAtGateway: { of: HTTP, value: 'shop/somebody' },
  serverName: { of: HTTP, value: 'other.example.com' },
  protocol: { of: HTTPS, value: 'http/1.1' },
  clientCertificate: { of: HTTP, value: true },
  clientCommonName: { of: HTTP, value: 'somebody' },
  addedHeaders: { of: HTTP, value: [] },
  hostHeader: { of: HTTP, value: 'other.example.com' },
  removedHeaders: { of: HTTP, value: ['x-mine'] },
};

describeMesh('a wrong expectation', { table, manifests }, (mesh) => {
  const sights = new Map<AccessRow, Sight>();
  beforeAll(async () => {
    await mesh.apply(manifests);
    for (const one of [HTTP, HTTPS, UNNAMED]) sights.set(one, await mesh.see(one));
  });

  test.each(Object.keys(WRONG) as (keyof Expectation)[])('of %s fails its row, and no other field does', (field) => {
    const { of, value } = WRONG[field];
    const { evidence } = sights.get(of)!;
    const expectation = { outcome: of.expect.outcome, [field]: value } as Expectation;
    expect(judge({ ...evidence, row: { ...of, expect: expectation } }).differences).toEqual([
      expect.stringMatching(new RegExp(`^${field}: expected `)),
    ]);
  });
});

function row(from: string, scheme: string): AccessRow {
  return table.access.find(
    (one) => one.from === from && one.request.startsWith(`${scheme}:`) && one.without === undefined,
  )!;
}

/** The manifests with text replaced, all or those of one namespace. */
function changed(pattern: RegExp, by: string, namespace?: string): KubeObject[] {
  return manifests.map((object) => {
    const untouched = namespace !== undefined && object.metadata.namespace !== namespace;
    return untouched ? object : JSON.parse(tidy(JSON.stringify(object).replace(pattern, by)));
  });
}

/** The manifests without a field. */
function without(pattern: RegExp, namespace?: string): KubeObject[] {
  return changed(new RegExp(pattern, 'g'), '', namespace);
}

/** Removes the commas that a removed field leaves behind. */
function tidy(json: string): string {
  return json
    .replace(/,+/g, ',')
    .replace(/([{[]),/g, '$1')
    .replace(/,([}\]])/g, '$1');
}

function moved(kind: string, from: string, to: string): KubeObject[] {
  const isIt = (object: KubeObject) => object.kind === kind && object.metadata.namespace === from;
  return manifests.map((object) =>
    isIt(object) ? { ...object, metadata: { ...object.metadata, namespace: to } } : object,
  );
}

/** The hop as plain HTTP, without the gateway's other server, which needs TLS on the same port. */
function plaintextHop(): KubeObject[] {
  return manifests.map((object) => {
    const copy: KubeObject = JSON.parse(JSON.stringify(object));
    if (copy.kind === 'Gateway')
      copy.spec.servers = copy.spec.servers
        .slice(0, 1)
        .map((server: any) => ({ hosts: server.hosts, port: { ...server.port, protocol: 'HTTP' } }));
    if (copy.kind === 'DestinationRule' && copy.metadata.namespace === 'shop')
      copy.spec.subsets.forEach((subset: any) => {
        subset.trafficPolicy.portLevelSettings[0].tls = { mode: 'DISABLE' };
      });
    return copy;
  });
}

/** The gateway's entry leads to port 80, and its rule has no TLS. */
function plaintextOut(): KubeObject[] {
  return manifests.map((object) => {
    const copy: KubeObject = JSON.parse(JSON.stringify(object));
    if (copy.metadata.namespace !== 'egress') return copy;
    if (copy.kind === 'ServiceEntry')
      copy.spec.ports = [{ number: 443, name: 'http-443', protocol: 'HTTP', targetPort: 80 }];
    if (copy.kind === 'DestinationRule')
      copy.spec.subsets[0].trafficPolicy.portLevelSettings[0].tls = { mode: 'DISABLE' };
    return copy;
  });
}

/** The callers' entry leads to the external host, and no route to the gateway. */
function strayRoute(): KubeObject[] {
  return manifests
    .filter(({ kind, metadata }) => !(kind === 'VirtualService' && metadata.namespace === 'shop'))
    .map((object) =>
      object.kind === 'ServiceEntry' && object.metadata.namespace === 'shop'
        ? { ...object, spec: { ...object.spec, resolution: 'DNS' } }
        : object,
    );
}

/** The application's own TLS is sent through the rule that originates TLS. */
function wrappedTwice(): KubeObject[] {
  return manifests.map((object) => {
    const copy: KubeObject = JSON.parse(JSON.stringify(object));
    if (copy.kind === 'VirtualService' && copy.metadata.namespace === 'egress' && copy.spec.tcp)
      copy.spec.tcp[0].route[0].destination.subset = 'tls';
    return copy;
  });
}
