/**
 * Faults in operation: missing objects, a stopped gateway, failing DNS, bad certificates. A request takes its egress
 * path with the same checks or is refused with the symptom in docs/refused.md; the other team's requests are still
 * answered; external hosts see neither plaintext nor a caller that is not allowed.
 */
import { App, Chart } from 'cdk8s';
import { AccessRow, AccessTable } from '../../../src/access/access-table';
import { GatewayEgress } from '../../../src/constructs/gateway-egress';
import { InstalledEgressGateway } from '../../../src/constructs/installed-egress-gateway';
import { SidecarEgress } from '../../../src/constructs/sidecar-egress';
import { Caller } from '../../../src/values/caller';
import { GatewayInstallation } from '../../../src/values/gateway-installation';
import { breaches } from '../breaches';
import { idOf, KubeObject } from '../lab';
import { INSTALLED_PODS } from '../recipe';
import { describeMesh, Mesh, plain, failureText, synthesise } from '../support';

const TABLE: Omit<AccessTable, 'access'> = {
  mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY' },
  gateways: [INSTALLED_PODS],
  callers: [
    { name: 'x', namespace: 'team-x', serviceAccount: 'app' },
    { name: 'x-other', namespace: 'team-x', serviceAccount: 'other' },
    { name: 'y', namespace: 'team-y', serviceAccount: 'app' },
  ],
  external: [
    { host: 'example.com', http: 'ok', https: 'ok' },
    { host: 'httpbin.org', http: 'ok', https: 'ok' },
    ...(['expired', 'wrong-name', 'unknown-ca'] as const).map((certificate) => ({
      host: `${certificate}.example.com`,
      http: 'ok' as const,
      https: 'ok' as const,
      certificate,
    })),
  ],
};

/** An address for applications to dial where DNS has none. */
const NOWHERE = '203.0.113.250';

const BAD_CERTIFICATES = ['expired.example.com', 'wrong-name.example.com', 'unknown-ca.example.com'];

const OBJECTS = synthesise((app) => {
  const platform = new Chart(app, 'platform', { namespace: 'egress' });
  const gateway = new InstalledEgressGateway(platform, 'exit', {
    installation: GatewayInstallation.helmChart({ namespace: 'egress' }),
  });
  team(app, 'team-x', gateway, ['example.com', 'gone.example.com', ...BAD_CERTIFICATES]);
  team(app, 'team-y', gateway, ['httpbin.org']);
  const direct = new Chart(app, 'direct', { namespace: 'team-y' });
  new SidecarEgress(direct, 'sites', { hosts: BAD_CERTIFICATES }).originateTls('tls');
});

function team(app: App, namespace: string, gateway: InstalledEgressGateway, hosts: string[]): void {
  new GatewayEgress(new Chart(app, namespace, { namespace }), 'site', {
    gateway,
    hosts,
    callers: [Caller.serviceAccount(namespace, 'app')],
  }).originateTls('tls');
}

const through = (from: string, host: string): AccessRow[] => [
  {
    from,
    request: `http://${host}/`,
    expect: { outcome: 'answered', status: 200, via: 'gateway', tlsOriginatedBy: 'gateway', plaintextToHost: false },
  },
  {
    from,
    request: `https://${host}/`,
    expect: { outcome: 'answered', status: 200, via: 'gateway', tlsOriginatedBy: 'application' },
  },
];
const unnamed: AccessRow[] = [
  {
    from: 'x-other',
    request: 'http://example.com/',
    expect: { outcome: 'refused', by: 'gateway', symptom: 503, plaintextToHost: false },
  },
  {
    from: 'x-other',
    request: 'https://example.com/',
    expect: { outcome: 'refused', by: 'gateway', symptom: 'tls-closed' },
  },
];
const X = [...through('x', 'example.com'), ...unnamed];
const Y = through('y', 'httpbin.org');

/** Sends rows that may be refused, and throws where they do anything else. */
async function mayClose(mesh: Mesh, rows: AccessRow[]): Promise<void> {
  for (const row of rows) {
    const sight = await mesh.see(row);
    const found = breaches(row, sight);
    if (found.length > 0) throw plain(`${found.join('\n')}\n${failureText(row, sight)}`);
  }
}

async function hold(mesh: Mesh, rows: AccessRow[]): Promise<void> {
  for (const row of rows) await mesh.expectRow(row);
}

const ofHost = (host: string) => (object: KubeObject) =>
  object.metadata.name.startsWith(`${host.replace(/\./g, '-')}-`);

