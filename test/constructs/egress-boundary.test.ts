import * as fs from 'fs';
import * as path from 'path';
import { ApiObject, App, Chart } from 'cdk8s';
import { Deployment } from 'cdk8s-plus-33';
import { DirectEgress } from '../../src/constructs/direct-egress';
import { EgressBoundary } from '../../src/constructs/egress-boundary';
import { EgressBoundaryProps } from '../../src/constructs/egress-boundary-props';
import { EgressGateway } from '../../src/constructs/egress-gateway';
import { GatewayEgress } from '../../src/constructs/gateway-egress';
import { InstalledEgressGateway } from '../../src/constructs/installed-egress-gateway';
import { SidecarEgress, SidecarEgressProps } from '../../src/constructs/sidecar-egress';
import { Caller } from '../../src/values/caller';
import { EgressPort } from '../../src/values/egress-port';
import { GatewayInstallation } from '../../src/values/gateway-installation';
import { PRIVATE_RANGES } from '../../src/istio/ranges';
import { allManifests, errorOf, newApp, temporaryFolder, the } from '../support/app';
import { asKubernetesKnowsIt } from '../support/kubernetes-schema';

const UNSAFE = 'cdk8s-istio-egress/unsafe';
const INSTALLATION = GatewayInstallation.helmChart({ namespace: 'exits' });

/** An app with a chart for each of its teams, and the policies that come of it. */
class World {
  public readonly app = newApp();
  public readonly platform = new Chart(this.app, 'platform', { namespace: 'egress' });
  public readonly shop = new Chart(this.app, 'shop', { namespace: 'shop' });

  public boundary(props: EgressBoundaryProps): EgressBoundary {
    return new EgressBoundary(this.platform, 'boundary', props);
  }

  public exit(): EgressGateway {
    return new EgressGateway(this.platform, 'exit');
  }

  public policies(): any[] {
    this.validate();
    return allManifests(this.app).filter(({ kind }) => kind === 'NetworkPolicy');
  }

  public policy(namespace = 'shop', podLabels?: object): any {
    const found = this.policies().filter(
      ({ metadata, spec }) =>
        metadata.namespace === namespace &&
        (!podLabels || JSON.stringify(spec.podSelector.matchLabels) === JSON.stringify(podLabels)),
    );
    return the('NetworkPolicy', found);
  }

  public validate(): void {
    App.of(this.platform).synthYaml();
  }
}

const world = (build: (world: World) => void): World => {
  const made = new World();
  build(made);
  return made;
};

/** The rules of a policy beyond what every pod needs: DNS, istiod, peers. */
const more = (policy: any): any[] => policy.spec.egress.slice(3);
const toGateway = (namespace: string, labels: object) => ({
  namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
  podSelector: { matchLabels: labels },
});
const EXIT = { 'cdk8s-istio-egress/gateway': 'egress-gateway.egress' };
const PUBLIC = [
  { ipBlock: { cidr: '0.0.0.0/0', except: PRIVATE_RANGES.v4 } },
  { ipBlock: { cidr: '::/0', except: PRIVATE_RANGES.v6 } },
];
const tcp = (...ports: number[]) => ports.map((port) => ({ protocol: 'TCP', port }));

test('without a boundary there is no policy', () => {
  const { app } = world((w) => {
    new GatewayEgress(w.shop, 'site', {
      gateway: w.exit(),
      hosts: ['a.example.com'],
      callers: [Caller.serviceAccount('shop', 'checkout')],
    });
    new SidecarEgress(w.shop, 'feed', { hosts: ['b.example.com'] });
  });
  expect(allManifests(app).filter(({ kind }) => kind === 'NetworkPolicy')).toEqual([]);
});

test('the pods of a namespace still reach DNS, istiod and the rest of the cluster, and nothing else', () => {
  const policy = world((w) => w.boundary({ namespaces: ['shop'] })).policy();
  expect(policy.spec).toMatchInlineSnapshot(`
   {
     "egress": [
       {
         "ports": [
           {
             "port": 53,
             "protocol": "UDP",
           },
           {
             "port": 53,
             "protocol": "TCP",
           },
         ],
         "to": [
           {
             "namespaceSelector": {
               "matchLabels": {
                 "kubernetes.io/metadata.name": "kube-system",
               },
             },
             "podSelector": {
               "matchLabels": {
                 "k8s-app": "kube-dns",
               },
             },
           },
         ],
       },
       {
         "ports": [
           {
             "port": 15012,
             "protocol": "TCP",
           },
         ],
         "to": [
           {
             "namespaceSelector": {
               "matchLabels": {
                 "kubernetes.io/metadata.name": "istio-system",
               },
             },
             "podSelector": {
               "matchLabels": {
                 "app": "istiod",
               },
             },
           },
         ],
       },
       {
         "to": [
           {
             "namespaceSelector": {},
           },
         ],
       },
     ],
     "podSelector": {},
     "policyTypes": [
       "Egress",
     ],
   }
  `);
});

