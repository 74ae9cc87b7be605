/**
 * What leads a sidecar to another host than the one that was declared: DNS, endpoints, and what its own pod decides; and
 * what leads its agent there.
 */
import * as fs from 'fs';
import { Chart } from 'cdk8s';
import { Expectation } from '../../../src/access/access-table';
import { GatewayEgress } from '../../../src/constructs/gateway-egress';
import { SidecarEgress } from '../../../src/constructs/sidecar-egress';
import { Caller } from '../../../src/values/caller';
import { EgressPort } from '../../../src/values/egress-port';
import { helmGateway } from '../../support/helm-gateway';
import { KubeObject } from '../lab';
import { ALLOWED, EVIL, OBJECTS, TABLE } from '../partner';
import { describeMesh, synthesise } from '../support';

const METADATA = { host: 'metadata.example.com', address: '169.254.169.254' };
const NAMES = {
  open: 'www.open.example.com',
  own: 'www.own.example.com',
  through: 'www.through.example.com',
  secured: 'www.secured.example.com',
  beside: 'www.beside.example.com',
  named: 'www.wild.example.com',
  below: 'www.below.wild.example.com',
  guarded: 'api.wild.example.com',
};

describeMesh(
  'where DNS leads a declared host',
  {
    table: {
      ...TABLE,
      external: [...TABLE.external, METADATA, ...Object.values(NAMES).map((host) => ({ host }))].map((host) => ({
        http: 'ok',
        https: 'ok',
        ...host,
      })),
    },
  },
  (mesh) => {
    beforeAll(() =>
      mesh.apply([
        ...OBJECTS,
        ...synthesise((app) => {
          const payments = new Chart(app, 'payments', { namespace: 'payments' });
          new SidecarEgress(payments, 'open', { hosts: [NAMES.open, NAMES.own] });
          new SidecarEgress(payments, 'secured', { hosts: [NAMES.secured] }).originateTls('tls');
          new SidecarEgress(payments, 'beside', { hosts: [NAMES.beside], endpoints: ['api.partner.com'] });
          new SidecarEgress(payments, 'wild', { hosts: ['*.wild.example.com'] });
          new SidecarEgress(payments, 'named', { hosts: [NAMES.named], ports: [EgressPort.tls()] });
          const other = new Chart(app, 'other', { namespace: 'other' });
          new GatewayEgress(other, 'through', {
            gateway: helmGateway(other),
            hosts: [NAMES.through],
            callers: [Caller.serviceAccount('other', 'checkout')],
          });
        }),
      ]),
    );

    test.each<[string, string, string, Partial<Expectation>]>([
      ['refunds', NAMES.open, 'api.partner.com', { via: 'sidecar' }],
      ['namesake', NAMES.through, METADATA.host, { via: 'gateway' }],
    ])('%s calls %s, and plain HTTP reaches %s', async (from, host, answeredBy, expect_) => {
      const row = { from, request: `http://${host}/` };
      await mesh.expectRow({ ...row, expect: { outcome: 'answered', answeredBy: host, ...expect_ } });
      await mesh.lab.moveName(host, mesh.lab.hosts.find((one) => one.host === answeredBy)!.addresses[0]);
      await mesh.expectRow({ ...row, expect: { outcome: 'answered', answeredBy, ...expect_ } });
    });

    test('endpoints of an open host lead to one behind a gateway', async () => {
      await mesh.expectRow({
        from: 'refunds',
        request: `http://${NAMES.beside}/`,
        expect: { outcome: 'answered', via: 'sidecar', answeredBy: 'api.partner.com', hostHeader: NAMES.beside },
      });
    });

    test('a wildcard takes the ports that a host by name leaves out', async () => {
      const row = { from: 'refunds', request: `http://${NAMES.named}/` };
      await mesh.expectRow({ ...row, expect: { outcome: 'answered', via: 'sidecar', plaintextToHost: true } });
    });

    test('a wildcard loses its TLS to the route of another app for a host below it', async () => {
      const https = { from: 'refunds', request: `https://${NAMES.below}/` };
      await mesh.expectRow({ ...https, expect: { outcome: 'answered', via: 'sidecar' } });
      const guarded = synthesise((app) => {
        const payments = new Chart(app, 'payments', { namespace: 'payments' });
        const callers = [Caller.serviceAccount('payments', 'checkout')];
        new GatewayEgress(payments, 'guarded', { gateway: helmGateway(payments), hosts: [NAMES.guarded], callers });
      });
      await mesh.apply(guarded, 'guarded');
      await mesh.expectRow({ ...https, expect: { outcome: 'refused', by: 'sidecar', symptom: 'tls-closed' } });
      await mesh.expectRow({
        from: 'refunds',
        request: `http://${NAMES.below}/`,
        expect: { outcome: 'answered', via: 'sidecar' },
      });
      await mesh.apply([], 'guarded');
      await mesh.expectRow({ ...https, expect: { outcome: 'answered', via: 'sidecar' } });
    });

    test('TLS that a proxy originates fails there', async () => {
      const row = { from: 'refunds', request: `http://${NAMES.secured}/` };
      await mesh.expectRow({ ...row, expect: { outcome: 'answered', tlsOriginatedBy: 'sidecar' } });
      await mesh.lab.moveName(NAMES.secured, ALLOWED);
      await mesh.expectRow({ ...row, expect: { outcome: 'refused', plaintextToHost: false } });
    });

    test("the application's own TLS goes there, and the application has to check the certificate", async () => {
      const row = { from: 'refunds', request: `https://${NAMES.own}/` };
      await mesh.expectRow({ ...row, expect: { outcome: 'answered', via: 'sidecar' } });
      await mesh.lab.moveName(NAMES.own, EVIL);
      const { evidence } = await mesh.expectRow({
        ...row,
        expect: { outcome: 'refused', by: 'host', symptom: 'certificate-rejected' },
      });
      expect(evidence.external).toContainEqual(
        expect.objectContaining({ event: 'hello', server: 'evil.example.com', serverName: NAMES.own }),
      );
    });
  },
);

