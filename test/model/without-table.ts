/**
 * A second way of asking about generated worlds: as users do, without an access table. What the answer takes for
 * granted must be its condition, so a plain yes must be one in the whole world too.
 */
import { modelOf } from './compare';
import { MeshAnswer, RecordedWorld } from './worlds/recorded';
import { ADDRESS, tableOf } from './worlds/table';
import { Request, WorldObject } from './worlds/world';
import { AccessRow, AccessTable, MeshSettings } from '../../src/access/access-table';
import { isPlainYes } from '../../src/explain/as-wanted';
import { meshAmong } from '../../src/explain/mesh-config';
import { Manifest } from '../../src/manifests/egress-object';
import { Answer, EgressModel, EgressObject, World } from '../../src/model';
import { podPorts } from '../../src/model/objects/gateways/standard';
import { labelsOf } from '../../src/model/requests/request';

/** What a user has of a world. */
export interface Folder {
  readonly name: string;
  readonly objects: readonly EgressObject[];
  readonly world: World;
  /** What is said on the command line about the caller. */
  readonly labels: boolean;
}

const documents = (objects: readonly object[]): EgressObject[] =>
  objects.map((manifest, index) => ({ manifest: manifest as Manifest, origin: `document ${index + 1}` }));

/** The same objects, the dates of some of which are missing: a new `dist/` beside the export of a cluster. */
function partlyUndated(objects: readonly WorldObject[], seed: number): WorldObject[] {
  return objects.map((object, index) => {
    if ((seed + index) % 3 !== 0) return object;
    const { creationTimestamp: _date, ...metadata } = object.metadata;
    return { ...object, metadata };
  });
}

const istiod = ({ clusterDomain = 'cluster.local', scopeGatewayToNamespace }: MeshSettings) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'istiod', namespace: 'istio-system' },
  spec: {
    template: {
      spec: {
        containers: [
          {
            name: 'discovery',
            args: ['--domain', clusterDomain],
            env: [{ name: 'PILOT_SCOPE_GATEWAY_TO_NAMESPACE', value: String(scopeGatewayToNamespace ?? false) }],
          },
        ],
      },
    },
  },
});

/** What a cluster's export holds of the installation: the gateways, the callers, and the mesh configuration. */
function platform({ gateways = [], callers, mesh = {} }: AccessTable): object[] {
  const kinds = { apps: 'apps/v1', rbac: 'rbac.authorization.k8s.io/v1' };
  const deployment = (
    name: string,
    namespace: string,
    labels: object,
    serviceAccountName: string,
    annotations?: object,
  ): object => ({
    apiVersion: kinds.apps,
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: {
      template: { metadata: { labels, annotations }, spec: { serviceAccountName, containers: [{ name: 'main' }] } },
    },
  });
  return [
    ...gateways.flatMap(({ name = '', namespace, labels, serviceAccount, targetPort }) => [
      deployment(name, namespace, labels, serviceAccount, { 'inject.istio.io/templates': 'gateway' }),
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: serviceAccount, namespace } },
      {
        apiVersion: kinds.rbac,
        kind: 'Role',
        metadata: { name: serviceAccount, namespace },
        rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['get', 'watch', 'list'] }],
      },
      {
        apiVersion: kinds.rbac,
        kind: 'RoleBinding',
        metadata: { name: serviceAccount, namespace },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: serviceAccount },
        subjects: [{ kind: 'ServiceAccount', name: serviceAccount }],
      },
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name, namespace },
        spec: {
          selector: labels,
          ports: [
            { name: 'http2', port: 80, targetPort: podPorts(targetPort)[80] },
            { name: 'https', port: 443, targetPort },
          ],
        },
      },
    ]),
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'istio-ingressgateway', namespace: 'istio-system' },
      spec: { selector: { istio: 'ingressgateway' }, ports: [{ name: 'http2', port: 80, targetPort: 8080 }] },
    },
    ...callers.map(({ name, namespace, serviceAccount, labels = { app: name } }) =>
      deployment(name, namespace, labels, serviceAccount),
    ),
    ...(mesh.clusterDomain || mesh.scopeGatewayToNamespace ? [istiod(mesh)] : []),
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'istio', namespace: 'istio-system' },
      data: {
        mesh: JSON.stringify({
          outboundTrafficPolicy: { mode: mesh.outboundTrafficPolicy },
          trustDomain: mesh.trustDomain,
          trustDomainAliases: mesh.trustDomainAliases,
          rootNamespace: mesh.rootNamespace,
          serviceEntryVisibility: mesh.serviceEntryVisibility,
          ...(mesh.pathNormalization && { pathNormalization: { normalization: mesh.pathNormalization } }),
          defaultConfig: {
            proxyMetadata: {
              ...(mesh.dnsCapture && { ISTIO_META_DNS_CAPTURE: 'true' }),
              ...(mesh.dualStack && { ISTIO_DUAL_STACK: 'true' }),
            },
          },
        }),
      },
    },
  ];
}