test('every policy has only fields that Kubernetes knows', () => {
  const policies = world((w) => {
    new SidecarEgress(w.shop, 'feed', { hosts: ['b.example.com'] });
    w.boundary({
      namespaces: ['shop'],
      gateways: [w.exit()],
      metricsNamespaces: ['monitoring'],
      peers: ['web'],
      dns: { addresses: ['169.254.20.10/32'] },
      labels: { a: 'b' },
      unsafeAllowedEgress: [{ namespace: 'shop', labels: { app: 'x' }, toCidrs: ['10.0.0.0/24'], reason: 'x' }],
    });
  }).policies();
  expect(policies).toHaveLength(3);
  for (const policy of policies) expect(asKubernetesKnowsIt(policy)).toEqual(policy);
});

test('a gateway is opened on the port of its pods, for the whole namespace; its namespace is not a peer', () => {
  const policy = world((w) => w.boundary({ namespaces: ['shop'], gateways: [w.exit()] })).policy();
  expect(policy.spec.egress[2].to).toEqual([
    {
      namespaceSelector: {
        matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['egress'] }],
      },
    },
  ]);
  expect(more(policy)).toEqual([{ to: [toGateway('egress', EXIT)], ports: tcp(8443) }]);
});

test('named peers are the only ones, apart from the namespace itself', () => {
  const policy = world((w) => w.boundary({ namespaces: ['shop'], peers: ['web'] })).policy();
  expect(policy.spec.egress[2].to).toEqual([
    {
      namespaceSelector: {
        matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'In', values: ['shop', 'web'] }],
      },
    },
  ]);
});

test.each([
  ['given', true],
  ['of the app', false],
])('the namespace of a gateway among the peers stops synth, the gateway is %s', (_whose, isGiven) => {
  const made = world((w) => {
    const exit = w.exit();
    w.boundary({ namespaces: ['shop'], gateways: isGiven ? [exit] : undefined, peers: ['web', 'egress'] });
  });
  const message = errorOf(() => made.app.synth());
  expect(message).toContain(
    '[platform/boundary] boundary-opens-gateway: "egress" under `peers` is the namespace of a gateway, whose pods would ' +
      'be reached on every port. Leave it out: `gateways` opens the port of the hop. Anything else there is opened by ' +
      '`unsafeAllowedEgress`, with `toNamespaces: ["egress"]` and its ports.',
  );
  expect(message.match(/boundary-opens-gateway/g)).toHaveLength(1);
});

test.each(['before', 'after'])(
  "a GatewayEgress that stands %s the boundary opens its gateway for its callers' namespace",
  (when) => {
    const { shop, web } = (() => {
      const w = new World();
      const declare = () =>
        new GatewayEgress(w.shop, 'site', {
          gateway: InstalledEgressGateway.fromInstallation(w.shop, 'exit', INSTALLATION),
          hosts: ['a.example.com'],
          callers: [Caller.serviceAccount('shop', 'checkout')],
        });
      if (when === 'before') declare();
      w.boundary({ namespaces: ['shop', 'web'] });
      if (when === 'after') declare();
      return { shop: w.policy('shop'), web: w.policy('web') };
    })();
    expect(more(shop)).toEqual([{ to: [toGateway('exits', INSTALLATION.labels)], ports: tcp(443) }]);
    expect(more(web)).toEqual([]);
  },
);

