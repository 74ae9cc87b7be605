import { ApiObject, App, Chart } from 'cdk8s';
import * as kplus from 'cdk8s-plus-33';
import { IConstruct } from 'constructs';
import { EgressGateway } from '../../src/constructs/egress-gateway';
import { GatewayEgress, GatewayEgressProps, GatewayHttp, GatewayRefusal } from '../../src/constructs/gateway-egress';
import { IEgressGateway } from '../../src/constructs/i-egress-gateway';
import { InstalledEgressGateway } from '../../src/constructs/installed-egress-gateway';
import { Caller } from '../../src/values/caller';
import { ClientCertificate } from '../../src/values/client-certificate';
import { EgressPort } from '../../src/values/egress-port';
import { GatewayInstallation } from '../../src/values/gateway-installation';
import { admissionProblems } from '../support/admission';
import { allManifests, errorOf, newApp, refusal, the, withoutPaths } from '../support/app';
import { deployment } from '../support/workloads';
import { helmGateway } from '../support/helm-gateway';

const HOST = 'api.partner.com';
const CHECKOUT = Caller.serviceAccount('payments', 'checkout');
const labelled = (name: string) => Caller.serviceAccount('payments', name, { podLabels: { app: name } });

type Build = (chart: Chart, gateway: IEgressGateway) => void;
const foreign = (build: Build) => (app: App) => {
  const chart = new Chart(app, 'chart', { namespace: 'payments' });
  build(chart, helmGateway(chart));
};
const locked = (build: Build) => (app: App) => {
  const exit = new EgressGateway(new Chart(app, 'platform', { namespace: 'egress' }), 'exit');
  build(new Chart(app, 'chart', { namespace: 'payments' }), exit);
  exit.lockdown(); // also when it comes later
};
const egress =
  (props: Partial<GatewayEgressProps>, id = 'partner'): Build =>
  (chart, gateway) =>
    new GatewayEgress(chart, id, { gateway, hosts: [HOST], callers: [CHECKOUT], ...props });
const both =
  (...builds: Build[]): Build =>
  (chart, gateway) =>
    builds.forEach((build) => build(chart, gateway));

/** What an app emits; an API server with Istio takes each of it. */
function emitted(build: (app: App) => void): any[] {
  const app = newApp();
  build(app);
  const manifests = allManifests(app);
  expect(manifests.filter(({ apiVersion }) => apiVersion.includes('istio.io')).flatMap(admissionProblems)).toEqual([]);
  return manifests;
}

/** Those of the callers: what they allow, then what they deny. */
const policies = (manifests: any[]) =>
  manifests
    .filter(
      ({ kind, metadata }) => kind === 'AuthorizationPolicy' && !metadata.name.startsWith('egress-gateway-lockdown'),
    )
    .sort((a, b) => (a.spec.action < b.spec.action ? -1 : a.spec.action > b.spec.action ? 1 : 0));
const servers = (manifests: any[]) =>
  manifests.filter(({ kind }) => kind === 'Gateway').flatMap(({ spec }) => spec.servers);
const hopNames = (manifests: any[]): string[] => servers(manifests).map(({ hosts }) => hosts[0].split('/')[1]);

