/**
 * With the bad example of a rule for errors, a request fails or leaks as the rule says; with the good one it does not.
 * `test/rules/confirmed.ts` has the requests, and says which errors no request can show.
 */
import { CONFIRMED, meshOf, objectsFor, TABLE } from '../../rules/confirmed';
import { describeMesh } from '../support';

const POLICIES = [...new Set(CONFIRMED.map(({ code }) => meshOf(code).outboundTrafficPolicy!))];

describe.each(POLICIES)('%s', (policy) => {
  describeMesh('in the mesh', { table: { ...TABLE, mesh: { outboundTrafficPolicy: policy } } }, (mesh) => {
    const rules = CONFIRMED.filter(({ code }) => meshOf(code).outboundTrafficPolicy === policy);
    describe.each(rules.map((one) => [one.code, one] as const))('%s', (_code, confirmation) => {
      test.each(['bad', 'good'] as const)('the request with the %s example', async (example) => {
        await mesh.lab.apply('manifests', objectsFor(confirmation, example));
        await mesh.lab.converge();
        await mesh.expectRow(confirmation[example]);
      });
    });
  });
});
