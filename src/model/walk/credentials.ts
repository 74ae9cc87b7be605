import { TableConfigMap, TableSecret } from '../../access/access-table';
import { credentialPlace } from '../../istio/credentials';
import { Condition, SAY_CREDENTIALS, together } from '../answer/conditions';
import { Registry } from '../registry/registry';
import { joinWords } from '../../manifests/indexed';
import { DeclaredSecret, isMade, textOfSecret } from '../../manifests/declared-secrets';
import { lackingKeys } from '../../manifests/secret-keys';
import { installs, mayListSecrets } from '../registry/secret-readers';
import { Layer } from './flow';

/** Why istiod does not give the proxy the Secret with its key; certificates of authorities it gives to everybody. */
export function unreadableSecret(registry: Registry, layer: Layer, conditions: Condition[]): string | undefined {
  const { namespace, serviceAccount, by } = layer;
  if (credentialPlace(layer.settings!.value.credentialName!, namespace!).kind === 'ConfigMap') return undefined;
  const account = `service account ${namespace}/${serviceAccount ?? '(unknown)'}`;
  const isInstalled = serviceAccount !== undefined && installs(registry, namespace!, serviceAccount);
  if (by === 'gateway' && !isInstalled) {
    // Istio's charts let gateways list the Secrets of their namespace, and so does the world of an access table.
    const isSaid = registry.world.knownGateways?.some((one) => one.namespace === namespace);
    if (registry.world.external === undefined && !isSaid)
      requireCredential(registry, conditions, `the gateway may list the Secrets of namespace ${namespace}`);
    return undefined;
  }
  const may = mayListSecrets(registry, namespace!, serviceAccount!);
  if (may) return undefined;
  if (may === undefined) {
    if (!registry.world.goodCredentials)
      conditions.push({
        holds: `${account} may list the Secrets of its namespace`,
        say: `add the Role and RoleBinding of ${account}`,
      });
    return undefined;
  }
  return `${account} may not list the Secrets of its namespace, so its proxy does not receive the credential`;
}

export interface Credential {
  readonly holds?: string;
  readonly commonName?: string;
  /** Why it cannot be used, on a condition. */
  readonly lacking?: string;
  readonly condition?: Condition;
}

/** The Secret or ConfigMap that the settings name; why it cannot be used, as text; undefined if they name none. */
export function credentialOf(
  registry: Registry,
  layer: Layer,
  conditions: Condition[],
): Credential | string | undefined {
  const tls = layer.settings!.value;
  if (!tls.credentialName) return undefined;
  const { kind, namespace, name } = credentialPlace(tls.credentialName, layer.namespace!);
  const isConfigMap = kind === 'ConfigMap';
  const { world } = registry;
  const listed = isConfigMap ? world.configMaps : world.secrets;
  if (!isConfigMap && namespace !== layer.namespace)
    return `Secret ${namespace}/${name} is not in the namespace of the proxy, which therefore never receives it`;
  // Where only authorities are needed, Istio prefers the Secret with this suffix.
  const names = isConfigMap || tls.mode === 'MUTUAL' ? [name] : [`${name}-cacert`, name];
  const among = <T extends { readonly name: string; readonly namespace: string }>(all: readonly T[]): T | undefined =>
    names.flatMap((wanted) => all.filter((one) => one.name === wanted && one.namespace === namespace))[0];
  const known = among<TableSecret | TableConfigMap>(listed ?? []);
  if (!known) {
    const declared = isConfigMap ? among(registry.index.inGroup('', kind)) : among(registry.index.secrets);
    if (!declared && listed) return `namespace ${layer.namespace} has no ${kind} ${name}`;
    if (declared && 'keys' in declared) return declaredCredential(registry, layer, name, declared, conditions);
    const text = `${kind} ${namespace}/${name}`;
    requireCredential(registry, conditions, `${text} ${declared ? '' : 'exists and '}holds what the host requires`);
    return {};
  }
  if (tls.mode === 'MUTUAL' && known.holds === 'ca-certificates')
    return `Secret ${namespace}/${name} holds no client certificate`;
  return { holds: known.holds, commonName: 'commonName' in known ? known.commonName : undefined };
}

function declaredCredential(
  registry: Registry,
  layer: Layer,
  name: string,
  secret: DeclaredSecret,
  conditions: Condition[],
): Credential | string {
  const cacert = registry.index.secrets.find(
    (one) => one.name === `${name}-cacert` && one.namespace === secret.namespace,
  );
  const { missing, open } = lackingKeys(secret, cacert, layer.settings!.value);
  if (missing.length === 0) {
    const holds = joinWords([...open, 'what the host requires']);
    requireCredential(registry, conditions, `${textOfSecret(secret)} holds ${holds}`);
    return {};
  }
  const lacking = `${textOfSecret(secret)} has no ${joinWords(missing)}`;
  const provisos: Condition[] = [];
  if (isMade(secret.from))
    provisos.push({
      holds: `nothing else puts ${joinWords(missing)} there`,
      say: 'add what does, if there is something',
    });
  // The CA certificates, and nothing else, may be in another Secret.
  if (missing.join() === 'ca.crt' && secret.name === name)
    provisos.push({
      holds: `there is no Secret ${secret.namespace}/${name}-cacert`,
      say: 'add it, if there is one',
    });
  return provisos.length === 0 ? lacking : { lacking, condition: together(provisos) };
}

export function clientCertificateOf(registry: Registry, layer: Layer): 'good' | 'wrong' | undefined {
  const tls = layer.settings?.value;
  if (tls?.mode !== 'MUTUAL') return undefined;
  const credential = credentialOf(registry, layer, []);
  const holds = typeof credential === 'object' ? credential.holds : undefined;
  return holds === 'wrong-client-certificate' || holds === 'expired-client-certificate' ? 'wrong' : 'good';
}

/** The common name in the client certificate that a proxy presents, where an access table gives it. */
export function clientCommonNameOf(registry: Registry, layer: Layer): string | undefined {
  const credential = layer.settings?.value.mode === 'MUTUAL' ? credentialOf(registry, layer, []) : undefined;
  return typeof credential === 'object' ? credential.commonName : undefined;
}

export function requireCredential({ world }: Registry, conditions: Condition[], holds: string): void {
  if (!world.goodCredentials) conditions.push({ holds, say: SAY_CREDENTIALS });
}