/** The manifests of a world in the ways in which people have them. */
export function folders({ name, mesh, objects }: Pick<RecordedWorld, 'name' | 'mesh' | 'objects'>): Folder[] {
  const table = tableOf(mesh);
  const seed = Number(name);
  const undated = objects.map(({ metadata: { creationTimestamp: _date, ...metadata }, ...rest }) => ({
    ...rest,
    metadata,
  }));
  const exported = documents([...objects, ...platform(table)]);
  const partly = documents([...partlyUndated(objects, seed), ...platform(table)]);
  return [
    { name: 'nothing but the manifests', objects: documents(undated), world: {}, labels: false },
    {
      name: 'the manifests, with --gateway and --mesh',
      objects: documents(objects),
      world: {
        mesh,
        knownGateways: (table.gateways ?? []).map(({ name: gateway = '', namespace, targetPort }) => ({
          name: gateway,
          namespace,
          targetPort,
        })),
      },
      labels: true,
    },
    { name: 'the export of a cluster', objects: exported, world: meshAmong(exported).world, labels: true },
    {
      name: 'the export, with --assume credentials=good and addresses=declared',
      objects: exported,
      world: { ...meshAmong(exported).world, goodCredentials: true, declaredAddresses: true },
      labels: true,
    },
    { name: 'an export beside a new folder', objects: partly, world: meshAmong(partly).world, labels: true },
  ];
}

/** The model of a folder, for requests as in an access table. */
export function askerOf({ objects, world, labels }: Folder, table: AccessTable): (request: Request) => Answer {
  const model = EgressModel.of(objects, world);
  return ({ from, request, ...rest }) => {
    const { name, namespace, serviceAccount } = table.callers.find((one) => one.name === from)!;
    return model.ask(
      { namespace, serviceAccount, ...(labels && { labels: { app: name } }) },
      { url: request, ...rest },
    );
  };
}

/**
 * The model of an example as its reader asks: the manifests, with the mesh configuration, and `--gateway` for gateways
 * that are not among them.
 *
 * @param assumed what `--assume` says besides
 */
export function exampleAsker(objects: EgressObject[], table: AccessTable, assumed: World = {}) {
  const knownGateways = (table.gateways ?? []).flatMap((gateway) =>
    gateway.labels.app === undefined && gateway.name === undefined
      ? []
      : [{ ...gateway, name: gateway.name ?? gateway.labels.app }],
  );
  const { world } = meshAmong(objects);
  const model = EgressModel.of(objects, {
    ...world,
    ...assumed,
    mesh: { ...world.mesh, ...table.mesh, outboundTrafficPolicy: table.mesh?.outboundTrafficPolicy ?? 'ALLOW_ANY' },
    knownGateways,
  });
  return ({ from, request, expect: _expected, ...rest }: AccessRow, dial?: string): Answer => {
    const caller = table.callers.find((one) => one.name === from)!;
    const { namespace, serviceAccount, dnsCapture = false } = caller;
    // The pod template of the caller says whether its sidecar answers DNS.
    return model.ask(
      { namespace, serviceAccount, labels: labelsOf(caller), dnsCapture },
      { ...(dial && { dial }), ...rest, url: request.split('?')[0] },
    );
  };
}

export interface FalseYes {
  readonly world: string;
  readonly folder: string;
  readonly request: Request;
  readonly answer: Answer;
  readonly mesh: MeshAnswer;
}

