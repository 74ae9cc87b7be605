import { smallestChange } from '../../src/explain';
import { EgressModel, worldOf } from '../../src/model';
import { brokenConfigurations } from '../model/broken';

/** What is proposed for the refused requests of a configuration that somebody broke. */
function proposals(name: string) {
  const { objects, table, requests } = brokenConfigurations().find(broken => broken.name === name)!;
  const world = worldOf(table);
  const all = objects.map((manifest, index) => ({ manifest, origin: `document ${index + 2}` }));
  return requests.flatMap(row => {
    const caller = table.callers.find(one => one.name === row.from)!;
    const request = { ...row, url: row.request };
    const answer = EgressModel.of(all, world).ask(caller, request);
    return answer.outcome === 'refused' ? [smallestChange(all, world, caller, request, answer)] : [];
  });
}

test.each([
  ['http-on-443', 'ServiceEntry shop/api: set spec.ports[0].protocol to "TLS"'],
  ['sidecar-host-is-where-the-entry-is', 'Sidecar shop/default: set spec.egress[0].hosts[2] to "other/www.example.com"'],
  ['sni-of-another-name', 'DestinationRule egress/hop: set spec.subsets[0].trafficPolicy.portLevelSettings[0].tls.sni to "api.example.com"'],
  ['hop-rule-in-one-namespace', 'DestinationRule shop/hop: move it to namespace egress, where the Service is'],
  ['two-hosts-in-one-server', 'VirtualService egress/news: set spec.tcp[0].route[0].destination.host to "api.example.com"'],
])('what %s needs is one change, tried out', (name, text) => {
  const found = proposals(name);
  expect(found.map(change => change?.text)).toEqual(found.map(() => text));
  for (const change of found) expect(change?.answer.outcome).toBe('answered');
});

test('nobody is led round a gateway, and nothing loses its TLS without being told', () => {
  for (const { name } of brokenConfigurations()) {
    for (const change of proposals(name)) {
      if (!change || change.text.includes('this weakens')) continue;
      expect({
        name,
        remarks: change.answer.remarks.map(({ code }) => code)
          .filter(code => code === 'ignored-credential' || code === 'unverified-name'),
      }).toEqual({ name, remarks: [] });
    }
  }
});
