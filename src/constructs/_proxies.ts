import { Construct } from 'constructs';
import { gateway, METADATA, readNamespace } from './_readers';
import { ProxySelection } from './proxy-selection';
import { GatewayInstallation } from '../values/gateway-installation';
import { Problems } from '../values/problems';
import { Checked, namespaceName, Readers } from '../values/readers';

/** Readers for a selection of proxies. */
export const PROXIES: Readers<ProxySelection> = { namespace: namespaceName, gateway, ...METADATA };

/** The namespace of the proxies, and the gateway if they are its pods. */
export function readProxies(
  scope: Construct,
  checked: Checked<ProxySelection>,
  problems: Problems,
): { readonly namespace: string | undefined; readonly installation: GatewayInstallation | undefined } {
  const installation = checked.gateway?.installation;
  const cure = 'give `namespace` here or to the chart';
  const namespace =
    installation?.namespace ??
    (problems.has('gateway') ? undefined : readNamespace(scope, checked.namespace, cure, problems));
  if (installation && checked.namespace !== undefined && checked.namespace !== namespace)
    problems.add(
      `namespace: "${checked.namespace}" is not that of \`gateway\`, whose pods are in "${namespace}"; keep one of the ` +
        'two',
    );
  return { namespace, installation };
}
