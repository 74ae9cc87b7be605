import { Chart } from 'cdk8s';
import * as fc from 'fast-check';
import { build, identity, INSTALLATION, TeamPlan, teams } from './plans';
import { EgressBoundary } from '../../src/constructs/egress-boundary';
import { InstalledEgressGateway } from '../../src/constructs/installed-egress-gateway';
import { PRIVATE_RANGES } from '../../src/values/ip-range';
import { allManifests } from '../support/app';
import { asKubernetesKnowsIt } from '../support/kubernetes-schema';

/** The manifests of these teams behind one boundary, with the gateway guarded. */
function behind(plans: TeamPlan[]): any[] {
  const app = build(plans);
  const platform = new Chart(app, 'zz-platform', { namespace: 'egress' });
  const exit = new InstalledEgressGateway(platform, 'exit', { installation: INSTALLATION });
  new EgressBoundary(platform, 'boundary', {
    namespaces: plans.map(({ namespace }) => namespace),
    gateways: [exit],
    guardInstalledGateways: true,
  });
  return allManifests(app);
}

const policies = (manifests: any[]) => manifests.filter(({ kind }) => kind === 'NetworkPolicy');
const blocks = (rules: any[] = []) => rules.flatMap(({ to = [] }) => to.flatMap(({ ipBlock }: any) => ipBlock ?? []));

test('a boundary changes no other object, and there is one policy for each namespace and gateway', () => {
  fc.assert(
    fc.property(teams, (plans) => {
      const manifests = behind(plans);
      expect(
        manifests.filter(
          ({ kind, metadata }) => kind !== 'NetworkPolicy' && metadata.name !== INSTALLATION.hopServiceName,
        ),
      ).toEqual(allManifests(build(plans)));
      expect(
        policies(manifests)
          .map(identity)
          .map((name) => name.split('/')[1])
          .sort(),
      ).toEqual(['egress', ...plans.map(({ namespace }) => namespace)].sort());
      for (const policy of policies(manifests)) expect(asKubernetesKnowsIt(policy)).toEqual(policy);
    }),
    { numRuns: 20 },
  );
});

test(
  'addresses outside are open to the gateway, and to a namespace only where a sidecar goes out by itself; ' +
    'private ones to nobody',
  () => {
    let closed = 0;
    fc.assert(
      fc.property(teams, (plans) => {
        const manifests = policies(behind(plans));
        for (const { namespace, egresses } of plans) {
          const { spec, metadata } = manifests.find((policy) => policy.metadata.namespace === namespace);
          const goesOut = egresses.some(({ gateway }) => !gateway);
          if (!goesOut) closed++;
          expect(blocks(spec.egress).length > 0).toBe(goesOut);
          expect(metadata.annotations !== undefined).toBe(goesOut);
        }
        for (const { cidr, except } of manifests.flatMap(({ spec }) => blocks(spec.egress))) {
          expect(except).toEqual(cidr === '::/0' ? PRIVATE_RANGES.v6 : PRIVATE_RANGES.v4);
        }
      }),
      { numRuns: 30 },
    );
    expect(closed).toBeGreaterThan(5);
  },
);