test('a guarded gateway is reached by its callers only, and reaches public addresses only', () => {
  const w = world((made) => {
    const exit = made.exit();
    made.boundary({
      namespaces: ['shop'],
      gateways: [exit],
      callerNamespaces: ['far'],
      metricsNamespaces: ['monitoring'],
    });
    new GatewayEgress(made.shop, 'site', {
      gateway: exit,
      hosts: ['a.example.com'],
      ports: [EgressPort.tls(8443)],
      callers: [Caller.serviceAccount('blog', 'writer')],
    });
  });
  const { spec, metadata } = w.policy('egress');
  expect(spec.podSelector.matchLabels).toEqual(EXIT);
  expect(spec.policyTypes).toEqual(['Ingress', 'Egress']);
  expect(spec.ingress).toEqual([
    {
      from: [
        {
          namespaceSelector: {
            matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'In', values: ['blog', 'far', 'shop'] }],
          },
        },
      ],
      ports: tcp(8443),
    },
    {
      from: [
        {
          namespaceSelector: {
            matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'In', values: ['monitoring'] }],
          },
        },
      ],
      ports: tcp(15020),
    },
  ]);
  expect(spec.egress.slice(2)).toEqual([{ to: PUBLIC, ports: tcp(80, 443, 8443) }]);
  expect(metadata.annotations).toEqual({ 'cdk8s-istio-egress/constructs': 'platform/boundary' });
});

test('a gateway of another app is not guarded; an installed one only on request', () => {
  const reference = world((w) =>
    w.boundary({
      namespaces: ['shop'],
      gateways: [InstalledEgressGateway.fromInstallation(w.shop, 'exit', INSTALLATION)],
    }),
  );
  expect(reference.policies().map(({ metadata }) => metadata.namespace)).toEqual(['shop']);
  expect(more(reference.policy())).toEqual([{ to: [toGateway('exits', INSTALLATION.labels)], ports: tcp(443) }]);

  const installed = (guardInstalledGateways: boolean) =>
    world((w) =>
      w.boundary({
        namespaces: ['shop'],
        gateways: [new InstalledEgressGateway(w.platform, 'exit', { installation: INSTALLATION })],
        guardInstalledGateways,
      }),
    )
      .policies()
      .map(({ metadata }) => metadata.namespace);
  expect(installed(false)).toEqual(['shop']);
  expect(installed(true)).toEqual(['exits', 'shop']);
});

test.each<[string, Partial<SidecarEgressProps>, object, string | undefined]>([
  [
    'its ports, to every public address',
    { hosts: ['a.example.com'] },
    { to: PUBLIC, ports: tcp(80, 443) },
    'open to every public address on port 80, 443, past the sidecar too',
  ],
  [
    'its ports, to its fixed endpoints alone',
    { endpoints: ['203.0.113.9', '2001:db8::9'] },
    { to: [{ ipBlock: { cidr: '2001:db8::9/128' } }, { ipBlock: { cidr: '203.0.113.9/32' } }], ports: tcp(80, 443) },
    undefined,
  ],
  [
    'its ports wherever its names lead',
    { endpoints: ['real.example.com'], ports: [EgressPort.http()] },
    { to: PUBLIC, ports: tcp(80) },
    'open to every public address on port 80, past the sidecar too',
  ],
])('a SidecarEgress opens %s', (_what, props, rule, unsafe) => {
  const policy = world((w) => {
    w.boundary({ namespaces: ['shop'] });
    new SidecarEgress(w.shop, 'feed', { hosts: ['a.example.com'], ...props });
  }).policy();
  expect(more(policy)).toEqual([rule]);
  expect(policy.metadata.annotations?.[UNSAFE]).toBe(unsafe);
});

test('originated TLS leaves on the TLS port, and only that is open', () => {
  const policy = world((w) => {
    w.boundary({ namespaces: ['shop'] });
    new SidecarEgress(w.shop, 'feed', { hosts: ['a.example.com'], ports: [EgressPort.http()] }).originateTls('tls');
  }).policy();
  expect(more(policy)).toEqual([{ to: PUBLIC, ports: tcp(443) }]);
});

test('a hundred hosts need no more rules than one', () => {
  const policy = (count: number) =>
    world((w) => {
      w.boundary({ namespaces: ['shop'], gateways: [w.exit()] });
      new SidecarEgress(w.shop, 'feed', {
        hosts: Array.from({ length: count }, (_one, index) => `host-${index}.example.com`),
      });
    }).policies();
  expect(policy(100)).toEqual(policy(1));
});

test('the policies do not depend on the order of constructs', () => {
  const policies = (turned: boolean) =>
    world((w) => {
      const egress = ['b.example.com', 'a.example.com'].map(
        (host, index) => () =>
          new SidecarEgress(w.shop, host, { hosts: [host], endpoints: [`203.0.113.${index + 1}`] }),
      );
      (turned ? egress.reverse() : egress).forEach((declare) => declare());
      w.boundary({ namespaces: ['shop'] });
    }).policies();
  expect(policies(true)).toEqual(policies(false));
});