describe('Caller.workload', () => {
  const read = (build: (chart: Chart) => any) =>
    Caller.workload(build(new Chart(newApp(), 'chart', { namespace: 'payments' })));

  test('reads namespace and service account from a pod template, and the labels from its selector', () => {
    const caller = read((chart) =>
      deployment(chart, 'checkout', {
        metadata: { labels: { app: 'checkout', version: '2' } },
        spec: { serviceAccountName: 'till', containers: [{ name: 'app', image: 'app' }] },
      }),
    );
    expect([caller.namespace, caller.serviceAccountName, caller.podLabels]).toEqual([
      'payments',
      'till',
      { app: 'checkout' },
    ]);
  });

  test.each<[string, (chart: Chart) => IConstruct]>([
    ['names none', (chart) => deployment(chart)],
    [
      'names the default',
      (chart) => deployment(chart, 'app', { spec: { serviceAccountName: 'default', containers: [] } }),
    ],
    ['is made by cdk8s-plus', (chart) => new kplus.Deployment(chart, 'app', { containers: [{ image: 'app' }] })],
  ])('a workload without a service account of its own is refused, unless it is said: it %s', (_what, build) => {
    expect(errorOf(() => read(build))).toMatch(
      /\[chart\/app\]: has no service account of its own, and every pod .* Caller\.serviceAccount\("payments", "default"\)/,
    );
  });

  test('reads cdk8s-plus', () => {
    const caller = read((chart) => {
      const account = new kplus.ServiceAccount(chart, 'account', { metadata: { name: 'till' } });
      const workload = new kplus.Deployment(chart, 'checkout', {
        serviceAccount: account,
        containers: [{ image: 'app' }],
      });
      return workload;
    });
    expect([caller.namespace, caller.serviceAccountName]).toEqual(['payments', 'till']);
    expect(Object.keys(caller.podLabels!)).toEqual(['cdk8s.io/metadata.addr']);
  });

  test('refuses constructs without an identity, with the cure', () => {
    expect(
      errorOf(() => read((chart) => new ApiObject(chart, 'map', { apiVersion: 'v1', kind: 'ConfigMap' }))),
    ).toMatch(/Caller\.workload: .*\[chart\/map\] has no pod template; give a Deployment/);
    expect(errorOf(() => Caller.workload(deployment(new Chart(newApp(), 'chart'))))).toMatch(
      /\[chart\/app\]: has no namespace, so its identity is unknown; give `namespace` to it or to its chart/,
    );
  });

  test('notices later changes of the workload', () => {
    const late = refusal(
      foreign((chart, gateway) => {
        const app = deployment(chart, 'app', { spec: { serviceAccountName: 'till', containers: [] } });
        egress({ callers: [Caller.workload(app)] })(chart, gateway);
        app.addJsonPatch({
          toJson: () => undefined,
          _toJson: () => ({ op: 'add', path: '/spec/template/spec/serviceAccountName', value: 'other' }),
        } as any);
      }),
    );
    expect(late.message).toMatch(/make the caller after everything that changes its service account or labels/);
    expect(late.written).toEqual([]);
  });
});

describe('a whole namespace', () => {
  const whole = egress({ callers: [Caller.wholeNamespace('payments')] });

  test(
    'on an installed gateway, a policy refuses all other namespaces for these server names, and affects no other ' +
      'server',
    () => {
      const manifests = emitted(foreign(whole));
      const [{ spec, metadata }, ...others] = policies(manifests);
      expect(others).toEqual([]);
      expect(metadata.namespace).toBe('egress');
      expect(spec).toMatchObject({
        action: 'DENY',
        rules: [
          {
            from: [{ source: { notPrincipals: ['cluster.local/ns/payments/*'] } }],
            when: [{ key: 'connection.sni' }],
          },
        ],
      });
      const [ending] = spec.rules[0].when[0].values;
      expect(ending).toMatch(/^\*\.[0-9a-f]{20}\.egress-checked\.internal$/);
      for (const name of hopNames(manifests)) expect(name.endsWith(ending.slice(1))).toBe(true);
      for (const { tls } of servers(manifests)) expect(tls).toEqual({ mode: 'ISTIO_MUTUAL' });
    },
  );

  test('on a locked gateway, a policy also grants access, which the lock itself does not', () => {
    const manifests = emitted(locked(whole));
    const [grant, refused] = policies(manifests).map(({ spec }) => spec);
    const when = [
      { key: 'connection.sni', values: [expect.stringMatching(/^\*\.[0-9a-f]+\.egress-checked\.internal$/)] },
    ];
    expect(grant).toMatchObject({
      action: 'ALLOW',
      rules: [{ from: [{ source: { principals: ['cluster.local/ns/payments/*'] } }], when }],
    });
    expect(refused).toMatchObject({
      action: 'DENY',
      rules: [{ from: [{ source: { notPrincipals: ['cluster.local/ns/payments/*'] } }], when: grant.rules[0].when }],
    });
    const lock = manifests.find(({ metadata }) => metadata.name === 'egress-gateway-lockdown').spec.rules[0].when[0]
      .values[0];
    for (const name of hopNames(manifests)) expect(name.endsWith(lock.slice(1))).toBe(false);
  });

  test('in another app, the installation states that the gateway is locked', () => {
    const elsewhere = (lockedDown?: boolean) =>
      emitted((app) => {
        const chart = new Chart(app, 'chart', { namespace: 'payments' });
        whole(
          chart,
          InstalledEgressGateway.fromInstallation(
            chart,
            'exit',
            GatewayInstallation.egressGateway({ namespace: 'egress', lockedDown }),
          ),
        );
      });
    expect(policies(elsewhere(true)).map(({ spec }) => spec.action)).toEqual(['ALLOW', 'DENY']);
    expect(policies(elsewhere()).map(({ spec }) => spec.action)).toEqual(['DENY']);
  });

  test('in the same app, it has to be', () => {
    const build = (lock: boolean) => (app: App) => {
      const exit = new EgressGateway(new Chart(app, 'platform', { namespace: 'egress' }), 'exit');
      const chart = new Chart(app, 'chart', { namespace: 'payments' });
      const said = GatewayInstallation.egressGateway({ namespace: 'egress', lockedDown: true });
      whole(chart, InstalledEgressGateway.fromInstallation(chart, 'exit', said));
      if (lock) exit.lockdown();
    };
    expect(refusal(build(false)).message).toMatch(
      /\[platform\/exit\] gateway-conflict: .* is not locked down, and \[chart\/exit\] says that it is/,
    );
    expect(errorOf(() => refusal(build(true)))).toBe('nothing was thrown');
  });

  test('one policy serves any number of hosts and constructs', () => {
    const hosts = Array.from({ length: 20 }, (_, index) => `h${index}.example.com`);
    const few = policies(emitted(foreign(whole)));
    const many = policies(
      emitted(foreign(both(whole, egress({ hosts, callers: [Caller.wholeNamespace('payments')] }, 'more')))),
    );
    expect(withoutPaths(many)).toEqual(withoutPaths(few));
    expect(many[0].metadata.annotations).toEqual({ 'cdk8s-istio-egress/constructs': 'chart/more, chart/partner' });
  });

  test('callers inside it add nothing; other namespaces keep their own servers', () => {
    const manifests = emitted(
      foreign(
        egress({ callers: [CHECKOUT, Caller.wholeNamespace('payments'), Caller.serviceAccount('other', 'app')] }),
      ),
    );
    expect(policies(manifests)).toHaveLength(1);
    expect(
      servers(manifests)
        .map(({ tls }) => tls.subjectAltNames)
        .filter(Boolean)
        .flat(),
    ).toEqual(Array(2).fill('spiffe://cluster.local/ns/other/sa/app'));
  });
});

