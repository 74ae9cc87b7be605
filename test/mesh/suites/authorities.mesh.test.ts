/**
 * Certificate authorities of external hosts from a ConfigMap, at the sidecar and at the gateway, and a missing
 * ConfigMap.
 */
import { Chart } from 'cdk8s';
import { AccessTable } from '../../../src/access/access-table';
import { GatewayEgress } from '../../../src/constructs/gateway-egress';
import { InstalledEgressGateway } from '../../../src/constructs/installed-egress-gateway';
import { SidecarEgress } from '../../../src/constructs/sidecar-egress';
import { Caller } from '../../../src/values/caller';
import { CertificateAuthority } from '../../../src/values/certificate-authority';
import { GatewayInstallation } from '../../../src/values/gateway-installation';
import { AUTHORITIES_OF_CONFIG_MAP, service, tlsPolicy } from '../guard/objects';
import { UNANSWERED } from '../lab/network';
import { INSTALLED } from '../recipe';
import { describeMesh, synthesise } from '../support';

const HOSTS = { sidecar: 'sidecar.example.com', gateway: 'gateway.example.com' };
const VIAS = Object.keys(HOSTS) as (keyof typeof HOSTS)[];

const table: AccessTable = {
  mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY' },
  gateways: [INSTALLED],
  callers: [{ name: 'checkout', namespace: 'shop', serviceAccount: 'checkout' }],
  external: Object.values(HOSTS).map((host) => ({ host, http: 'ok', https: 'ok', certificate: 'private-ca' })),
  configMaps: [
    { name: 'authorities', namespace: 'shop', holds: 'private-ca' },
    { name: 'authorities', namespace: 'egress', holds: 'private-ca' },
  ],
  access: [],
};

const manifestsWith = (certificateAuthority?: CertificateAuthority) =>
  synthesise((app) => {
    const chart = new Chart(app, 'shop', { namespace: 'shop' });
    const gateway = new InstalledEgressGateway(chart, 'exit', {
      installation: GatewayInstallation.helmChart({ namespace: 'egress' }),
    });
    new SidecarEgress(chart, 'sidecar', { hosts: [HOSTS.sidecar] }).originateTls('tls', { certificateAuthority });
    new GatewayEgress(chart, 'gateway', {
      gateway,
      hosts: [HOSTS.gateway],
      callers: [Caller.serviceAccount('shop', 'checkout')],
    }).originateTls('tls', { certificateAuthority });
  });