describe('a DirectEgress', () => {
  const raw = (chart: Chart, labels: object | undefined = { app: 'legacy' }) =>
    new ApiObject(chart, 'legacy', {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      spec: {
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: 'a', image: 'b' }] } },
      },
    });

  test('opens its ranges and ports for its pods, in a policy of their own', () => {
    const w = world((made) => {
      made.boundary({ namespaces: ['shop'] });
      new DirectEgress(made.shop, 'mainframe', {
        workloads: [raw(made.shop)],
        toCidrs: ['10.9.8.7/24', '203.0.113.40/32'],
        toPorts: [3270],
      });
    });
    const policy = w.policy('shop', { app: 'legacy' });
    expect(policy.spec).toEqual({
      podSelector: { matchLabels: { app: 'legacy' } },
      policyTypes: ['Egress'],
      egress: [
        { to: PUBLIC, ports: tcp(3270) },
        { to: [{ ipBlock: { cidr: '10.9.8.0/24' } }, { ipBlock: { cidr: '203.0.113.40/32' } }] },
      ],
    });
    expect(w.policies()).toHaveLength(2);
  });

  test('for a class of cdk8s-plus, whose containers are added later', () => {
    const w = world((made) => {
      const deployment = new Deployment(made.shop, 'legacy', { podMetadata: { labels: { tier: 'back' } } });
      new DirectEgress(made.shop, 'mainframe', { workloads: [deployment], toCidrs: ['203.0.113.40/32'] });
      deployment.addContainer({ image: 'registry.example.com/legacy:1' });
      made.boundary({ namespaces: ['shop'] });
    });
    const selector = allManifests(w.app).find(({ kind }) => kind === 'Deployment').spec.selector.matchLabels;
    expect(w.policy('shop', selector).spec.egress).toEqual([{ to: [{ ipBlock: { cidr: '203.0.113.40/32' } }] }]);
  });

  test('opens nothing where only capture is restricted, nor in a namespace without a boundary', () => {
    const w = world((made) => {
      made.boundary({ namespaces: ['web'] });
      new DirectEgress(made.shop, 'mainframe', { workloads: [raw(made.shop)], toCidrs: ['203.0.113.40/32'] });
      new DirectEgress(made.shop, 'narrow', {
        workloads: [raw(new Chart(made.app, 'web', { namespace: 'web' }))],
        unsafeCaptureOnlyCidrs: ['10.0.0.0/8'],
      });
    });
    expect(w.policies()).toHaveLength(1);
  });

  test('for pods that no policy can select stops synth', () => {
    const w = world((made) => {
      made.boundary({ namespaces: ['shop'] });
      new DirectEgress(made.shop, 'mainframe', {
        workloads: [raw(new Chart(made.app, 'nowhere'))],
        toCidrs: ['203.0.113.40/32'],
      });
    });
    expect(errorOf(() => w.validate())).toMatch(/boundary-unknown-pods: \[nowhere\/legacy\] has a DirectEgress/);
  });
});

test('exceptions are written on the policies, with their reasons', () => {
  const w = world((made) =>
    made.boundary({
      namespaces: ['shop'],
      gateways: [made.exit()],
      unsafeSidecarPorts: [8443],
      unsafeAllowedEgress: [
        { namespace: 'shop', toCidrs: ['10.1.2.3/16'], toPorts: [5432], reason: 'old database' },
        { namespace: 'shop', labels: { app: 'operator' }, toCidrs: ['172.20.0.1/32'], reason: 'the API server' },
        { namespace: 'egress', toNamespaces: ['tracing'], toPorts: [4317], reason: 'traces' },
      ],
    }),
  );
  const [app, operator] = w.policies().filter(({ metadata }) => metadata.namespace === 'shop');
  expect(app.metadata.annotations[UNSAFE]).toBe(
    'open to every public address on port 8443, past the sidecar too; hole: old database',
  );
  expect(more(app)).toEqual([
    { to: [toGateway('egress', EXIT)], ports: tcp(8443) },
    { to: PUBLIC, ports: tcp(8443) },
    { to: [{ ipBlock: { cidr: '10.1.0.0/16' } }], ports: tcp(5432) },
  ]);
  expect(operator.metadata.annotations[UNSAFE]).toBe('hole: the API server');
  expect(operator.spec).toMatchObject({
    podSelector: { matchLabels: { app: 'operator' } },
    egress: [{ to: [{ ipBlock: { cidr: '172.20.0.1/32' } }] }],
  });
  const guard = w.policy('egress');
  expect(guard.metadata.annotations[UNSAFE]).toBe('hole: traces');
  expect(guard.spec.egress).toContainEqual({
    to: [
      {
        namespaceSelector: {
          matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'In', values: ['tracing'] }],
        },
      },
    ],
    ports: tcp(4317),
  });
});

