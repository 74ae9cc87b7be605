import { Chart } from 'cdk8s';
import * as fc from '../support/fast-check';
import { build, identity, INSTALLATION, TeamPlan, teams } from './plans';
import { EgressBoundary } from '../../src/constructs/egress-boundary';
import { InstalledEgressGateway } from '../../src/constructs/installed-egress-gateway';
import { PRIVATE_RANGES } from '../../src/istio/ranges';
import { allManifests } from '../support/app';
import { asKubernetesKnowsIt } from '../support/kubernetes-schema';

/** The manifests of these teams behind one boundary that also guards the gateway. */
function behindBoundary(plans: TeamPlan[]): any[] {
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

const policiesIn = (manifests: any[]) => manifests.filter(({ kind }) => kind === 'NetworkPolicy');
const ipBlocksIn = (rules: any[] = []) =>
  rules.flatMap(({ to = [] }) => to.flatMap(({ ipBlock }: any) => ipBlock ?? []));

test('a boundary changes no other object, and there is one policy for each namespace and gateway', () => {
  fc.assert(
    fc.property(teams, (plans) => {
      const manifests = behindBoundary(plans);
      expect(
        manifests.filter(
          ({ kind, metadata }) => kind !== 'NetworkPolicy' && metadata.name !== INSTALLATION.hopServiceName,
        ),
      ).toEqual(allManifests(build(plans)));
      expect(
        policiesIn(manifests)
          .map(identity)
          .map((name) => name.split('/')[1])
          .sort(),
      ).toEqual(['egress', ...plans.map(({ namespace }) => namespace)].sort());
      for (const policy of policiesIn(manifests)) expect(asKubernetesKnowsIt(policy)).toEqual(policy);
    }),
    fc.cases(20),
  );
});

test(
  'public addresses are allowed for the gateway, and for a namespace only if its sidecars reach hosts themselves; ' +
    'private addresses are never allowed',
  () => {
    let closedNamespaces = 0;
    fc.assert(
      fc.property(teams, (plans) => {
        const manifests = policiesIn(behindBoundary(plans));
        for (const { namespace, egresses } of plans) {
          const { spec, metadata } = manifests.find((policy) => policy.metadata.namespace === namespace);
          const hasSidecarEgress = egresses.some(({ gateway }) => !gateway);
          if (!hasSidecarEgress) closedNamespaces++;
          expect(ipBlocksIn(spec.egress).length > 0).toBe(hasSidecarEgress);
          expect('cdk8s-istio-egress/unsafe' in metadata.annotations).toBe(hasSidecarEgress);
        }
        for (const { cidr, except } of manifests.flatMap(({ spec }) => ipBlocksIn(spec.egress))) {
          expect(except).toEqual(cidr === '::/0' ? PRIVATE_RANGES.v6 : PRIVATE_RANGES.v4);
        }
      }),
      fc.cases(30),
    );
    expect(closedNamespaces).toBeGreaterThan(5);
  },
);