describeMesh('a host with a certificate from a private authority', { table }, (mesh) => {
  const request = (via: keyof typeof HOSTS) => ({ from: 'checkout', request: `http://${HOSTS[via]}/` });

  test.each(VIAS)("is refused at the %s with the system's authorities", async (via) => {
    await mesh.apply(manifestsWith());
    await mesh.expectRow({
      ...request(via),
      expect: { outcome: 'refused', by: via, symptom: 503, plaintextToHost: false },
    });
  });

  test.each(VIAS)('is reached from the %s with those of a ConfigMap', async (via) => {
    await mesh.apply(manifestsWith(CertificateAuthority.fromConfigMap('authorities')));
    await mesh.expectRow({
      ...request(via),
      expect: {
        outcome: 'answered',
        status: 200,
        tlsOriginatedBy: via,
        serverName: HOSTS[via],
        plaintextToHost: false,
      },
    });
  });

  test.each(VIAS.flatMap((via) => (['unknown-ca', 'wrong-name', 'good'] as const).map((kind) => [via, kind] as const)))(
    'any other certificate is refused then, at the %s: %s',
    async (via, kind) => {
      await mesh.apply(manifestsWith(CertificateAuthority.fromConfigMap('authorities')));
      await mesh.lab.showCertificate(HOSTS[via], kind);
      const { evidence } = await mesh.expectRow({
        ...request(via),
        expect: { outcome: 'refused', by: via, symptom: 503, plaintextToHost: false },
      });
      const [line] = via === 'sidecar' ? evidence.sidecar : evidence.atGateway.map((at) => at.line);
      expect(line.details).toContain('CERTIFICATE_VERIFY_FAILED');
      await mesh.lab.showCertificate(HOSTS[via], 'private-ca');
    },
  );

  test.each(VIAS)('a TLS session that the host resumes is not verified again, at the %s', async (via) => {
    await mesh.apply(manifestsWith(CertificateAuthority.fromConfigMap('authorities')));
    await mesh.lab.showCertificate(HOSTS[via], 'private-ca', true);
    await mesh.expectRow({ ...request(via), expect: { outcome: 'answered', tlsOriginatedBy: via } });
    await mesh.lab.showCertificate(HOSTS[via], 'unknown-ca', true);
    await mesh.expectRow({ ...request(via), expect: { outcome: 'answered', tlsOriginatedBy: via } });
    await mesh.lab.showCertificate(HOSTS[via], 'unknown-ca'); // which ends the session
    await mesh.expectRow({ ...request(via), expect: { outcome: 'refused', by: via, symptom: 503 } });
    await mesh.lab.showCertificate(HOSTS[via], 'private-ca');
  });

  test.each<[string, (host: string) => string]>([
    ['for all names of the domain', () => 'DNS:*.example.com'],
    ['for names that begin alike', (host) => `DNS:${host.slice(0, 3)}*.example.com`],
    ['as a URI', (host) => `URI:${host}`],
    ['as an email address', (host) => `email:${host}`],
  ])('a certificate has the name %s, and is accepted', async (_how, names) => {
    await mesh.apply(manifestsWith(CertificateAuthority.fromConfigMap('authorities')));
    for (const via of VIAS) {
      await mesh.lab.showNames(HOSTS[via], names(HOSTS[via]));
      await mesh.expectRow({ ...request(via), expect: { outcome: 'answered', tlsOriginatedBy: via } });
    }
  });

  test.each<[string, (host: string) => string]>([
    ['has it as the common name alone', () => 'IP:192.0.2.1'],
    ['is for all names of the domain above', () => 'DNS:*.com'],
    ['has it as the beginning of a name', (host) => `DNS:${host}.example.org`],
  ])('a certificate that %s does not have the name, and is refused', async (_how, names) => {
    await mesh.apply(manifestsWith(CertificateAuthority.fromConfigMap('authorities')));
    for (const via of VIAS) {
      await mesh.lab.showNames(HOSTS[via], names(HOSTS[via]));
      await mesh.expectRow({ ...request(via), expect: { outcome: 'refused', by: via, symptom: 503 } });
    }
  });

  test.each([
    ['as a URI', 'URI'],
    ['as an email address', 'email'],
  ])('an authority that may give no such DNS name gives it %s, and is believed', async (_how, type) => {
    await mesh.apply(manifestsWith(CertificateAuthority.fromConfigMap('authorities')));
    for (const via of VIAS) {
      await mesh.lab.showNames(HOSTS[via], `${type}:${HOSTS[via]}`, true);
      await mesh.expectRow({ ...request(via), expect: { outcome: 'answered', tlsOriginatedBy: via } });
    }
  });

  test('an authority that may give no such DNS name gives it all the same, and is refused', async () => {
    await mesh.apply(manifestsWith(CertificateAuthority.fromConfigMap('authorities')));
    for (const via of VIAS) {
      await mesh.lab.showNames(HOSTS[via], `DNS:${HOSTS[via]}`, true);
      await mesh.expectRow({ ...request(via), expect: { outcome: 'refused', by: via, symptom: 503 } });
    }
  });

  describe('a gateway that starts', () => {
    /** How long it takes, in milliseconds. */
    const started = async (from?: CertificateAuthority) => {
      await mesh.apply(manifestsWith(from), 'manifests', { tolerateWarming: true });
      const began = Date.now();
      await mesh.lab.proxies.find(({ pod }) => pod.role === 'router')!.replace(mesh.lab.files);
      return Date.now() - began;
    };

    test.each([
      ['a ConfigMap', CertificateAuthority.fromConfigMap('no-such')],
      ['a file', CertificateAuthority.fromFile('/etc/no-such.pem')],
    ])('a gateway that starts waits for authorities in %s that is missing', async (_where, authorities) => {
      expect(await started()).toBeLessThan(10_000);
      expect(await started(authorities)).toBeGreaterThan(14_000);
    });

    test('and where DNS does not answer for a host of any team', async () => {
      const foreign = synthesise((app) => {
        const chart = new Chart(app, 'other', { namespace: 'other' });
        const installation = GatewayInstallation.helmChart({ namespace: 'egress' });
        new GatewayEgress(chart, 'unanswered', {
          gateway: new InstalledEgressGateway(chart, 'exit', { installation }),
          hosts: [`api.${UNANSWERED}`],
          callers: [Caller.serviceAccount('other', 'app')],
        });
      }).filter(({ kind }) => kind !== 'Service'); // That of the hop is there already.
      await mesh.apply(foreign, 'foreign', { tolerateWarming: true });
      expect(await started()).toBeGreaterThan(6_000);
      await mesh.apply([], 'foreign');
      expect(await started()).toBeLessThan(6_000);
    });

    test('and for those in a BackendTLSPolicy of any team', async () => {
      const called = service({ ports: [{ name: 'http', port: 8099 }] });
      await mesh.apply([called, tlsPolicy(AUTHORITIES_OF_CONFIG_MAP)], 'foreign', { tolerateWarming: true });
      expect(await started()).toBeGreaterThan(14_000);
      await mesh.apply([], 'foreign');
    });
  });

  test.each(VIAS)('is refused at the %s where the ConfigMap is missing', async (via) => {
    await mesh.apply([]); // an Envoy cluster without authorities does not replace a ready one
    await mesh.apply(manifestsWith(CertificateAuthority.fromConfigMap('no-such')), 'manifests', {
      tolerateWarming: true,
    });
    await mesh.expectRow({ ...request(via), expect: { outcome: 'refused', plaintextToHost: false } });
  });
});
