import * as fc from '../support/fast-check';
import { identity, manifestsFor, team, teams } from './plans';
import { withoutPaths } from '../support/app';

const byName = (manifests: any[]) =>
  Object.fromEntries(withoutPaths(manifests).map((manifest) => [identity(manifest), manifest]));

test('another team in the same app changes no object of the teams already there', () => {
  fc.assert(
    fc.property(teams, team('zz-newcomer'), (plans, newcomer) => {
      expect(byName(manifestsFor([...plans, newcomer]))).toMatchObject(byName(manifestsFor(plans)));
      expect(byName(manifestsFor([newcomer, ...plans]))).toMatchObject(byName(manifestsFor(plans)));
    }),
    fc.cases(30),
  );
});

test('one more egress for other hosts in the same namespace changes no existing object', () => {
  fc.assert(
    fc.property(
      team('shop').filter((plan) => plan.egresses.length > 1),
      (plan) => {
        const fewer = { ...plan, egresses: plan.egresses.slice(1) };
        const more = byName(manifestsFor([plan]));
        for (const [name, manifest] of Object.entries(byName(manifestsFor([fewer]))))
          expect(more[name]).toEqual(manifest);
      },
    ),
    fc.cases(30),
  );
});

test('one more host in the same construct changes no object of the others', () => {
  fc.assert(
    fc.property(
      team('shop').filter((plan) => plan.egresses[0].hosts.length > 1 && plan.egresses[0].tls !== 'first'),
      (plan) => {
        const [first, ...others] = plan.egresses;
        const fewer = { ...plan, egresses: [{ ...first, hosts: first.hosts.slice(1) }, ...others] };
        const more = byName(manifestsFor([plan]));
        for (const [name, manifest] of Object.entries(byName(manifestsFor([fewer]))))
          expect(more[name]).toEqual(manifest);
      },
    ),
    fc.cases(30),
  );
});
