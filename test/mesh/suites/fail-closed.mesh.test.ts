/**
 * With any single object missing, a request takes the same egress path with the same checks, or it is refused. Every
 * object of every example that originates TLS or uses a gateway is removed in turn. With `--everything` each caller
 * then sends each request; otherwise a pairwise cover of (object removed × caller × request).
 */
import { AccessRow } from '../../../src/access/access-table';
import { chosen } from '../cover';
import { meshExamples } from '../examples';
import { idOf, KubeObject, without } from '../lab';
import { everyRequest, isLock, meantToRefuse, uncheckedCertificates, worseText } from '../promises';
import { describeMesh, Mesh, plain, Sight } from '../support';

/** Not removed: the pods keep what their templates gave them, and the other kinds decide no request here. */
const KEPT = ['Deployment', 'ServiceAccount', 'Namespace', 'PodDisruptionBudget', 'HorizontalPodAutoscaler'];

/** istiod caches for minutes which accounts may read Secrets, so these are missing from the start. */
const CACHED = ['Role', 'RoleBinding'];

// Without NetworkPolicies: a packet filter would hide what Istio lets through.
const examples = meshExamples()
  .filter(({ manifests }) => manifests.some(({ kind }) => kind === 'Gateway' || kind === 'DestinationRule'))
  .map((example) => ({ ...example, manifests: example.manifests.filter(({ kind }) => kind !== 'NetworkPolicy') }));

for (const { name, table, manifests, handWritten } of examples) {
  const emitted = manifests.filter((object) => !handWritten.includes(object));
  // The promise holds for a locked mesh: docs/round-the-gateway.md says what an open mesh lets past the gateway.
  const locked = {
    ...table,
    mesh: {
      ...table.mesh,
      ...(!manifests.some((object) => isLock(object, table)) && { outboundTrafficPolicy: 'REGISTRY_ONLY' as const }),
    },
  };
  const rows = everyRequest(table);
  const removed = emitted.filter(({ kind }) => !KEPT.includes(kind));
  const asked = chosen(
    removed.flatMap((object) => rows.map((row) => ({ object, row }))),
    [({ object }) => idOf(object), ({ row }) => row.from, ({ row }) => requestWithoutCaller(row)],
  );
  const complete = new Map<AccessRow, Sight>();

  const expectNothingWorse = async (mesh: Mesh, object: KubeObject) => {
    if (complete.size === 0)
      throw plain('nothing was sent with all objects in place: run the tests of the whole example');
    await mesh.apply(without(manifests, idOf(object)), 'manifests', { awaitDraining: false });
    const sights: Sight[] = [];
    const worse: string[] = [];
    for (const { row } of asked.filter((one) => one.object === object)) {
      const sight = await mesh.see(row);
      const before = complete.get(row)!;
      sights.push(sight);
      if (!meantToRefuse(object, before, table, emitted)) worse.push(...worseText(before, sight));
    }
    if (worse.length > 0) throw plain(worse.join('\n\n'));
    expect(await uncheckedCertificates(mesh, sights)).toEqual([]);
  };

  describeMesh(name, { table: locked, manifests }, (mesh) => {
    beforeAll(async () => {
      await mesh.apply(manifests);
      for (const row of rows) complete.set(row, await mesh.see(row));
    });

    test('complete: certificates are checked', async () => {
      expect(await uncheckedCertificates(mesh, [...complete.values()])).toEqual([]);
    });

    for (const object of removed.filter(({ kind }) => !CACHED.includes(kind))) {
      test(`without ${idOf(object)}`, () => expectNothingWorse(mesh, object));
    }
  });

  for (const object of removed.filter(({ kind }) => CACHED.includes(kind))) {
    describeMesh(`${name}, from the start without ${idOf(object)}`, { table: locked, manifests }, (mesh) => {
      test('nothing is worse', () => expectNothingWorse(mesh, object));
    });
  }
}

/** The dimension of the requests: everything of a row but its caller. */
function requestWithoutCaller({ from: _from, expect: _expect, ...request }: AccessRow): string {
  return JSON.stringify(request);
}
