import { ApiObject, Chart, Testing } from 'cdk8s';
import { Egress } from '../../src/constructs/egress';
import { SidecarEgress } from '../../src/constructs/sidecar-egress';
import { lint } from '../../src/lint';
import { newApp } from '../support/app';

const KEY = 'cdk8s-istio-egress/acknowledge-wildcard-beside-host';

/** A host with TLS origination beside a wildcard of another author that covers it. */
function conflicting() {
  const app = newApp();
  const chart = new Chart(app, 'shop', { namespace: 'shop' });
  const site = new SidecarEgress(chart, 'site', { hosts: ['api.example.com'] });
  site.originateTls('tls');
  const wildcard = new ApiObject(chart, 'wildcard', {
    apiVersion: 'networking.istio.io/v1',
    kind: 'ServiceEntry',
    metadata: { name: 'wildcard' },
    spec: { hosts: ['*.example.com'], exportTo: ['.'], ports: [{ number: 443, name: 'tls', protocol: 'TLS' }] },
  } as any);
  return { app, chart, site, wildcard };
}

test('without it the finding stops synth', () => {
  expect(() => Testing.synth(conflicting().chart)).toThrow('wildcard-beside-host: ');
});

test.each(['chart', 'site', 'wildcard'] as const)('at the %s it lets the app through, and is written out', (where) => {
  const made = conflicting();
  Egress.acknowledge(made[where], 'wildcard-beside-host', 'other names of the domain may leave as well');
  const manifests = Testing.synth(made.chart);
  const annotated = manifests.filter(({ metadata }) => metadata.annotations?.[KEY] !== undefined);
  expect(annotated).toHaveLength(1);
  expect(annotated[0].metadata.annotations[KEY]).toBe('other names of the domain may leave as well');
  const { findings, acknowledged, unused } = lint(manifests);
  expect({ findings, unused, codes: acknowledged.map(({ code }) => code) }).toEqual({
    findings: [],
    unused: [],
    codes: ['wildcard-beside-host'],
  });
});

test('it covers one rule, and one scope', () => {
  const { app, chart } = conflicting();
  Egress.acknowledge(chart, 'double-tls', 'why not');
  Egress.acknowledge(new Chart(app, 'elsewhere'), 'wildcard-beside-host', 'why not');
  expect(() => app.synthYaml()).toThrow('covers api.example.com');
  expect(() => app.synthYaml()).toThrow('[shop] acknowledge: there is no finding of "double-tls" here');
  expect(() => app.synthYaml()).toThrow('[elsewhere] acknowledge: there is no finding of "wildcard-beside-host" here');
});

test.each([
  ['Wildcard', 'x', 'code: "Wildcard" is not the code of a rule'],
  ['wildcard-beside-host', ' ', 'reason: missing; say why'],
])('%s, "%s" is refused where it is written', (code, reason, message) => {
  expect(() => Egress.acknowledge(conflicting().chart, code, reason)).toThrow(message);
});
