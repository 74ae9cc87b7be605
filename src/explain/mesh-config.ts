import { parse } from 'yaml';
import { Shape, shapeProblems } from '../access/shape';
import { podTemplateOf } from '../istio/pod-templates';
import { EgressObject, World } from '../model';

/** A mesh configuration that would silently not be what somebody meant. */
export class MeshConfigError extends Error {}

/** What is read of a MeshConfig. Other fields are fine; what looks like one of these is not. */
const READ: Shape = {
  type: 'object',
  properties: {
    outboundTrafficPolicy: {
      oneOf: [
        { enum: ['ALLOW_ANY', 'REGISTRY_ONLY'] },
        { type: 'object', additionalProperties: false, properties: { mode: { enum: ['ALLOW_ANY', 'REGISTRY_ONLY'] } } },
      ],
    },
    rootNamespace: { type: 'string' },
    trustDomain: { type: 'string' },
    defaultConfig: { type: 'object', properties: { proxyMetadata: { type: 'object' } } },
    defaultServiceExportTo: { type: 'array', items: { type: 'string' } },
    defaultVirtualServiceExportTo: { type: 'array', items: { type: 'string' } },
    defaultDestinationRuleExportTo: { type: 'array', items: { type: 'string' } },
  },
};
const NAMES = Object.keys(READ.properties!);

/** The mesh's settings, from a MeshConfig, the ConfigMap that holds one, or Helm values. */
export function meshOf(value: any, where: string): World {
  const mesh =
    typeof value?.data?.mesh === 'string'
      ? parse(value.data.mesh)
      : (value?.meshConfig ?? value?.spec?.meshConfig ?? value?.spec?.values?.meshConfig ?? value);
  if (mesh === null || mesh === undefined) throw new MeshConfigError(`${where}: empty, it holds no mesh configuration`);
  if (mesh.kind !== undefined && mesh.apiVersion !== undefined)
    throw new MeshConfigError(`${where}: ${mesh.kind} holds no mesh configuration`);
  const problems = shapeProblems(mesh, READ);
  for (const name of problems.length > 0 ? [] : Object.keys(mesh)) {
    const meant = NAMES.includes(name)
      ? undefined
      : NAMES.find((known) => distance(name.toLowerCase(), known.toLowerCase()) <= 2);
    if (meant !== undefined) problems.push(`there is no field "${name}"; it is ${meant}`);
  }
  if (problems.length > 0) throw new MeshConfigError(`${where}: ${problems.join('; ')}`);
  const policy = mesh.outboundTrafficPolicy;
  const {
    defaultServiceExportTo: services,
    defaultVirtualServiceExportTo: virtualServices,
    defaultDestinationRuleExportTo: destinationRules,
  } = mesh;
  return {
    mesh: {
      clusterDomain: (value?.spec?.values ?? value)?.global?.proxy?.clusterDomain ?? undefined,
      // Given without a mode, it is the first of the modes.
      outboundTrafficPolicy:
        typeof policy === 'string' ? (policy as 'ALLOW_ANY') : (policy?.mode ?? (policy ? 'REGISTRY_ONLY' : undefined)),
      rootNamespace: mesh.rootNamespace ?? undefined,
      trustDomain: mesh.trustDomain ?? undefined,
      dnsCapture:
        String(mesh.defaultConfig?.proxyMetadata?.ISTIO_META_DNS_CAPTURE ?? mesh.dnsCapture ?? false) === 'true',
    },
    defaultExportTo: {
      ...(services && { services }),
      ...(virtualServices && { virtualServices }),
      ...(destinationRules && { destinationRules }),
    },
  };
}

/**
 * The mesh configuration that is among the manifests, if there is exactly one: the ConfigMap of istiod, whatever its
 * revision.
 */
export function meshAmong(objects: readonly EgressObject[]): { readonly world: World; readonly note?: string } {
  const maps = objects.filter(
    ({ manifest: { apiVersion, kind, metadata, data } }) =>
      apiVersion === 'v1' &&
      kind === 'ConfigMap' &&
      /^istio(-.+)?$/.test(metadata.name) &&
      typeof data?.mesh === 'string',
  );
  const clusterDomain = clusterDomainAmong(objects);
  if (maps.length === 0) return { world: { mesh: { clusterDomain } } };
  const names = maps.map(
    ({ manifest: { metadata }, origin }) => `ConfigMap ${metadata.namespace ?? 'default'}/${metadata.name} (${origin})`,
  );
  if (maps.length > 1)
    return {
      world: { mesh: { clusterDomain } },
      note: `${names.join(' and ')} each configure a mesh: none is used, --mesh says which`,
    };
  const world = meshOf(maps[0].manifest, maps[0].origin);
  return {
    world: { ...world, mesh: { ...world.mesh, clusterDomain } },
    note: `the mesh is configured as ${names[0]} says`,
  };
}

/** The cluster's domain, as istiod's Deployment is told it. */
function clusterDomainAmong(objects: readonly EgressObject[]): string | undefined {
  for (const { manifest } of objects) {
    if (manifest.kind !== 'Deployment' || !/^istiod(-.+)?$/.test(manifest.metadata.name)) continue;
    for (const { args = [] } of podTemplateOf(manifest)?.spec?.containers ?? []) {
      const at = (args as unknown[]).findIndex((arg) => /^--domain(=|$)/.test(String(arg)));
      if (at >= 0) return String(args[at]).split('=')[1] ?? args[at + 1];
    }
  }
  return undefined;
}

/** How many letters are too many, missing or others. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length];
}
