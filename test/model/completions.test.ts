/**
 * What a folder does not say can be so or otherwise: a plain yes is a yes however it is. Of the generated worlds the
 * objects are kept, and what is around them is made anew: where hosts are, which Secrets there are, the settings of the
 * mesh, the gateways, the labels of callers, ages.
 */
import * as fc from '../support/fast-check';
import { modelOf } from './compare';
import { askerOf, folders, lacksHop, OF_THE_HOST } from './without-table';
import { generateWorld } from './worlds/generate';
import { Random } from './worlds/random';
import { STRAY_ADDRESS, tableOf } from './worlds/table';
import { Request, World, WorldObject } from './worlds/world';
import { AccessTable, PATH_NORMALIZATIONS } from '../../src/access/access-table';
import { isPlainYes } from '../../src/explain/as-wanted';
import { Answer } from '../../src/model';

const HOLDS = [
  'client-certificate',
  'wrong-client-certificate',
  'expired-client-certificate',
  'ca-certificates',
] as const;
const NOTHING_ELSE = 'nothing but the manifests';
const WITH_GATEWAY = 'the manifests, with --gateway and --mesh';
const EXPORT = 'the export of a cluster';

/** Everything around the objects of a world, as it could be. */
function around({ mesh, objects }: World, folder: string, random: Random): AccessTable {
  const { external, secrets = [], gateways = [], callers, ...table } = tableOf(mesh);
  const written = JSON.stringify(objects).match(/\b(?!24|127|0\.)\d+(\.\d+){3}\b(?!\/)/g) ?? [];
  const places = random.shuffled([
    ...new Set([...external.flatMap(({ address }) => address ?? []), STRAY_ADDRESS, '198.51.100.7', ...written]),
  ]);
  const known = {
    ...table,
    // Only that hosts answer, with good certificates, is taken for granted.
    external: external.map(({ host, tcp }) => ({
      host,
      tcp,
      ...(tcp === undefined && { http: 'ok' as const, https: 'ok' as const }),
      address: places.pop(),
    })),
    secrets: secrets.filter(() => random.chance(0.7)).map((one) => ({ ...one, holds: random.pick(HOLDS) })),
    gateways,
    callers,
  };
  if (folder !== NOTHING_ELSE) return known;
  return {
    ...known,
    mesh: {
      ...mesh,
      outboundTrafficPolicy: random.pick(['ALLOW_ANY', 'REGISTRY_ONLY'] as const),
      pathNormalization: random.pick(PATH_NORMALIZATIONS),
      dnsCapture: random.chance(0.5),
      trustDomain: random.pick(['cluster.local', 'corp.example']),
      scopeGatewayToNamespace: random.chance(0.2),
    },
    gateways: gateways
      .filter(() => random.chance(0.8))
      .map((gateway) => ({
        ...gateway,
        labels: random.chance(0.8) ? gateway.labels : { istio: 'other' },
        serviceAccount: random.chance(0.8) ? gateway.serviceAccount : 'other',
        targetPort: random.pick([443, 8443]),
      })),
    callers: callers.map((caller) => ({ ...caller, labels: { app: random.chance(0.7) ? caller.name : 'other' } })),
  };
}

function withAges(objects: readonly WorldObject[], random: Random): WorldObject[] {
  const dates = random.shuffled(objects.map((_, second) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString()));
  return objects.map((object, index) => ({
    ...object,
    metadata: { ...object.metadata, creationTimestamp: dates[index] },
  }));
}

/** Whether it is the same yes, or the host itself is in the way. */
function isSameYes(yes: Answer, then: Answer): boolean {
  return [then, ...then.alternatives.map((one) => one.answer)].every(
    ({ outcome, reason, via, tlsOriginatedBy, plaintextToHost, insteadOf }) =>
      outcome === 'undetermined' ||
      OF_THE_HOST.test(reason) ||
      (outcome === 'answered' &&
        insteadOf === undefined &&
        via === yes.via &&
        tlsOriginatedBy === yes.tlsOriginatedBy &&
        plaintextToHost === yes.plaintextToHost),
  );
}

function falseYes(world: World, random: Random): string[] {
  const table = tableOf(world.mesh);
  return folders(world)
    .filter(({ name }) => [NOTHING_ELSE, WITH_GATEWAY, EXPORT].includes(name))
    .filter(({ name }) => name !== WITH_GATEWAY || !lacksHop(world.objects))
    .flatMap((folder) => {
      const ask = askerOf(folder, table);
      const plain = world.requests
        .map((request): [Request, Answer] => [request, ask(request)])
        .filter(([, answer]) => isPlainYes(answer));
      if (plain.length === 0) return [];
      const objects = folder.name === NOTHING_ELSE ? withAges(world.objects, random) : world.objects;
      const completed = around(world, folder.name, random);
      const whole = modelOf(objects, completed);
      return plain.flatMap(([request, yes]) => {
        const then = whole(request);
        if (isSameYes(yes, then)) return [];
        return `world ${world.name}, ${folder.name}: ${JSON.stringify(request)}\n  ${yes.reason}\n  but ${then.reason}\n  with ${JSON.stringify(completed)}`;
      });
    });
}

test('a plain yes is a yes however what the folder does not say may be', () => {
  const cases = fc.noShrink(fc.tuple(fc.nat({ max: 1_000_000 }), fc.nat()));
  fc.assert(
    fc.property(cases, ([name, seed]) => expect(falseYes(generateWorld(name), new Random(seed))).toEqual([])),
    fc.cases(300),
  );
});