export interface Usefulness {
  asked: number;
  determined: number;
  yes: number;
  /** Why answers are not determined, and how often. */
  readonly reasons: Map<string, number>;
}

export interface Tallied {
  readonly falseYes: FalseYes[];
  readonly byFolder: Map<string, Usefulness>;
}

export const newTallied = (): Tallied => ({ falseYes: [], byFolder: new Map() });

/** Puts the requests of a world to the model in every way, and compares each plain yes with the mesh. */
export function tallyWithoutTable(total: Tallied, world: RecordedWorld): void {
  if (world.refused) return;
  const table = tableOf(world.mesh);
  const whole = modelOf(world.objects, table);
  for (const folder of folders(world)) {
    const ask = askerOf(folder, table);
    let counted = total.byFolder.get(folder.name);
    // Another Service of a gateway can lead to other ports of its pods; and a gateway that is said to be there has its
    // hop Service.
    if (folder.world.knownGateways && (world.objects.some(isServiceOfGateway) || lacksHop(world.objects))) continue;
    if (!counted) total.byFolder.set(folder.name, (counted = { asked: 0, determined: 0, yes: 0, reasons: new Map() }));
    for (const { request, answer: mesh } of world.answers) {
      const answer = ask(request);
      counted.asked++;
      if (answer.outcome !== 'undetermined' && answer.condition === undefined) counted.determined++;
      else {
        const reason = kindOfReason(answer.condition?.holds ?? answer.reason);
        counted.reasons.set(reason, (counted.reasons.get(reason) ?? 0) + 1);
      }
      if (!isPlainYes(answer)) continue;
      counted.yes++;
      // What is said there need not be true in a generated world.
      if (folder.world.declaredAddresses) continue;
      if (!isYes(answer, mesh) && !OF_THE_HOST.test(whole(request).reason))
        total.falseYes.push({ world: world.name, folder: folder.name, request, answer, mesh });
    }
  }
}

function isServiceOfGateway({ kind, metadata }: WorldObject): boolean {
  return kind === 'Service' && ['egress', 'edge'].includes(metadata.namespace);
}

/** Whether routes lead to a hop Service that is nowhere. */
export function lacksHop(objects: readonly WorldObject[]): boolean {
  const isHop = ({ kind, metadata }: WorldObject) => kind === 'Service' && metadata.name.endsWith('-hop');
  return /-hop\.[a-z]+\.svc/.test(JSON.stringify(objects)) && !objects.some(isHop);
}

/** Whether the mesh says the same yes: answered, on this egress path, by the host that was asked for. */
function isYes(answer: Answer, mesh: MeshAnswer): boolean {
  return (
    mesh.outcome === 'answered' &&
    mesh.via === answer.via &&
    mesh.tlsOriginatedBy === answer.tlsOriginatedBy &&
    mesh.plaintextToHost === answer.plaintextToHost &&
    (mesh.answeredBy === undefined ||
      [mesh.answeredBy, ADDRESS[mesh.answeredBy]].includes(answer.answeredBy!) ||
      answer.via === 'undeclared')
  );
}

/** Only that the host answers, with a good certificate, may be taken for granted. */
export const OF_THE_HOST = new RegExp(
  [
    'nothing listens on',
    'the host takes',
    'has no address',
    'cannot be resolved',
    'rejects the certificate',
    "the host's certificate",
    'requires a client certificate and the application presents none',
    'expects (TLS|plaintext|HTTP)',
    'does not speak TLS',
    '^301 ',
  ].join('|'),
);

export function falseYesText({ world, folder, request, answer, mesh }: FalseYes): string {
  return (
    `world ${world}, ${folder}: ${JSON.stringify(request)}\n  model: ${answer.reason}\n  mesh: ${JSON.stringify(mesh)}\n` +
    `  assumed: ${answer.assumptions.join('; ')}`
  );
}

/** A reason without names, to count its kind. */
export function kindOfReason(reason: string): string {
  return reason
    .replace(/[a-z0-9-]+(\.[a-z0-9-]+)+(:\d+)?/g, '…')
    .replace(/(^|\s)[a-z0-9-]+\/[a-z0-9.-]+/g, '$1…')
    .replace(/\d+/g, '…')
    .slice(0, 110);
}
