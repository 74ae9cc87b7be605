/**
 * A mesh that traces every request, with each kind of provider: what the proxies tell external hosts about the caller.
 * They write the headers of tracing after the route, so a Telemetry has to stop them, and at a gateway the route takes
 * off what the sidecar wrote.
 */
import { Chart } from 'cdk8s';
import { EgressGateway } from '../../../src/constructs/egress-gateway';
import { GatewayEgress, GatewayHttp } from '../../../src/constructs/gateway-egress';
import { NoTraceContext } from '../../../src/constructs/no-trace-context';
import { RefusalLog } from '../../../src/constructs/refusal-log';
import { SidecarEgress } from '../../../src/constructs/sidecar-egress';
import { Caller } from '../../../src/values/caller';
import { KubeObject } from '../lab';
import { describeMesh, synthesise } from '../support';

const OWN = {
  namespace: 'egress',
  labels: { 'cdk8s-istio-egress/gateway': 'egress-gateway.egress' },
  serviceAccount: 'egress-gateway',
  targetPort: 8443,
};
const [THROUGH, OPAQUE, STRAIGHT, PLAIN] = ['through', 'opaque', 'straight', 'plain'].map(
  (name) => `${name}.example.com`,
);

const manifests = synthesise((app) => {
  const platform = new Chart(app, 'platform', { namespace: 'egress' });
  const gateway = new EgressGateway(platform, 'exit');
  new RefusalLog(platform, 'refused', { gateway }); // another Telemetry for the same pods
  const shop = new Chart(app, 'shop', { namespace: 'shop' });
  const callers = [Caller.serviceAccount('shop', 'checkout')];
  new GatewayEgress(shop, 'through', { gateway, hosts: [THROUGH], callers }).originateTls('tls');
  new GatewayEgress(shop, 'opaque', { gateway, hosts: [OPAQUE], callers, http: GatewayHttp.OPAQUE });
  new SidecarEgress(shop, 'straight', { hosts: [STRAIGHT] }).originateTls('tls');
  new SidecarEgress(shop, 'plain', { hosts: [PLAIN] });
  new NoTraceContext(shop, 'trace');
}).filter(
  ({ kind }) => !['PodDisruptionBudget', 'HorizontalPodAutoscaler', 'ServiceAccount', 'Deployment'].includes(kind),
);

const tracer: KubeObject = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'tracer', namespace: 'tracing' },
  spec: { ports: [9411, 11800, 4317].map((port) => ({ name: `${port === 9411 ? 'http' : 'grpc'}-${port}`, port })) },
};
const telemetry = (name: string, namespace: string, tracing: object): KubeObject => ({
  apiVersion: 'telemetry.istio.io/v1',
  kind: 'Telemetry',
  metadata: { name, namespace },
  spec: { tracing: [tracing] },
});
/** Traces every request of the mesh, as a platform team writes it; and as the callers' team does, older than ours. */
const traced = (provider: string) => [
  tracer,
  telemetry('mesh', 'istio-system', { providers: [{ name: provider }], randomSamplingPercentage: 100 }),
  telemetry('aaa', 'shop', { customTags: { team: { literal: { value: 'shop' } } } }),
];

/** Of another team, with the tracer's name. */
const ENTRY: KubeObject = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'ServiceEntry',
  metadata: { name: 'foreign', namespace: 'other' },
  spec: {
    hosts: ['tracer.tracing.svc.cluster.local'],
    exportTo: ['.'],
    resolution: 'NONE',
    ports: [{ number: 9411, name: 'http', protocol: 'HTTP' }],
  },
};

const isCure = ({ kind, metadata }: KubeObject) => kind === 'Telemetry' && metadata.name.endsWith('trace-context');
const ofGateway = (object: KubeObject) => isCure(object) && object.metadata.namespace === 'egress';