describe('callers that are refused with 403', () => {
  const forbidden = (props: Partial<GatewayEgressProps> = {}, id?: string) =>
    egress({ refusal: GatewayRefusal.FORBIDDEN, ...props }, id);

  test('on a locked gateway, a policy grants the named callers, and the servers leave the check to it', () => {
    const manifests = emitted(locked(forbidden()));
    const [grant, refused] = policies(manifests).map(({ spec }) => spec);
    const named = ['cluster.local/ns/payments/sa/checkout'];
    // Of four parts, which istiod does not extend to the aliases of the trust domain.
    const any = ['cluster.local/ns/payments/*'];
    expect(grant).toMatchObject({
      action: 'ALLOW',
      rules: [
        {
          from: [{ source: { principals: named } }],
          when: [{ key: 'connection.sni' }, { key: 'source.principal', values: any }],
        },
      ],
    });
    expect(refused).toMatchObject({
      action: 'DENY',
      rules: [{ from: [{ source: { notPrincipals: any } }, { source: { notPrincipals: named } }] }],
    });
    for (const { tls } of servers(manifests)) expect(tls).toEqual({ mode: 'ISTIO_MUTUAL' });
  });

  test('declarations of one set share one policy; adding a host renames nothing', () => {
    const one = emitted(locked(forbidden()));
    const two = emitted(locked(both(forbidden(), forbidden({ hosts: ['b.example.com'] }, 'more'))));
    expect(withoutPaths(policies(two))).toEqual(withoutPaths(policies(one)));
    for (const name of hopNames(one)) expect(hopNames(two)).toContain(name);
  });

  test('different callers need their own set', () => {
    const cart = { hosts: ['b.example.com'], callers: [Caller.serviceAccount('payments', 'cart')] };
    expect(refusal(locked(both(forbidden(), forbidden(cart, 'more')))).message).toMatch(
      /\[chart\/more\] caller-set-conflict: .*\(payments\/checkout\).*\(payments\/cart\).*`callerSet` of its own/,
    );
    const apart = policies(emitted(locked(both(forbidden(), forbidden({ ...cart, callerSet: 'cart' }, 'more')))));
    const grants = apart.filter(({ spec }) => spec.action === 'ALLOW');
    expect(grants.map(({ spec }) => spec.rules[0].from[0].source.principals)).toEqual([
      ['cluster.local/ns/payments/sa/checkout'],
      ['cluster.local/ns/payments/sa/cart'],
    ]);
    expect(new Set(apart.map(({ spec }) => spec.rules[0].when[0].values[0])).size).toBe(2);
  });

  test('on other gateways it would fail open, and is refused with that reason', () => {
    const { message, written } = refusal(foreign(forbidden()));
    expect(message).toMatch(
      /\[chart\/partner\] refusal-unsafe: .*is not locked down: if the policy were missing, every caller of namespace "payments" would be let in.*lockdown\(\)/,
    );
    expect(written).toEqual([]);
  });

  test.each<[string, Partial<GatewayEgressProps>, RegExp]>([
    [
      'requests that the gateway does not read',
      { http: GatewayHttp.OPAQUE },
      /refusal: FORBIDDEN answers HTTP with 403, but with OPAQUE or without an HTTP port the gateway reads no HTTP/,
    ],
    [
      'no requests at all',
      { ports: [EgressPort.tls()] },
      /refusal: FORBIDDEN answers HTTP with 403, but with OPAQUE or without an HTTP port the gateway reads no HTTP/,
    ],
    [
      'TCP',
      { ports: [EgressPort.http(), EgressPort.tcp(5432)], addresses: ['203.0.113.9'] },
      /refusal: with FORBIDDEN a caller of a TCP port is checked by a policy.*sends on connecting/,
    ],
    [
      'a set without a policy',
      { refusal: undefined, callerSet: 'x' },
      /callerSet: applies only with GatewayRefusal\.FORBIDDEN; leave it out/,
    ],
    ['a set that is no label', { callerSet: 'X Y' }, /callerSet: "X Y" is not a valid name of a set of callers/],
    [
      'a whole namespace over TCP',
      {
        refusal: undefined,
        callers: [Caller.wholeNamespace('payments')],
        ports: [EgressPort.tcp(5432)],
        addresses: ['203.0.113.9'],
      },
      /callers: payments\/\* is checked by a policy.*name service accounts/,
    ],
  ])('%s: refused', (_name, props, message) => {
    expect(refusal(locked(forbidden(props))).message).toMatch(message);
  });
});