/** An application that sends whoever asks for its metrics to another host, and then has its agent ask for them. */
const REDIRECTING = `
  const http = require('http');
  const server = http.createServer((_, answer) => answer.writeHead(302, { location: 'http://${EVIL}/' }).end());
  server.listen(9999, '127.0.0.1', () =>
    http.get('http://127.0.0.1:15020/stats/prometheus', (answer) => answer.resume().on('end', () => process.exit())),
  );
`;

/** An application that takes the port of Envoy's metrics while its proxy begins anew, and does the same. */
const TAKING = `
  const http = require('http');
  const ask = () =>
    http.get('http://127.0.0.1:15020/stats/prometheus', (answer) => answer.resume()).on('error', () => undefined);
  const server = http.createServer((_, answer) =>
    answer.writeHead(302, { location: 'http://${EVIL}/' }).end(() => process.exit()),
  );
  const take = () => server.listen(15090, '127.0.0.1');
  server.on('error', () => setTimeout(take, 10));
  server.on('listening', () => setInterval(ask, 10));
  take();
  setTimeout(() => process.exit(1), 20_000);
`;

describeMesh(
  'what a pod decides about its proxy',
  {
    table: {
      mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY' },
      callers: [{ name: 'app', namespace: 'shop', serviceAccount: 'app' }],
      external: TABLE.external,
    },
    // What the injector makes of the annotations `prometheus.io/scrape` and `prometheus.io/port`.
    manifests: [
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'app', namespace: 'shop' },
        spec: {
          selector: { matchLabels: { app: 'app' } },
          template: {
            metadata: {
              labels: { app: 'app' },
              annotations: {
                'proxy.istio.io/config': JSON.stringify({
                  proxyMetadata: { ISTIO_PROMETHEUS_ANNOTATIONS: '{"scrape":"true","path":"/metrics","port":"9999"}' },
                }),
              },
            },
            spec: {},
          },
        },
      } as KubeObject,
    ],
    // An Envoy that does not get its port takes its agent with it.
    tolerate: [/^app has ended|15090/],
  },
  (mesh) => {
    const proxyOf = (name: string) => mesh.lab.proxies.find(({ pod }) => pod.id === name)!;

    test('own TLS to a host whose HTTPS is left out, under its private name, leads there', async () => {
      const host = 'api.partner.com';
      const objects = synthesise((app) => {
        const props = { hosts: [host], ports: [EgressPort.http()] };
        new SidecarEgress(new Chart(app, 'shop', { namespace: 'shop' }), 'api', props).originateTls('tls');
      });
      await mesh.apply(objects);
      await mesh.expectRow({
        from: 'app',
        request: `https://${host}/`,
        expect: { outcome: 'refused', by: 'sidecar' },
      });
      const { host: name } = objects.find(({ kind }) => kind === 'DestinationRule')!.spec;
      const external = mesh.lab.watchExternalHosts();
      await mesh.lab
        .shellOf('app')
        .must('curl', ['-sk', '--connect-to', `${name}:443:${EVIL}:443`, `https://${name}/`]);
      expect(await external.read()).toContainEqual(expect.objectContaining({ event: 'request', server: host }));
    });

    test('a sidecar looks up a host of its own where its pod says', async () => {
      const host = 'api.partner.com';
      const answered = (answeredBy: string) =>
        mesh.expectRow({
          from: 'app',
          request: `http://${host}/`,
          expect: { outcome: 'answered', via: 'sidecar', answeredBy },
        });
      await mesh.apply(
        synthesise((app) => new SidecarEgress(new Chart(app, 'shop', { namespace: 'shop' }), 'api', { hosts: [host] })),
      );
      await answered(host);
      // As kubelet writes the `hostAliases` of a pod.
      const namespace = await mesh.lab.shellOf('app').must('bash', ['-c', 'ip netns identify $$']);
      fs.writeFileSync(`/etc/netns/${namespace.trim()}/hosts`, `127.0.0.1 localhost\n${EVIL} ${host}\n`);
      await proxyOf('app').replace(mesh.lab.files);
      await answered('evil.example.com');
    });

    test('the agent follows an application that redirects whoever asks for its metrics', async () => {
      await mesh.expectRow({ from: 'app', request: `http://${EVIL}/`, expect: { outcome: 'refused' } });
      const external = mesh.lab.watchExternalHosts();
      await mesh.lab.shellOf('app').must(process.execPath, ['-e', REDIRECTING]);
      const { address } = mesh.lab.pods.find(({ id }) => id === 'app')!;
      expect(await external.read()).toContainEqual(expect.objectContaining({ event: 'request', from: address }));
    });

    test('the agent follows an application in place of its Envoy too', async () => {
      const external = mesh.lab.watchExternalHosts();
      const taking = mesh.lab.shellOf('app').must(process.execPath, ['-e', TAKING]);
      await proxyOf('app')
        .replace(mesh.lab.files)
        .catch(() => undefined);
      await taking;
      const { address } = mesh.lab.pods.find(({ id }) => id === 'app')!;
      expect(await external.read()).toContainEqual(expect.objectContaining({ event: 'request', from: address }));
    });
  },
);