describeMesh(
  'a mesh that traces every request',
  {
    table: {
      mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY' },
      gateways: [OWN],
      callers: [
        {
          name: 'checkout',
          namespace: 'shop',
          serviceAccount: 'checkout',
          labels: { 'security.istio.io/tlsMode': 'istio' }, // as Istio's injection sets it
        },
      ],
      external: [THROUGH, OPAQUE, STRAIGHT, PLAIN].map((host) => ({ host, http: 'ok', https: 'ok' })),
    },
    manifests,
    // What istiod says of hosts that it finds twice.
    tolerate: [/could not find cluster for open telemetry provider|failed to process CUSTOM action/],
  },
  (mesh) => {
    /** What the host received beyond what the application sent. */
    const added = async (host: string) => {
      // The gateway logs only what it refuses, so there is no line by which a row could tell the egress path.
      const { judgement } = await mesh.see({ from: 'checkout', request: `http://${host}/` });
      expect([judgement.seen.outcome, judgement.seen.status]).toEqual(['answered', 200]);
      return judgement.seen.addedHeaders ?? [];
    };
    /** The private name of the hop is said by gateways whose pods do not switch it off, as those of the lab do not. */
    const HOP = 'x-envoy-original-host';

    test.each([
      ['zipkin', false],
      ['zipkin-placed', true],
    ])(
      "a private entry with the collector's name, in any namespace: %s goes on tracing, %s",
      async (provider, goesOn) => {
        const objects = [...manifests.filter((object) => !isCure(object)), ...traced(provider)];
        await mesh.apply(objects);
        expect(await added(PLAIN)).toContain('x-b3-traceid');
        await mesh.apply([...objects, ENTRY]);
        expect((await added(PLAIN)).includes('x-b3-traceid')).toBe(goesOn);
      },
    );

    test('the same entry ends access logs by such a provider, and what such an authorizer decides about is refused', async () => {
      const asking = (suffix: string) => {
        const asked: KubeObject = {
          apiVersion: 'security.istio.io/v1',
          kind: 'AuthorizationPolicy',
          metadata: { name: 'asked', namespace: 'egress' },
          spec: { action: 'CUSTOM', provider: { name: `authorizer${suffix}` }, rules: [{}] },
        };
        const logged = telemetry('logged', 'shop', {});
        logged.spec = { accessLogging: [{ providers: [{ name: `collector${suffix}` }] }] };
        return [...manifests.filter((object) => !isCure(object)), tracer, asked, logged];
      };
      const sidecar = mesh.lab.proxies.find(({ pod }) => pod.id === 'checkout')!;
      const found = async () => {
        const dump = JSON.parse(await sidecar.admin('/config_dump?resource=dynamic_listeners'));
        const listeners = JSON.stringify(dump.configs.map((one: { active_state: object }) => one.active_state));
        const { judgement } = await mesh.see({ from: 'checkout', request: `http://${THROUGH}/` });
        return [listeners.includes('OpenTelemetryAccessLogConfig'), judgement.seen.outcome];
      };
      await mesh.apply(asking(''));
      expect(await found()).toEqual([true, 'answered']);
      await mesh.apply([...asking(''), ENTRY]);
      expect(await found()).toEqual([false, 'refused']);
      await mesh.apply([...asking('-placed'), ENTRY]);
      expect(await found()).toEqual([true, 'answered']);
    });

    test('spans that a younger Telemetry reports again bring the headers with them', async () => {
      const older = synthesise((app) => {
        app.node.setContext('istioVersion', '1.29');
        new NoTraceContext(new Chart(app, 'shop', { namespace: 'shop' }), 'trace');
      }).map((object) => ({ ...object, metadata: { ...object.metadata, creationTimestamp: '2020-01-01T00:00:00Z' } }));
      const objects = [...manifests.filter((object) => !isCure(object) || ofGateway(object)), ...older];
      await mesh.apply([...objects, ...traced('zipkin')]);
      expect(await added(PLAIN)).toEqual([]);
      const again = telemetry('own', 'shop', { match: { mode: 'CLIENT' }, disableSpanReporting: false });
      again.spec.selector = { matchLabels: { 'security.istio.io/tlsMode': 'istio' } };
      await mesh.apply([...objects, ...traced('zipkin'), again]);
      expect(await added(PLAIN)).toContain('x-b3-traceid');
    });

    describe.each([
      ['zipkin', 'x-b3-traceid'],
      ['skywalking', 'sw8'],
      ['opentelemetry', 'traceparent'],
    ])('by %s', (provider, header) => {
      test('no host receives anything of it', async () => {
        await mesh.apply([...manifests, ...traced(provider)]);
        for (const host of [THROUGH, OPAQUE, STRAIGHT, PLAIN])
          expect([host, (await added(host)).filter((name) => name !== HOP)]).toEqual([host, []]);
      });

      test('without the Telemetry of each place, its hosts do: this suite can fail', async () => {
        await mesh.apply([...manifests.filter((object) => !ofGateway(object)), ...traced(provider)]);
        expect(await added(THROUGH)).toContain(header);
        await mesh.apply([...manifests.filter((object) => !isCure(object) || ofGateway(object)), ...traced(provider)]);
        // The gateway's own is in force, and its route takes off what the sidecar wrote.
        expect(await added(THROUGH)).not.toContain(header);
        for (const host of [OPAQUE, STRAIGHT, PLAIN]) expect(await added(host)).toContain(header);
      });
    });
  },
);
