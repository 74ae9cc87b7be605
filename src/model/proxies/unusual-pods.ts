import { fieldRef } from '../answer/field-ref';
import { Undetermined } from '../answer/undetermined';
import { podField, PodFacts } from '../objects/injection';
import { isForeign, ProxyConfig, unknownFields, unreadableFields, unreadableVariables } from '../objects/proxy-config';
import { unknownVariables, VARIABLES_READ } from '../objects/proxy-variables';
import {
  BOOTSTRAP_OVERRIDE,
  DATAPLANE_MODE,
  INJECTION_TEMPLATES,
  injectionTemplates,
  INTERCEPTION_MODE,
  PROXY_CONFIG,
  PROXY_CONTAINER,
  PROXY_UID,
} from '../../istio/injection';
import { PodTemplateSpec, podTemplateOf, podTemplatePath } from '../../istio/pod-templates';
import { pathOf } from '../../manifests/field-path';
import { ManifestIndex } from '../../manifests/manifest-index';
import { listOf } from '../../values/list-of';

/** How the capture of a sidecar works; in the configuration also by number. */
const CAPTURES: readonly unknown[] = [undefined, null, 'REDIRECT', 'TPROXY', 0, 1];

/** Annotations with which the sidecar is configured by something else than the mesh. */
const OTHERWISE = ['sidecar.istio.io/discoveryAddress', BOOTSTRAP_OVERRIDE];

/**
 * Why it is unknown what a pod does with its traffic, if it is: the pod is in ambient mode, or has a sidecar and takes
 * its traffic away from it in a way that the model does not follow.
 */
export function unusualPod(
  index: ManifestIndex,
  pod: PodFacts,
  hasSidecar: boolean,
  config: ProxyConfig | undefined,
): Undetermined | undefined {
  const template = pod.template && podTemplateOf(pod.template.manifest);
  return inAmbientMode(index, pod, template) ?? (hasSidecar ? withOtherCapture(pod, template, config) : undefined);
}

/** The label of the pod counts before that of its Namespace. */
function inAmbientMode(
  index: ManifestIndex,
  pod: PodFacts,
  template: PodTemplateSpec | undefined,
): Undetermined | undefined {
  const namespace = index.namespace(pod.namespace);
  const own = pod.labels[DATAPLANE_MODE];
  const mode = own ?? namespace?.manifest.metadata.labels?.[DATAPLANE_MODE];
  if (mode !== 'ambient' || template?.spec?.hostNetwork) return undefined;
  return own === undefined
    ? new Undetermined(`namespace ${pod.namespace} is in ambient mode, which the model does not support`, [
        fieldRef(namespace!, `metadata.labels["${DATAPLANE_MODE}"]`),
      ])
    : new Undetermined('the pod is in ambient mode, which the model does not support', [
        podField(pod, 'metadata', 'labels', DATAPLANE_MODE),
      ]);
}

function withOtherCapture(
  pod: PodFacts,
  template: PodTemplateSpec | undefined,
  config: ProxyConfig | undefined,
): Undetermined | undefined {
  const { annotations } = pod;
  const annotated = (name: string, reason: string) =>
    new Undetermined(reason, [podField(pod, 'metadata', 'annotations', name)]);
  const templates = injectionTemplates(annotations);
  const other = templates.find((name) => name !== '' && name !== 'sidecar');
  if (other !== undefined)
    return annotated(INJECTION_TEMPLATES, `the model does not know what the injection template ${other} does`);
  const otherwise = OTHERWISE.find((name) => annotations[name] !== undefined);
  if (otherwise !== undefined)
    return annotated(otherwise, 'the sidecar is not configured by the istiod of the mesh, or not by it alone');
  if (config === undefined) return annotated(PROXY_CONFIG, 'the configuration of the proxy is not valid YAML');
  const mode = annotations[INTERCEPTION_MODE] ?? config.interceptionMode;
  if (!CAPTURES.includes(mode))
    return annotated(
      annotations[INTERCEPTION_MODE] === undefined ? PROXY_CONFIG : INTERCEPTION_MODE,
      `the pod has interceptionMode ${mode}: whatever it does not send to its sidecar itself goes past it`,
    );
  const [unreadable] = [
    ...unreadableVariables(config).map((name) => `${name} is no text`),
    ...unreadableFields(config).map((name) => `${name} is not of its type`),
  ];
  if (unreadable !== undefined)
    return annotated(PROXY_CONFIG, `${unreadable}, with which the sidecar of the pod does not start`);
  if (isForeign(config))
    return annotated(PROXY_CONFIG, 'the sidecar is not configured as the istiod of the mesh configures sidecars');
  return asProxyUser(pod, template) ?? withOwnVariables(pod, template, config);
}

/** What the model reads of the configuration in the annotations. In the container it is not known to the capture. */
const KNOWN = { configured: VARIABLES_READ, contained: [] };

function withOwnVariables(
  pod: PodFacts,
  template: PodTemplateSpec | undefined,
  config: ProxyConfig,
): Undetermined | undefined {
  const [unknown] = [
    ...unknownFields(config, false).map((name) => ({ name, container: undefined })),
    ...unknownVariables(template, config, KNOWN),
  ];
  if (!unknown) return undefined;
  const { name, container } = unknown;
  const where = container ? podField(pod, ...container) : podField(pod, 'metadata', 'annotations', PROXY_CONFIG);
  return new Undetermined(`the model does not know what ${name} does in the sidecar of the pod`, [where]);
}

/** Capture leaves out whatever runs as the user or the group of the sidecar. */
function asProxyUser({ template: object }: PodFacts, template: PodTemplateSpec | undefined): Undetermined | undefined {
  const { securityContext, containers } = template?.spec ?? {};
  for (const own of listOf(containers)) {
    if (own?.name === PROXY_CONTAINER) continue;
    for (const field of ['runAsUser', 'runAsGroup'] as const)
      if ((own?.securityContext?.[field] ?? securityContext?.[field]) === PROXY_UID)
        return new Undetermined(
          `container ${own?.name} runs as ${PROXY_UID}, like the sidecar, so its traffic goes past it`,
          [fieldRef(object!, pathOf([...podTemplatePath(object!.manifest)!, 'spec']))],
        );
  }
  return undefined;
}
