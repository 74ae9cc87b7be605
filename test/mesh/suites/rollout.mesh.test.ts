/**
 * Day 2. The emitted list is applied object by object to a namespace that already reaches the host by another egress
 * path, and removed again from the end. An allowed caller is answered at every step, no caller gets more than the old
 * or the new egress path gives, and once the new one is in place no plaintext leaves.
 */
import { AccessRow } from '../../../src/access/access-table';
import { GatewayHttp } from '../../../src/constructs/gateway-egress';
import { idOf, KubeObject } from '../lab';
import { ENTRY, gatewayEgress, HOST, look, Look, OTHER, sidecarEgress, table } from '../rollout';
import { describeMesh } from '../support';

const WORLDS = [
  { world: 'an entry of the namespace, locked mesh', policy: 'REGISTRY_ONLY', before: [ENTRY] },
  { world: 'nothing, open mesh', policy: 'ALLOW_ANY', before: [] },
  { world: 'nothing, locked mesh', policy: 'REGISTRY_ONLY', before: [] },
] as const;

const VIAS = [
  { via: 'GatewayEgress', objects: gatewayEgress(), gateway: true, tls: true },
  { via: 'GatewayEgress without TLS origination', objects: gatewayEgress({ tls: false }), gateway: true, tls: false },
  { via: 'SidecarEgress', objects: sidecarEgress(), gateway: false, tls: true },
  { via: 'SidecarEgress without TLS origination', objects: sidecarEgress({ tls: false }), gateway: false, tls: false },
];

for (const policy of ['REGISTRY_ONLY', 'ALLOW_ANY'] as const) {
  describeMesh(`adopting a host, ${policy}`, { table: table(policy) }, (mesh) => {
    describe.each(WORLDS.filter((world) => world.policy === policy))('before: $world', ({ before }) => {
      const reached = before.length > 0 || policy === 'ALLOW_ANY';

      test.each(VIAS)('$via, object by object, and back', async ({ objects, gateway, tls }) => {
        const looks: Look[] = [];
        const step = async (name: string, schemes: ('http' | 'https')[] = ['http', 'https']) => {
          for (const scheme of schemes) looks.push(await look(mesh, scheme, `${scheme} ${name}`, gateway, tls));
        };
        await mesh.apply([]);
        await mesh.apply([...before], 'before');
        await step('before');
        for (let count = 1; count <= objects.length; count++) {
          await mesh.apply(objects.slice(0, count));
          await step(`with ${idOf(objects[count - 1])}`);
        }
        if (before.length > 0) {
          await mesh.apply([], 'before');
          await step('the old entry gone');
          await mesh.apply([...before], 'before');
          await step('the old entry back');
        }
        for (let count = objects.length - 1; count > 0; count--) {
          await mesh.apply(objects.slice(0, count));
          await step(`without ${idOf(objects[count])}`);
        }
        const wrong = looks.filter(
          ({ named, unnamed, stranger }) =>
            (reached && named === 'refused') ||
            // A caller that is not allowed never takes the new egress path, nor the old one where that was closed.
            (gateway && unnamed === 'new') ||
            (!reached && unnamed === 'old') ||
            (policy === 'REGISTRY_ONLY' && stranger !== 'refused') ||
            (gateway && stranger === 'new'),
        );
        expect(wrong).toEqual([]);
        const whole = looks.filter(({ step: name }) => name.endsWith(`with ${idOf(objects[objects.length - 1])}`));
        expect(whole.map(({ named, unnamed }) => [named, unnamed])).toEqual(
          [0, 1].map(() => ['new', gateway ? 'refused' : 'new']),
        );
      });
    });
  });
}

