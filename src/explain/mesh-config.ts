import { parse } from 'yaml';
import { MeshSettings, OUTBOUND_MODES, PATH_NORMALIZATIONS } from '../access/access-table';
import { DISCOVERY_SELECTORS, SERVICE_ENTRY_VISIBILITY } from '../access/access-table-schema';
import { Shape, shapeProblems } from '../schema/shape';
import { isTrue } from '../istio/booleans';
import { modeOf } from '../istio/outbound-traffic-policy';
import { podTemplateOf } from '../istio/pod-templates';
import { EgressObject, World } from '../model';
import { KUBERNETES_YAML } from '../reading/kubernetes-yaml';
import { nearest } from '../values/nearest';
import { MAPS, unknownSettings } from './unknown-settings';
import { listOf } from '../values/list-of';

const SCOPE_GATEWAYS = 'PILOT_SCOPE_GATEWAY_TO_NAMESPACE';

/** What installs a mesh: istioctl from an IstioOperator, the operator of Sail from an Istio. */
const INSTALLERS = /^(install\.istio\.io\/\S+ IstioOperator|sailoperator\.io\/\S+ Istio)$/;

/** A mesh configuration that would silently not do what its author meant. */
export class MeshConfigError extends Error {}

/** With the last one, the model does not know what becomes of undeclared traffic. */
const MODES = [...OUTBOUND_MODES, 'ALLOW_ANY_DYNAMIC_DNS'];

const TLS: Shape = {
  type: 'object',
  properties: { mode: { enum: ['DISABLE', 'SIMPLE', 'MUTUAL', 'ISTIO_MUTUAL'] } },
};

/** The fields of a MeshConfig that are read. Others are ignored, unless they look like a misspelt one of these. */
const READ: Shape = {
  type: 'object',
  properties: {
    outboundTrafficPolicy: {
      oneOf: [
        { enum: MODES },
        { type: 'object', additionalProperties: false, properties: { mode: { enum: MODES }, tls: TLS } },
      ],
    },
    rootNamespace: { type: 'string' },
    trustDomain: { type: 'string' },
    trustDomainAliases: { type: 'array', items: { type: 'string' } },
    pathNormalization: {
      type: 'object',
      additionalProperties: false,
      properties: {
        normalization: { enum: ['DEFAULT', ...PATH_NORMALIZATIONS] },
      },
    },
    defaultConfig: { type: 'object', properties: { proxyMetadata: { type: 'object' } } },
    discoverySelectors: DISCOVERY_SELECTORS,
    extensionProviders: { type: 'array', items: { type: 'object', properties: { name: { type: 'string' } } } },
    serviceEntryVisibility: SERVICE_ENTRY_VISIBILITY,
    defaultServiceExportTo: { type: 'array', items: { type: 'string' } },
    defaultVirtualServiceExportTo: { type: 'array', items: { type: 'string' } },
    defaultDestinationRuleExportTo: { type: 'array', items: { type: 'string' } },
  },
};
const NAMES = Object.keys(READ.properties!);

/** What is read of a MeshConfig, once it has the shape. */
interface MeshConfig extends Pick<MeshSettings, 'rootNamespace' | 'trustDomain' | 'trustDomainAliases'> {
  readonly kind?: unknown;
  readonly apiVersion?: unknown;
  readonly outboundTrafficPolicy?: OutboundTrafficPolicy | { readonly mode?: OutboundTrafficPolicy };
  readonly pathNormalization?: { readonly normalization?: MeshSettings['pathNormalization'] | 'DEFAULT' };
  readonly defaultConfig?: {
    readonly proxyMetadata?: { readonly ISTIO_META_DNS_CAPTURE?: unknown; readonly ISTIO_DUAL_STACK?: unknown };
  };
  readonly dnsCapture?: unknown;
  readonly dualStack?: unknown;
  readonly discoverySelectors?: World['discoverySelectors'];
  readonly extensionProviders?: readonly {
    readonly name?: string;
    readonly envoyExtAuthzHttp?: object;
    readonly envoyExtAuthzGrpc?: object;
  }[];
  readonly serviceEntryVisibility?: MeshSettings['serviceEntryVisibility'];
  readonly defaultServiceExportTo?: readonly string[];
  readonly defaultVirtualServiceExportTo?: readonly string[];
  readonly defaultDestinationRuleExportTo?: readonly string[];
}
type OutboundTrafficPolicy = MeshSettings['outboundTrafficPolicy'];

/** Helm values, in which a MeshConfig may be. */
interface Values {
  readonly meshConfig?: MeshConfig;
  readonly global?: { readonly istioNamespace?: string; readonly proxy?: { readonly clusterDomain?: string } };
  readonly pilot?: { readonly env?: Readonly<Record<string, unknown>> };
  /** The same of the chart `istiod`, over which that below `pilot` is laid. */
  readonly env?: Readonly<Record<string, unknown>>;
}

