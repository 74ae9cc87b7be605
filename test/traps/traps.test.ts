import { ApiObject, App, Chart } from 'cdk8s';
import * as fc from '../support/fast-check';
import { ACROSS } from './across';
import { NEVER } from './never';
import { brokenLinks, DECISIONS, Decision, rows, TRAPS } from './page';
import { STOPPED } from './stops';
import { DirectEgress } from '../../src/constructs/direct-egress';
import { EgressBoundary } from '../../src/constructs/egress-boundary';
import { EgressGateway } from '../../src/constructs/egress-gateway';
import { GatewayEgress } from '../../src/constructs/gateway-egress';
import { RegistryOnlyMesh } from '../../src/constructs/registry-only-mesh';
import { EgressObject, RULES } from '../../src/rules';
import { Caller } from '../../src/values/caller';
import { build, teams } from '../promises/plans';
import { allManifests, errorOf, newApp } from '../support/app';

const TESTS: [Decision, readonly { trap: number; name: string }[]][] = [
  ['cannot be written', NEVER],
  ['stops synth', STOPPED],
  ['stops synth across constructs', ACROSS],
];

/**
 * Generated apps, each with everything else that the library emits: a locked mesh, a gateway of its own, a boundary, a
 * workload with traffic past its sidecar.
 */
function apps(): EgressObject[][] {
  return fc.sample(teams, fc.cases(40)).map((plans) => {
    const app = build(plans);
    const more = new Chart(app, 'more', { namespace: 'more' });
    new RegistryOnlyMesh(more, 'lock');
    new RegistryOnlyMesh(more, 'narrow', { namespaces: ['more'], imports: ['./*'], name: 'narrow' });
    const template = { metadata: { labels: { app: 'legacy' } }, spec: { containers: [] } };
    const legacy = new ApiObject(more, 'legacy', {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      spec: { template },
    } as any);
    new DirectEgress(more, 'direct', { workloads: [legacy], toPorts: [8080] });
    const own = new EgressGateway(more, 'own', { namespace: 'own-egress' });
    own.lockdown();
    const callers = [Caller.serviceAccount('more', 'legacy')];
    new GatewayEgress(more, 'through', { gateway: own, hosts: ['through.example.com'], callers });
    new EgressBoundary(more, 'boundary', { namespaces: ['more'], gateways: [own] });
    return allManifests(app).map((manifest, index) => ({ manifest, origin: `${index}` }));
  });
}

describe('cannot be written', () => {
  const emitted = apps();

  test.each(NEVER.map((never) => [`trap ${never.trap}: ${never.name}`, never] as const))(
    '%s',
    (_title, { seen, bad }) => {
      expect(seen(bad)).not.toEqual([]);
      for (const objects of emitted) expect(seen(objects)).toEqual([]);
    },
  );
});

describe('stops synth', () => {
  test.each(STOPPED.map((stopped) => [`trap ${stopped.trap}: ${stopped.name}`, stopped] as const))(
    '%s',
    (_title, { write, says }) => {
      expect(errorOf(() => write(chartOf(newApp())))).toMatch(says);
    },
  );
});

describe('stops synth across constructs', () => {
  test.each(ACROSS.map((stopped) => [`trap ${stopped.trap}: ${stopped.name}`, stopped] as const))(
    '%s',
    (_title, { write, says }) => {
      const app = newApp();
      write(chartOf(app));
      expect(errorOf(() => app.synth())).toMatch(says);
    },
  );
});

describe('docs/traps.md', () => {
  const page = rows();

  test('has a row for every trap, in order, each with one of the decisions', () => {
    expect(page.map((row) => row.trap)).toEqual(Array.from({ length: TRAPS }, (_, index) => index + 1));
    expect(page.filter((row) => !(DECISIONS as readonly string[]).includes(row.decision))).toEqual([]);
    expect(page.filter((row) => row.what === '' || row.why === '')).toEqual([]);
  });

  test.each(TESTS)('the traps with the decision "%s" are the ones with a test', (decision, tests) => {
    const tested = [...new Set(tests.map(({ trap }) => trap))].sort((a, b) => a - b);
    expect(tested).toEqual(page.filter((row) => row.decision === decision).map((row) => row.trap));
  });

  test('names existing rules, and links to existing pages and headings', () => {
    const codes = RULES.map((rule) => rule.code);
    const named = page.flatMap((row) => [...row.why.matchAll(/rule `([^`]+)`/g)].map((match) => match[1]));
    expect(named.filter((code) => !codes.includes(code))).toEqual([]);
    expect(page.flatMap((row) => brokenLinks(row).map((link) => `${row.trap}: ${link}`))).toEqual([]);
  });
});

function chartOf(app: App): Chart {
  return new Chart(app, 'chart', { namespace: 'payments' });
}
