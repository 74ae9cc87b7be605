/**
 * With any one object missing, a request takes the same way with the same checks, or it is refused. Every object of
 * every example that originates TLS or uses a gateway is removed in turn; every caller asks every host every time.
 */
import { meshExamples } from '../examples';
import { idOf, KubeObject, without } from '../lab';
import { everyRequest, isLock, meantToRefuse, uncheckedCertificates, worseText } from '../promises';
import { describeMesh, Mesh, plain, Sight } from '../support';

/** Not removed: pods keep what their templates gave them, and the rest decides about no request here. */
const KEPT = ['Deployment', 'ServiceAccount', 'Namespace', 'PodDisruptionBudget', 'HorizontalPodAutoscaler'];

/** istiod remembers for minutes who may read Secrets, so these are missing from the beginning. */
const REMEMBERED = ['Role', 'RoleBinding'];

// Without NetworkPolicies: a packet filter would hide what Istio lets through.
const promising = meshExamples()
  .filter(({ manifests }) => manifests.some(({ kind }) => kind === 'Gateway' || kind === 'DestinationRule'))
  .map((example) => ({ ...example, manifests: example.manifests.filter(({ kind }) => kind !== 'NetworkPolicy') }));

for (const { name, table, manifests, handWritten } of promising) {
  const emitted = manifests.filter((object) => !handWritten.includes(object));
  // The promise is that of a locked mesh: what an open one lets round is in docs/round-the-gateway.md.
  const locked = {
    ...table,
    mesh: {
      ...table.mesh,
      ...(!manifests.some((object) => isLock(object, table)) && { outboundTrafficPolicy: 'REGISTRY_ONLY' as const }),
    },
  };
  const rows = everyRequest(table);
  const complete: Sight[] = [];

  const expectNothingWorse = async (mesh: Mesh, object: KubeObject) => {
    if (complete.length === 0) throw plain('it was not seen with everything in place: run the whole example');
    await mesh.apply(without(manifests, idOf(object)), 'manifests', { awaitDraining: false });
    const now: Sight[] = [];
    for (const row of rows) now.push(await mesh.see(row));
    const judged = now
      .map((sight, index) => ({ before: complete[index], sight }))
      .filter(({ before }) => !meantToRefuse(object, before, table, emitted));
    const worse = judged.flatMap(({ before, sight }) => worseText(before, sight));
    if (worse.length > 0) throw plain(worse.join('\n\n'));
    expect(await uncheckedCertificates(mesh, now)).toEqual([]);
  };

  describeMesh(name, { table: locked, manifests }, (mesh) => {
    beforeAll(async () => {
      await mesh.apply(manifests);
      for (const row of rows) complete.push(await mesh.see(row));
    }, 300_000);

    test('complete: certificates are checked', async () => {
      expect(await uncheckedCertificates(mesh, complete)).toEqual([]);
    });

    for (const object of emitted.filter(({ kind }) => ![...KEPT, ...REMEMBERED].includes(kind))) {
      test(`without ${idOf(object)}`, () => expectNothingWorse(mesh, object));
    }
  });

  for (const object of emitted.filter(({ kind }) => REMEMBERED.includes(kind))) {
    describeMesh(`${name}, never with ${idOf(object)}`, { table: locked, manifests }, (mesh) => {
      test('nothing is worse', () => expectNothingWorse(mesh, object));
    });
  }
}