/** The spec of an installer. */
interface Installation extends Values {
  readonly values?: Values;
  readonly namespace?: string;
  readonly components?: { readonly pilot?: { readonly k8s?: { readonly env?: readonly Variable[] } } };
}

/** The configuration of the injector, which the chart writes from Helm values. */
interface Injector {
  readonly policy?: unknown;
  readonly neverInjectSelector?: unknown;
  readonly injectedAnnotations?: unknown;
  readonly defaultTemplates?: readonly unknown[];
}

interface Networks {
  readonly networks?: object;
}

interface Variable {
  readonly name?: string;
  readonly value?: unknown;
}

/** What a mesh configuration says of the world. */
type Settings = World & Required<Pick<World, 'unknownSettings'>>;

/** The mesh's settings, from a MeshConfig, the ConfigMap with one, or Helm values. */
export function meshOf(given: unknown, where: string): Settings {
  const value = given as
    | (MeshConfig &
        Values & {
          readonly data?: { readonly mesh?: unknown; readonly meshNetworks?: string };
          readonly spec?: Installation;
        })
    | null
    | undefined;
  const { spec } = value ?? {};
  if (spec?.meshConfig && spec.values?.meshConfig)
    throw new MeshConfigError(`${where}: spec.meshConfig and spec.values.meshConfig; put all of it into one of them`);
  const written: unknown =
    typeof value?.data?.mesh === 'string'
      ? parsed(value.data.mesh, `${where}: data.mesh`)
      : (value?.meshConfig ?? spec?.meshConfig ?? spec?.values?.meshConfig ?? value);
  const mesh = inCamelCase(written) as MeshConfig | null | undefined;
  const values: Values | undefined = spec?.values ?? value ?? undefined;
  const { networks } = (parsed(value?.data?.meshNetworks ?? '', `${where}: data.meshNetworks`) ?? {}) as Networks;
  const env = { ...values?.env, ...values?.pilot?.env, ...variablesIn(spec?.components?.pilot?.k8s?.env) };
  if (mesh === null || mesh === undefined) throw new MeshConfigError(`${where}: empty, not a mesh configuration`);
  if (mesh.kind !== undefined && mesh.apiVersion !== undefined)
    throw new MeshConfigError(`${where}: a ${mesh.kind} is not a mesh configuration`);
  const problems = shapeProblems(mesh, READ);
  for (const name of problems.length > 0 ? [] : Object.keys(mesh)) {
    const meant = NAMES.includes(name) ? undefined : nearest(name, NAMES);
    if (meant !== undefined) problems.push(`"${name}" is not a field of MeshConfig; write ${meant}`);
  }
  if (problems.length > 0) throw new MeshConfigError(`${where}: ${problems.join('; ')}`);
  const policy = mesh.outboundTrafficPolicy;
  const normalization = mesh.pathNormalization?.normalization;
  const {
    defaultServiceExportTo: services,
    defaultVirtualServiceExportTo: virtualServices,
    defaultDestinationRuleExportTo: destinationRules,
  } = mesh;
  return {
    mesh: {
      clusterDomain: values?.global?.proxy?.clusterDomain ?? undefined,
      outboundTrafficPolicy: typeof policy === 'string' ? policy : (modeOf(policy) ?? 'ALLOW_ANY'),
      rootNamespace: mesh.rootNamespace ?? values?.global?.istioNamespace ?? spec?.namespace ?? undefined,
      trustDomain: mesh.trustDomain ?? undefined,
      trustDomainAliases: mesh.trustDomainAliases ?? undefined,
      pathNormalization: normalization === 'DEFAULT' ? undefined : normalization,
      dnsCapture: isTrue(mesh.defaultConfig?.proxyMetadata?.ISTIO_META_DNS_CAPTURE ?? mesh.dnsCapture),
      dualStack: said(mesh.defaultConfig?.proxyMetadata?.ISTIO_DUAL_STACK ?? mesh.dualStack),
      serviceEntryVisibility: mesh.serviceEntryVisibility ?? undefined,
      scopeGatewayToNamespace: isTrue(env[SCOPE_GATEWAYS]) || undefined,
    },
    unknownSettings: unknownSettings({
      ...values,
      pilot: { env },
      meshConfig: mesh,
      global: { meshNetworks: networks, ...values?.global },
    }),
    authorizers: (mesh.extensionProviders ?? []).flatMap(({ name, envoyExtAuthzHttp, envoyExtAuthzGrpc }) =>
      name !== undefined && (envoyExtAuthzHttp || envoyExtAuthzGrpc) ? [name] : [],
    ),
    ...(mesh.discoverySelectors && { discoverySelectors: mesh.discoverySelectors }),
    defaultExportTo: {
      ...(services && { services }),
      ...(virtualServices && { virtualServices }),
      ...(destinationRules && { destinationRules }),
    },
  };
}

/**
 * The mesh configuration among the manifests, if there is exactly one: the ConfigMap of istiod, of any revision, or what
 * an installer makes it from.
 */