test('further ranges can be private, and DNS servers can be elsewhere', () => {
  const policy = world((w) => {
    w.boundary({
      namespaces: ['shop'],
      privateCidrs: ['198.51.100.7/24', '2001:db8:5::/48'],
      dns: {
        namespace: 'openshift-dns',
        labels: { dns: 'default' },
        ports: [5353],
        addresses: ['169.254.20.10/32', '198.51.100.0/29'],
      },
      istiodNamespace: 'mesh',
    });
    new SidecarEgress(w.shop, 'feed', { hosts: ['a.example.com'] });
  }).policy();
  const [dns, istiod] = policy.spec.egress;
  expect(dns).toEqual({
    to: [
      toGateway('openshift-dns', { dns: 'default' }),
      { ipBlock: { cidr: '169.254.20.10/32' } },
      { ipBlock: { cidr: '198.51.100.0/29' } },
    ],
    ports: [
      { protocol: 'UDP', port: 5353 },
      { protocol: 'TCP', port: 5353 },
    ],
  });
  expect(istiod.to).toEqual([toGateway('mesh', { app: 'istiod' })]);
  const [v4, v6] = more(policy)[0].to;
  expect(v4.ipBlock.except).toEqual([...PRIVATE_RANGES.v4, '198.51.100.0/24']);
  expect(v6.ipBlock.except).toEqual([...PRIVATE_RANGES.v6, '64:ff9b::c633:6400/120', '2001:db8:5::/48']);
});

test('names differ by owner and pods, and by nothing else', () => {
  const names = (owner: string | undefined, id: string) => {
    const chart = new Chart(newApp(), id, { namespace: 'egress' });
    new EgressBoundary(chart, id, { namespaces: ['shop', 'web'], owner });
    return chart.toJson().map(({ metadata }) => metadata.name);
  };
  expect(names(undefined, 'a')).toEqual(names('egress', 'b'));
  expect(new Set([...names('one', 'a'), ...names('two', 'a')]).size).toBe(4);
});

test('two boundaries of one owner for one namespace stop synth', () => {
  const w = world((made) => {
    made.boundary({ namespaces: ['shop'] });
    new EgressBoundary(made.platform, 'again', { namespaces: ['shop'] });
  });
  expect(errorOf(() => w.validate())).toMatch(/platform\/again.*one and the same object/s);
});

test('a guarded gateway that no namespace may reach stops synth', () => {
  const w = world((made) => made.boundary({ gateways: [made.exit()] }));
  expect(errorOf(() => w.validate())).toMatch(
    /boundary-without-callers: no namespace may reach the gateway egress\/egress-gateway/,
  );
});