describe('an egress path for each caller', () => {
  const separate =
    (name: string, props: Partial<GatewayEgressProps> = {}): Build =>
    (chart, gateway) =>
      new GatewayEgress(chart, `for-${name}`, {
        gateway,
        hosts: [HOST],
        callers: [labelled(name)],
        separateCallers: true,
        ...props,
      }).originateTls('tls', { clientCertificate: ClientCertificate.fromSecret(`${name}-client`) });

  test(
    'two callers of one namespace show two certificates; labels lead each to its own way, whose server knows it ' +
      'alone',
    () => {
      const manifests = emitted(foreign(both(separate('checkout'), separate('ledger'))));
      const { spec } = the('VirtualService', manifests, 'payments');
      expect(spec.http.map(({ match }: any) => match)).toEqual(
        ['checkout', 'ledger'].map((app) => [{ port: 80, sourceLabels: { app } }]),
      );
      expect(spec.tls.map(({ match }: any) => match)).toEqual(
        ['checkout', 'ledger'].map((app) => [{ port: 443, sniHosts: [HOST], sourceLabels: { app } }]),
      );
      for (const name of ['checkout', 'ledger']) {
        const gateway = manifests.find(
          ({ kind, spec: { servers: some } }) =>
            kind === 'Gateway' && some[0].tls.subjectAltNames[0].endsWith(`/${name}`),
        );
        const [hop] = gateway.spec.servers[0].hosts[0].split('/').slice(-1);
        const route = manifests.find(({ kind, spec: { hosts } }) => kind === 'VirtualService' && hosts[0] === hop);
        const { host, subset } = route.spec.http[0].route[0].destination;
        const rule = manifests.find(({ kind, spec: { host: of } }) => kind === 'DestinationRule' && of === host);
        expect(
          rule.spec.subsets.find((one: any) => one.name === subset).trafficPolicy.portLevelSettings[0].tls
            .credentialName,
        ).toBe(`${name}-client`);
      }
      expect(the('ServiceEntry', manifests, 'payments').spec.endpoints).toBeUndefined();
    },
  );

  test("adding one changes the namespace's route and nothing else", () => {
    const names = (manifests: any[]) =>
      new Map(
        withoutPaths(manifests).map((manifest) => [
          `${manifest.kind}/${manifest.metadata.namespace}/${manifest.metadata.name}`,
          JSON.stringify(manifest),
        ]),
      );
    const [before, after] = [
      names(emitted(foreign(separate('checkout')))),
      names(emitted(foreign(both(separate('checkout'), separate('ledger'))))),
    ];
    const changed = [...before]
      .filter(([name, text]) => after.get(name) !== text)
      .map(([name]) => name.split('/').slice(0, 2).join('/'));
    expect(changed).toEqual(['VirtualService/payments']);
  });

  test('a path for all other callers may be added, and comes last', () => {
    const others = egress({ callers: [Caller.serviceAccount('payments', 'batch')] }, 'others');
    const { spec } = the('VirtualService', emitted(foreign(both(others, separate('checkout')))), 'payments');
    expect(spec.http.map(({ match }: any) => match[0].sourceLabels)).toEqual([{ app: 'checkout' }, undefined]);
  });

  test('the name of a shared path does not change when a separate one is added', () => {
    const others = egress({}, 'others');
    const alone = emitted(foreign(others));
    const joined = emitted(foreign(both(others, separate('ledger'))));
    for (const name of hopNames(alone)) expect(hopNames(joined)).toContain(name);
  });

  test.each<[string, Build, RegExp]>([
    [
      'a caller without labels',
      separate('x', { callers: [CHECKOUT] }),
      /separateCallers: payments\/checkout has no pod labels.*podLabels/,
    ],
    [
      'a whole namespace',
      separate('x', { callers: [Caller.wholeNamespace('payments')] }),
      /separateCallers: needs named service accounts, but the whole namespace payments is a caller/,
    ],
    [
      'labels that one pod may carry',
      both(
        separate('checkout'),
        separate('ledger', { callers: [Caller.serviceAccount('payments', 'ledger', { podLabels: { tier: 'back' } })] }),
      ),
      /\[chart\/for-ledger\] caller-labels: .*payments\/ledger.*payments\/checkout.*label of the same name with different values/,
    ],
    [
      'different ports',
      both(separate('checkout'), separate('ledger', { ports: [EgressPort.http()] })),
      /\[chart\/for-ledger\] egress-path-conflict: .*ports: \["http-80","tls-443"\] there, \["http-80"\] here/,
    ],
    [
      'different owners',
      both(separate('checkout'), separate('ledger', { owner: 'others' })),
      /\[chart\/for-ledger\] egress-path-conflict: .*owner: "payments" there, "others" here/,
    ],
    [
      'one certificate asked for twice, differently',
      both(
        separate('checkout'),
        (chart, gateway) =>
          new GatewayEgress(chart, 'again', {
            gateway,
            hosts: [HOST],
            callers: [labelled('checkout')],
            separateCallers: true,
          }),
      ),
      /\[chart\/again\] egress-path-conflict: .*tlsOrigination/,
    ],
  ])('%s: refused', (_name, build, message) => {
    expect(refusal(foreign(build)).message).toMatch(message);
  });
});

test.each<[string, () => unknown, RegExp]>([
  [
    'a namespace that is none',
    () => Caller.wholeNamespace('Pay ments'),
    /Caller\.wholeNamespace: namespace: "Pay ments" is not a valid namespace/,
  ],
  [
    'labels that are none',
    () => Caller.serviceAccount('payments', 'x', { podLabels: {} }),
    /Caller\.serviceAccount: podLabels: no labels/,
  ],
])('%s is refused where it is written', (_name, write, message) => {
  expect(errorOf(write)).toMatch(message);
});

test("a caller in the gateway's namespace is refused, whatever its kind", () => {
  for (const caller of [Caller.wholeNamespace('egress'), Caller.serviceAccount('egress', 'x')]) {
    expect(refusal(foreign(egress({ callers: [caller] }))).message).toMatch(/is in the gateway's namespace/);
  }
});