export function meshAmong(objects: readonly EgressObject[]): { readonly world: World; readonly note?: string } {
  const written = objects.filter(
    ({ manifest: { apiVersion, kind, metadata, data } }) =>
      apiVersion === 'v1' &&
      kind === 'ConfigMap' &&
      /^istio(-.+)?$/.test(metadata.name) &&
      typeof data?.mesh === 'string',
  );
  const maps = written.length > 0 ? written : objects.filter(isInstallation);
  const ofIstiod = settingsOfIstiod(objects);
  if (maps.length === 0) return { world: ofIstiod };
  const names = maps.map(
    ({ manifest: { kind, metadata }, origin }) =>
      `${kind} ${metadata.name === undefined ? '' : `${metadata.namespace ?? 'default'}/${metadata.name} `}(${origin})`,
  );
  if (maps.length > 1)
    return {
      world: ofIstiod,
      note: `${names.join(' and ')} both configure a mesh; neither is used, choose one with --mesh`,
    };
  const world = meshOf(maps[0].manifest, maps[0].origin);
  return {
    world: {
      ...world,
      mesh: { ...world.mesh, ...ofIstiod.mesh },
      unknownSettings: [...new Set([...world.unknownSettings, ...ofIstiod.unknownSettings])],
    },
    note: `the mesh configuration is that of ${names[0]}`,
  };
}

/** Whether a mesh is installed with a configuration that is in one place. */
function isInstallation({ manifest: { apiVersion, kind, spec } }: EgressObject): boolean {
  const { meshConfig, values } = (spec ?? {}) as Installation;
  return INSTALLERS.test(`${apiVersion} ${kind}`) && Boolean(meshConfig) !== Boolean(values?.meshConfig);
}

/** Environment variables, as pods and installers have them. */
function variablesIn(env: unknown): Record<string, unknown> {
  return Object.fromEntries(listOf(env as readonly Variable[]).map((one) => [one?.name ?? '', one?.value]));
}

/** A message with the names that its fields have in JSON: istiod takes those of protobuf (`access_log_file`) as well. */
function inCamelCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inCamelCase);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).sort(([one], [other]) => +other.includes('_') - +one.includes('_'));
  return Object.fromEntries(
    fields.map(([name, one]) => {
      const to = name.replace(/(?<!^default(?=_config$))_([a-z\d])/gi, (_, next) => next.toUpperCase());
      return [to, MAPS.test(to) ? one : inCamelCase(one)];
    }),
  );
}

/** The YAML in a field of a ConfigMap. */
function parsed(text: string, where: string): object | null {
  try {
    return parse(text, KUBERNETES_YAML);
  } catch (error) {
    throw new MeshConfigError(`${where}: invalid YAML, ${(error as Error).message.split('\n')[0]}`);
  }
}

/**
 * What istiods are told by their Deployments, and injectors by their values, not by the mesh configuration: of several
 * revisions, what any of them is told.
 */
function settingsOfIstiod(objects: readonly EgressObject[]): Settings {
  let clusterDomain: string | undefined;
  let scopesGateways = false;
  const unknown: string[] = [];
  for (const { manifest, origin } of objects) {
    const { kind, metadata, data } = manifest;
    if (kind === 'ConfigMap' && /^istio-sidecar-injector(-.+)?$/.test(metadata.name)) {
      const read = (name: string) =>
        typeof data?.[name] === 'string' ? (parsed(data[name], `${origin}: data.${name}`) ?? {}) : {};
      const { policy, neverInjectSelector, injectedAnnotations, defaultTemplates } = read('config') as Injector;
      const own = listOf(defaultTemplates).join() === 'sidecar' ? [] : defaultTemplates;
      unknown.push(
        ...unknownSettings(read('values')),
        ...unknownSettings({
          global: { proxy: { autoInject: policy } },
          sidecarInjectorWebhook: { neverInjectSelector, injectedAnnotations, defaultTemplates: own },
        }),
      );
    }
    if (kind !== 'Deployment' || !/^istiod(-.+)?$/.test(metadata.name)) continue;
    const told: Record<string, unknown> = {};
    for (const own of listOf(podTemplateOf(manifest)?.spec?.containers)) {
      const args = listOf(own?.args);
      const at = args.findIndex((arg) => /^--domain(=|$)/.test(String(arg)));
      if (at >= 0) clusterDomain ??= String(args[at]).split('=')[1] ?? (args[at + 1] as string | undefined);
      Object.assign(told, variablesIn(own?.env));
    }
    scopesGateways ||= isTrue(told[SCOPE_GATEWAYS]);
    unknown.push(...unknownSettings({ pilot: { env: told } }));
  }
  return {
    mesh: {
      ...(clusterDomain !== undefined && { clusterDomain }),
      ...(scopesGateways && { scopeGatewayToNamespace: true }),
    },
    unknownSettings: [...new Set(unknown)],
  };
}

/** A setting, where it is written at all. */
function said(value: unknown): boolean | undefined {
  return value === undefined || value === null ? undefined : isTrue(value);
}