test('all problems of bad input are in one error', () => {
  const w = new World();
  const reference = InstalledEgressGateway.fromInstallation(w.shop, 'exit', INSTALLATION);
  expect(
    errorOf(() =>
      w.boundary({
        namespaces: ['Shop', 'web', 'web'],
        gateways: [reference],
        guardInstalledGateways: true,
        peers: ['a b'],
        gatewayPorts: [],
        unsafeSidecarPorts: [0],
        istiodNamespace: 'Istio',
        privateCidrs: ['10.0.0.0', '0.0.0.0/0'],
        dns: { labels: {}, ports: [], addresses: ['169.254.20.10', '169.254.20.0/24', '0.0.0.0/1'] },
        unsafeAllowedEgress: [
          { namespace: 'other', reason: ' ' },
          { namespace: 'web', toCidrs: ['x'], toNamespaces: ['Y'], toPorts: [], labels: {}, reason: 'z' },
        ],
      }),
    ),
  ).toMatchInlineSnapshot(`
   "[platform/boundary] EgressBoundary: 20 problems:
     - namespaces[0]: "Shop" is not a valid namespace: Kubernetes allows at most 63 lower-case letters, digits and "-", beginning and ending with a letter or digit
     - namespaces[2]: "web" is listed twice; list it once
     - peers[0]: "a b" is not a valid namespace: Kubernetes allows at most 63 lower-case letters, digits and "-", beginning and ending with a letter or digit
     - dns.labels: no labels, which would select every pod of the namespace; name at least one label
     - dns.ports: empty, so no DNS server could be reached; leave it out for 53
     - dns.addresses[0]: "169.254.20.10" has no mask; for this one address write "169.254.20.10/32"
     - istiodNamespace: "Istio" is not a valid namespace: Kubernetes allows at most 63 lower-case letters, digits and "-", beginning and ending with a letter or digit
     - privateCidrs[0]: "10.0.0.0" has no mask; for this one address write "10.0.0.0/32"
     - privateCidrs[1]: "0.0.0.0/0" covers every address, so no address would be external; write the ranges of your own networks
     - gatewayPorts: empty, which is not the default of 80 and 443; leave it out for those, or name the ports
     - unsafeSidecarPorts[0]: 0 is not a port number: ports are whole numbers from 1 to 65535; write one such as 8443
     - unsafeAllowedEgress[0].reason: empty; say why, for those who audit the policies
     - unsafeAllowedEgress[1].labels: no labels, which would select every pod of the namespace; name at least one label
     - unsafeAllowedEgress[1].toCidrs[0]: "x" is not an address range, such as "203.0.113.0/24" or "2001:db8::/32"
     - unsafeAllowedEgress[1].toNamespaces[0]: "Y" is not a valid namespace: Kubernetes allows at most 63 lower-case letters, digits and "-", beginning and ending with a letter or digit
     - unsafeAllowedEgress[1].toPorts: empty; leave it out for every port
     - dns.addresses: "0.0.0.0/1" holds public addresses; name each DNS server, or add the range to \`privateCidrs\` if it is one of your networks
     - guardInstalledGateways: [shop/exit] only refers to the gateway exits/istio-egressgateway of another app; guard it in the app that emits it
     - unsafeAllowedEgress[0].namespace: the boundary does not restrict "other", so there is nothing to open; name one of its namespaces, or that of a gateway which it guards
     - unsafeAllowedEgress[0]: opens nothing; give \`toCidrs\` or \`toNamespaces\`"
  `);
  expect(errorOf(() => new World().boundary({}))).toMatch(
    /namespaces, gateways: there is neither a namespace nor a gateway to guard/,
  );
});

test('the namespace of a gateway cannot be one of applications, because policies add up and its guard would be open', () => {
  const made = new World();
  const exit = made.exit();
  expect(errorOf(() => made.boundary({ namespaces: ['shop', 'egress'], gateways: [exit] }))).toBe(
    '[platform/boundary] EgressBoundary: namespaces[1]: "egress" is the namespace of the gateway ' +
      "egress/egress-gateway [platform/exit]. A policy for all pods there would also let the gateway's pods reach " +
      'every other namespace on every port, since policies add up; leave "egress" out: `gateways` guards ' +
      "the gateway's own pods, and applications belong in other namespaces",
  );
  const reference = InstalledEgressGateway.fromInstallation(made.shop, 'exit', INSTALLATION);
  expect(
    errorOf(() => new EgressBoundary(made.platform, 'other', { namespaces: ['exits'], gateways: [reference] })),
  ).toContain('namespaces[0]: "exits" is the namespace of the gateway exits/');
});

test.each([
  ['before', true],
  ['after', false],
])('the namespace of a gateway that another boundary guards stops synth, declared %s it', (_when, first) => {
  const made = new World();
  const wide = () => new EgressBoundary(made.shop, 'wide', { namespaces: ['egress'] });
  if (first) wide();
  made.boundary({ namespaces: ['shop'], gateways: [made.exit()] });
  if (!first) wide();
  const message = errorOf(() => made.app.synth());
  expect(message).toContain(
    '[shop/wide] boundary-opens-guard: "egress" under `namespaces` is the namespace of the gateway ' +
      'egress/egress-gateway, which [platform/boundary] guards',
  );
  expect(message.match(/boundary-opens-guard/g)).toHaveLength(1);
});