describeMesh('one missing object', { table: TABLE }, (mesh) => {
  const objects = OBJECTS.filter(
    (object) => object.kind === 'Service' || ofHost('example.com')(object) || ofHost('httpbin.org')(object),
  );

  test('complete: all rows hold', async () => {
    await mesh.apply(objects);
    await hold(mesh, [...X, ...Y]);
  });

  test.each(objects.filter(ofHost('example.com')).map((object) => [idOf(object), object] as const))(
    'without %s: team x fails closed, team y is answered',
    async (_id, gone) => {
      await mesh.apply(objects.filter((object) => object !== gone));
      await hold(mesh, Y);
      await mayClose(mesh, X);
    },
  );

  test('without the hop Service all requests are refused', async () => {
    await mesh.apply(objects.filter((object) => object.kind !== 'Service'));
    await mayClose(mesh, [...X, ...Y]);
    for (const row of [...X, ...Y])
      await mesh.expectRow({ ...row, expect: { outcome: 'refused', plaintextToHost: false } });
  });
});

describeMesh('faults of hosts, DNS and gateway', { table: TABLE }, (mesh) => {
  beforeAll(() => mesh.apply(OBJECTS));

  test.each(BAD_CERTIFICATES)('%s: the gateway does not accept its certificate', async (host) => {
    const { evidence } = await mesh.expectRow({
      from: 'x',
      request: `http://${host}/`,
      expect: { outcome: 'refused', symptom: 503, plaintextToHost: false },
    });
    expect(evidence.external.map(({ event }) => event)).not.toContain('request');
    expect(evidence.atGateway.map(({ line }) => line.upstreamFailure).join()).toMatch(/CERTIFICATE_VERIFY_FAILED/);
  });

  test.each(BAD_CERTIFICATES)('%s: the sidecar does not accept its certificate', async (host) => {
    const { evidence } = await mesh.expectRow({
      from: 'y',
      request: `http://${host}/`,
      expect: { outcome: 'refused', by: 'sidecar', symptom: 503, plaintextToHost: false },
    });
    expect(evidence.external.map(({ event }) => event)).not.toContain('request');
    expect(evidence.sidecar.map((line) => line.upstreamFailure).join()).toMatch(/CERTIFICATE_VERIFY_FAILED/);
  });

  test('DNS has no address', async () => {
    const { evidence } = await mesh.expectRow({
      from: 'x',
      request: 'http://gone.example.com/',
      dial: NOWHERE,
      expect: { outcome: 'refused', by: 'gateway', symptom: 503 },
    });
    expect(evidence.atGateway.map(({ line }) => line.flags)).toEqual(['UH']);
    await mesh.expectRow({
      from: 'x',
      request: 'https://gone.example.com/',
      dial: NOWHERE,
      expect: { outcome: 'refused', by: 'gateway', symptom: 'tls-closed' },
    });
    expect(evidence.external).toEqual([]);
  });

  test(
    "a caller that is not allowed: over HTTP nothing in the gateway's log, over TLS at most its identity; at the " +
      'host at most an empty connection',
    async () => {
      const http = await mesh.expectRow(unnamed[0]);
      const https = await mesh.expectRow(unnamed[1]);
      expect(http.evidence.atGateway).toEqual([]);
      expect(http.evidence.sidecar.map((line) => line.flags)).toEqual(['UC']);
      expect(http.evidence.external).toEqual([]);
      // A passthrough server connects to the host during the handshake, and closes when it sees the caller's identity.
      for (const { line } of https.evidence.atGateway)
        expect(line.peer).toBe('spiffe://cluster.local/ns/team-x/sa/other');
      for (const { event, from } of https.evidence.external)
        expect([event, from]).toEqual(['connect', https.evidence.gateways[0].address]);
    },
  );

  test("the gateway's node is gone", async () => {
    // Nothing reaches it any more; its routes stay as they are.
    const filter = (action: string) =>
      mesh.lab.shellOf('gateway-egress').must('iptables', [action, 'INPUT', '-i', 'eth0', '-j', 'DROP']);
    await filter('-I');
    try {
      const { evidence } = await mesh.expectRow({ ...Y[0], expect: { outcome: 'refused' } });
      expect(evidence.external).toEqual([]);
    } finally {
      await filter('-D');
    }
    await mesh.lab.converge();
    await hold(mesh, Y);
  });

  test('no gateway pod is ready', async () => {
    await mesh.apply(
      OBJECTS.map((object) =>
        object.kind === 'Service' ? { ...object, spec: { ...object.spec, selector: { app: 'nobody' } } } : object,
      ),
    );
    await mayClose(mesh, [...X, ...Y]);
    const { evidence } = await mesh.expectRow({
      from: 'x',
      request: 'http://example.com/',
      expect: { outcome: 'refused', by: 'sidecar', symptom: 503 },
    });
    expect(evidence.sidecar.map((line) => line.flags)).toEqual(['UH']);
    await mesh.expectRow({
      from: 'x',
      request: 'https://example.com/',
      expect: { outcome: 'refused', by: 'sidecar', symptom: 'tls-closed' },
    });
    await mesh.apply(OBJECTS);
    await hold(mesh, [...X, ...Y]);
  });
});
