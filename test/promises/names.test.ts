import * as fc from '../support/fast-check';
import { forAll, identity, manifestsFor, team, TeamPlan } from './plans';
import { withoutPaths } from '../support/app';

const inGatewayNamespace = (manifests: any[]) => manifests.filter(({ metadata }) => metadata.namespace === 'egress');
const privateNamesIn = (manifests: any[]) => [
  ...new Set(JSON.stringify(manifests).match(/[\w.-]+\.egress\.internal/g) ?? []),
];
const pathsIn = (manifests: any[]): string[] =>
  manifests.flatMap(({ metadata }) => metadata.annotations?.['cdk8s-istio-egress/constructs'] ?? []);

test('two owners with the same ids and hosts share no name, not even inside the gateway', () => {
  let seen = 0;
  fc.assert(
    fc.property(team('shop'), (plan) => {
      const [one, other] = ['team-a', 'team-b'].map((owner) => manifestsFor([plan], { owner }));
      seen += privateNamesIn(one).length;
      expect(other.map(identity).filter((name) => one.map(identity).includes(name))).toEqual([]);
      expect(privateNamesIn(other).filter((name) => privateNamesIn(one).includes(name))).toEqual([]);
    }),
    fc.cases(40),
  );
  expect(seen).toBeGreaterThan(40);
});

test("two apps with the same ids, for different namespaces, share no name in the gateway's namespace", () => {
  fc.assert(
    fc.property(team('shop'), (plan) => {
      const elsewhere: TeamPlan = { ...plan, namespace: 'market' };
      const one = inGatewayNamespace(manifestsFor([plan])).map(identity);
      const other = inGatewayNamespace(manifestsFor([elsewhere])).map(identity);
      expect(other.filter((name) => one.includes(name))).toEqual([]);
    }),
    fc.cases(40),
  );
});

test('renaming charts and constructs changes the annotation with their paths, and nothing else', () => {
  forAll((plans) => {
    const [renamed, before] = [manifestsFor(plans, { charts: 'renamed', ids: 'other' }), manifestsFor(plans)];
    expect(withoutPaths(renamed)).toEqual(withoutPaths(before));
    expect(pathsIn(renamed)).toHaveLength(pathsIn(before).length);
    expect(pathsIn(renamed).filter((path) => pathsIn(before).includes(path))).toEqual([]);
  });
});

test('a hop name is a valid DNS name', () => {
  forAll((plans) => {
    for (const name of privateNamesIn(manifestsFor(plans))) {
      expect(name.length).toBeLessThanOrEqual(253);
      for (const label of name.split('.')) expect(label.length).toBeLessThanOrEqual(63);
    }
  });
});