test('an order of charts that the app states is the order of the files, and changes nothing else', () => {
  const written = (ordered: boolean) => {
    const app = new App({ outdir: temporaryFolder() });
    const [boundary, platform, shop] = [
      ['boundary', 'egress'],
      ['platform', 'egress'],
      ['shop', 'shop'],
    ].map(([id, namespace]) => new Chart(app, id, { namespace }));
    const exit = new EgressGateway(platform, 'exit');
    new GatewayEgress(shop, 'partner', {
      gateway: exit,
      hosts: ['api.example.com'],
      callers: [Caller.serviceAccount('shop', 'checkout')],
    });
    new EgressBoundary(boundary, 'boundary', { namespaces: ['shop'], gateways: [exit] });
    if (ordered) {
      shop.addDependency(platform);
      boundary.addDependency(shop);
    }
    app.synth();
    return Object.fromEntries(
      fs.readdirSync(app.outdir).map((file) => [file, fs.readFileSync(path.join(app.outdir, file), 'utf8')]),
    );
  };
  const [plain, numbered] = [written(false), written(true)];
  expect(numbered).toEqual({
    '0000-platform.k8s.yaml': plain['platform.k8s.yaml'],
    '0001-shop.k8s.yaml': plain['shop.k8s.yaml'],
    '0002-boundary.k8s.yaml': plain['boundary.k8s.yaml'],
  });
});

describe('hosts at private addresses', () => {
  const TCP = { hosts: ['db.example.com'], ports: [EgressPort.tcp(5432)] };
  const build = (props: Partial<SidecarEgressProps>, boundary: Partial<EgressBoundaryProps> = {}) =>
    world((w) => {
      new SidecarEgress(w.shop, 'db', { ...TCP, ...props });
      w.boundary({ namespaces: ['shop'], ...boundary });
    });
  const through = (address: string, boundary: Partial<EgressBoundaryProps> = {}) =>
    world((w) => {
      const gateway = w.exit();
      const callers = [Caller.serviceAccount('shop', 'checkout')];
      new GatewayEgress(w.shop, 'db', { gateway, ...TCP, addresses: [address], callers });
      w.boundary({ namespaces: ['shop'], gateways: [gateway], ...boundary });
    });
  const opens = (namespace: string, cidr: string) => [
    { namespace, toCidrs: [cidr], toPorts: [5432], reason: 'orders' },
  ];

  test.each<[string, World, string, string]>([
    ['that applications dial', build({ addresses: ['10.20.0.5'] }), '10.20.0.5', 'shop'],
    [
      'among endpoints with names',
      build({ addresses: ['203.0.113.7'], endpoints: ['10.20.0.5', 'db.corp.example.com'] }),
      '10.20.0.5',
      'shop',
    ],
    [
      'of the company',
      build({ addresses: ['198.51.100.7'] }, { privateCidrs: ['198.51.100.0/24'] }),
      '198.51.100.7',
      'shop',
    ],
    [
      'of which another port is open',
      build(
        { addresses: ['10.20.0.5'] },
        { unsafeAllowedEgress: [{ ...opens('shop', '10.20.0.5/32')[0], toPorts: [80] }] },
      ),
      '10.20.0.5',
      'shop',
    ],
    [
      'behind a gateway',
      through('10.20.0.5', { unsafeAllowedEgress: opens('shop', '10.20.0.5/32') }),
      '10.20.0.5',
      'egress',
    ],
  ])('stop synth, with the line that opens them: one %s', (_what, w, address, namespace) => {
    expect(errorOf(() => w.validate())).toContain(
      `boundary-private-address: db.example.com [shop/db] is at ${address}, and the boundary lets pods of ${namespace} ` +
        'connect to public addresses only, so calls would time out. Write `unsafeAllowedEgress: ' +
        `[{ namespace: "${namespace}", toCidrs: ["${address}/32"], toPorts: [5432], reason: "…" }]\`.`,
    );
  });

  test.each<[string, World]>([
    ['with that line', build({ addresses: ['10.20.0.5'] }, { unsafeAllowedEgress: opens('shop', '10.20.0.0/16') })],
    ['with that line for the gateway', through('10.20.0.5', { unsafeAllowedEgress: opens('egress', '10.20.0.5/32') })],
    ['with fixed endpoints, which are open', build({ addresses: ['10.20.0.5'], endpoints: ['10.20.0.5'] })],
    ['with an address that only stands for the host', build({ addresses: ['240.0.0.7'] })],
    ['where sidecars answer DNS', build({ dnsCapture: true })],
    ['at public addresses', build({ addresses: ['203.0.113.7'] })],
  ])('pass %s', (_what, w) => {
    expect(() => w.validate()).not.toThrow();
  });
});
