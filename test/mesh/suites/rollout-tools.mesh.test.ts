/**
 * The order in which GitOps tools apply and remove the objects, as their sources say it. Within a wave, and wherever a
 * tool promises no order, two orders stand for all: one and its reverse. What must never happen (`look`) happens at no
 * step; whether an allowed caller is answered throughout is what the page about the tools says.
 */
import { idOf, KubeObject } from '../lab';
import { ENTRY, gatewayEgress, look, Look, sidecarEgress, table } from '../rollout';
import { describeMesh } from '../support';

const waveOf = ({ metadata }: KubeObject) => Number(metadata.annotations!['argocd.argoproj.io/sync-wave']);
const byName = (a: KubeObject, b: KubeObject) => (a.metadata.name < b.metadata.name ? -1 : 1);
/** Helm and Flux: kinds that they do not know, by name of the kind. Kinds of Kubernetes come first. */
const byKind = (a: KubeObject, b: KubeObject) => {
  const rank = ({ apiVersion, kind }: KubeObject) => `${apiVersion.includes('istio.io') ? 1 : 0} ${kind}`;
  return rank(a) === rank(b) ? byName(a, b) : rank(a) < rank(b) ? -1 : 1;
};
const sorted = (objects: KubeObject[], order: (a: KubeObject, b: KubeObject) => number) => [...objects].sort(order);
const inWaves = (objects: KubeObject[], within: (a: KubeObject, b: KubeObject) => number) =>
  sorted(objects, (a, b) => waveOf(a) - waveOf(b) || within(a, b));
const reversed = (objects: KubeObject[]) => [...objects].reverse();
/** kubectl apply --prune: namespace by namespace, and there the kinds in the order of the list that docs/gitops.md gives. */
const PRUNED = ['Gateway', 'ServiceEntry', 'VirtualService', 'DestinationRule', 'AuthorizationPolicy'];
const pruned = (objects: KubeObject[], first: string) =>
  sorted(
    objects.filter(({ kind }) => PRUNED.includes(kind)),
    (a, b) =>
      Number(a.metadata.namespace !== first) - Number(b.metadata.namespace !== first) ||
      PRUNED.indexOf(a.kind) - PRUNED.indexOf(b.kind) ||
      byName(a, b),
  );

interface Tool {
  readonly tool: string;
  /** The order in which objects are applied. */
  readonly apply: (objects: KubeObject[]) => KubeObject[];
  /** The order in which they are removed. */
  readonly remove: (objects: KubeObject[]) => KubeObject[];
  /** Whether an allowed caller that reached the host before reaches it at every step, through a gateway too. */
  readonly answered: { readonly applying: boolean; readonly removing: boolean | 'through a gateway' };
}

const TOOLS: Tool[] = [
  {
    tool: "kubectl apply --prune, the callers' namespace first",
    apply: (objects) => objects,
    remove: (objects) => pruned(objects, 'payments'),
    // At a sidecar that originates TLS, one ServiceEntry goes before the route and one after it.
    answered: { applying: true, removing: 'through a gateway' },
  },
  {
    tool: "kubectl apply --prune, the gateway's namespace first",
    apply: (objects) => objects,
    remove: (objects) => pruned(objects, 'egress'),
    answered: { applying: true, removing: false },
  },
  {
    tool: 'Argo CD with waves',
    apply: (objects) => inWaves(objects, byName),
    remove: (objects) => reversed(inWaves(objects, byName)),
    answered: { applying: true, removing: true },
  },
  {
    tool: 'Flux with a Kustomization for each wave; removed in one commit',
    apply: (objects) => inWaves(objects, (a, b) => byName(b, a)),
    remove: (objects) => inWaves(objects, byName),
    answered: { applying: true, removing: false },
  },
  {
    tool: 'Helm, and any tool that sorts by kind',
    apply: (objects) => sorted(objects, byKind),
    remove: (objects) => reversed(sorted(objects, byKind)),
    answered: { applying: false, removing: false },
  },
];

const WORLDS = [
  { world: 'an entry of the namespace, locked mesh', policy: 'REGISTRY_ONLY', before: [ENTRY] },
  { world: 'nothing, open mesh', policy: 'ALLOW_ANY', before: [] },
] as const;

const VIAS = [
  { via: 'GatewayEgress', objects: gatewayEgress({ waves: true }), gateway: true },
  { via: 'SidecarEgress', objects: sidecarEgress({ waves: true }), gateway: false },
];

for (const { world, policy, before } of WORLDS) {
  describeMesh(world, { table: table(policy) }, (mesh) => {
    describe.each(VIAS)('$via', ({ objects, gateway }) => {
      test.each(TOOLS)('$tool', async ({ apply, remove, answered }) => {
        const [applying, removing]: Look[][] = [[], []];
        const see = async (looks: Look[], step: string) => {
          for (const scheme of ['http', 'https'] as const)
            looks.push(await look(mesh, scheme, `${scheme} ${step}`, gateway, true));
        };
        const now: KubeObject[] = [];
        await mesh.apply([]);
        await mesh.apply([...before], 'before');
        for (const object of apply(objects)) {
          now.push(object);
          await mesh.apply(now);
          await see(applying, `with ${idOf(object)}`);
        }
        expect(applying.slice(-2).map(({ named, unnamed }) => [named, unnamed])).toEqual(
          [0, 1].map(() => ['new', gateway ? 'refused' : 'new']),
        );
        for (const object of remove(objects)) {
          now.splice(now.indexOf(object), 1);
          await mesh.apply(now);
          await see(removing, `without ${idOf(object)}`);
        }
        const wrong = [...applying, ...removing].filter(
          ({ unnamed, stranger }) =>
            (gateway && (unnamed === 'new' || stranger === 'new')) ||
            (policy === 'REGISTRY_ONLY' && stranger !== 'refused'),
        );
        expect(wrong).toEqual([]);
        const outage = (looks: Look[]) => looks.filter(({ named }) => named === 'refused').map(({ step }) => step);
        if (answered.applying) expect(outage(applying)).toEqual([]);
        else if (gateway) expect(outage(applying)).not.toEqual([]);
        const partly = answered.removing === 'through a gateway';
        if (partly ? gateway : answered.removing) expect(outage(removing)).toEqual([]);
        else if (partly || gateway) expect(outage(removing)).not.toEqual([]);
      });
    });
  });
}