describeMesh('changes later', { table: table('REGISTRY_ONLY') }, (mesh) => {
  const answered = (from: string, host: string, via: 'gateway' | 'sidecar'): AccessRow[] =>
    ['http', 'https'].map((scheme) => ({
      from,
      request: `${scheme}://${host}/`,
      expect: { outcome: 'answered', via },
    }));
  const refused = (from: string, host: string): AccessRow[] =>
    ['http', 'https'].map((scheme) => ({ from, request: `${scheme}://${host}/`, expect: { outcome: 'refused' } }));

  /** Goes from one list to another as kubectl does: object by object, then prunes. */
  async function rollWith(from: KubeObject[], to: KubeObject[], hold: () => Promise<void>): Promise<number> {
    const now = new Map(from.map((object) => [idOf(object), object]));
    await mesh.apply([...now.values()]);
    let changes = 0;
    const step = async () => {
      await mesh.apply([...now.values()]);
      await hold();
      changes++;
    };
    for (const object of to) {
      if (JSON.stringify(now.get(idOf(object))) === JSON.stringify(object)) continue;
      now.set(idOf(object), object);
      await step();
    }
    for (const object of [...from].reverse()) {
      if (to.some((other) => idOf(other) === idOf(object))) continue;
      now.delete(idOf(object));
      await step();
    }
    return changes;
  }

  /** The rows must hold at each step. */
  const roll = (from: KubeObject[], to: KubeObject[], rows: AccessRow[]) =>
    rollWith(from, to, async () => {
      for (const row of rows) await mesh.expectRow(row);
    });

  const both = [
    { via: 'gateway' as const, make: gatewayEgress },
    { via: 'sidecar' as const, make: sidecarEgress },
  ];

  test.each(both)('one more host, and back: the other host is not affected ($via)', async ({ via, make }) => {
    const [one, two] = [make(), make({ hosts: [HOST, OTHER] })];
    expect(await roll(one, two, answered('named', HOST, via))).toBe(two.length - one.length);
    for (const row of answered('named', OTHER, via)) await mesh.expectRow(row);
    await roll(two, one, answered('named', HOST, via));
    for (const row of refused('named', OTHER)) await mesh.expectRow(row);
  });

  test('one more caller, and back: one object changes', async () => {
    const [one, two] = [gatewayEgress(), gatewayEgress({ callers: ['checkout', 'refunds'] })];
    expect(await roll(one, two, answered('named', HOST, 'gateway'))).toBe(1);
    for (const row of answered('unnamed', HOST, 'gateway')) await mesh.expectRow(row);
    expect(await roll(two, one, answered('named', HOST, 'gateway'))).toBe(1);
    for (const row of refused('unnamed', HOST)) await mesh.expectRow(row);
  });

  test.each(both)('TLS origination added to a host in use ($via)', async ({ via, make }) => {
    expect(await roll(make({ tls: false }), make(), answered('named', HOST, via))).toBeGreaterThan(0);
    await mesh.expectRow({
      from: 'named',
      request: `http://${HOST}/`,
      expect: { outcome: 'answered', via, tlsOriginatedBy: via, plaintextToHost: false },
    });
  });

  test('TLS origination removed; at the gateway plain HTTP is refused until the plain port is back', async () => {
    await roll(sidecarEgress(), sidecarEgress({ tls: false }), answered('named', HOST, 'sidecar'));
    await roll(
      gatewayEgress(),
      gatewayEgress({ tls: false }),
      answered('named', HOST, 'gateway').filter(({ request }) => request.startsWith('https:')),
    );
    for (const row of answered('named', HOST, 'gateway')) await mesh.expectRow(row);
  });

  test('callers and TLS origination in one commit: plaintext of the former caller in between, and none in two', async () => {
    const plaintexts = async (from: KubeObject[], to: KubeObject[]) => {
      const seen: (boolean | undefined)[] = [];
      await rollWith(from, to, async () => {
        const { judgement } = await mesh.see({ from: 'named', request: `http://${HOST}/` });
        seen.push(judgement.seen.plaintextToHost);
      });
      return seen.filter(Boolean).length;
    };
    const [before, after] = [gatewayEgress(), gatewayEgress({ tls: false, callers: ['refunds'] })];
    expect(await plaintexts(before, after)).toBeGreaterThan(0);
    const between = gatewayEgress({ callers: ['refunds'] });
    expect((await plaintexts(before, between)) + (await plaintexts(between, after))).toBe(0);
  });

  test.each(both)('TLS to another port: no plain HTTP leaves in between ($via)', async ({ make }) => {
    const seen: (boolean | undefined)[] = [];
    await rollWith(make(), make({ port: 8443 }), async () => {
      const { judgement } = await mesh.see({ from: 'named', request: `http://${HOST}/` });
      seen.push(judgement.seen.plaintextToHost);
    });
    expect(seen.filter(Boolean)).toEqual([]);
  });

  test.each([
    ['read at the gateway, then not', GatewayHttp.AT_GATEWAY, GatewayHttp.OPAQUE],
    ['not read at the gateway, then read', GatewayHttp.OPAQUE, GatewayHttp.AT_GATEWAY],
  ])('plain HTTP that is %s: the host never receives the private name as its own', async (_title, from, to) => {
    const seen: string[] = [];
    await rollWith(gatewayEgress({ http: from }), gatewayEgress({ http: to }), async () => {
      const { evidence } = await mesh.see({ from: 'named', request: `http://${HOST}/` });
      seen.push(...evidence.external.flatMap(({ authority }) => authority ?? []));
    });
    expect(new Set(seen)).toEqual(new Set([HOST]));
  });

  test.each(both)(
    'a construct with another id: nothing changes but the annotation with its path ($via)',
    ({ make }) => {
      const renamed = make({ id: 'renamed' });
      const paths = renamed.map(({ metadata }) => metadata.annotations?.['cdk8s-istio-egress/constructs']);
      expect(paths).toContain('payments/renamed');
      for (const { metadata } of renamed)
        if (metadata.annotations?.['cdk8s-istio-egress/constructs'] === 'payments/renamed')
          metadata.annotations['cdk8s-istio-egress/constructs'] = 'payments/partner';
      expect(renamed).toEqual(make());
    },
  );
});
