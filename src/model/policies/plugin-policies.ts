import { Answer } from '../answer/answer';
import { Condition } from '../answer/conditions';
import { Registry } from '../registry/registry';
import { placeOfPluginPolicy } from '../../manifests/plugin-policies';

/** What must be so where policies of a network plug-in, which the model does not read, may refuse a connection. */
export function unlessPluginRefuses({ index, world }: Registry, caller: string, answer: Answer): Condition | undefined {
  if (world.openNetwork || answer.outcome !== 'answered') return undefined;
  const namespaces = [caller, ...(answer.gateway === undefined ? [] : [answer.gateway.split('/')[0]])];
  const mayRefuse = index.kinds.flat().filter(({ manifest, kind, namespace }) => {
    const place = placeOfPluginPolicy(manifest.apiVersion, kind);
    return place === 'cluster' || (place === 'namespace' && namespaces.includes(namespace));
  });
  if (mayRefuse.length === 0) return undefined;
  const [{ kind, name }, ...others] = mayRefuse;
  return {
    holds: `${kind} ${name}${others.length > 0 ? ` and ${others.length} other policies` : ''} of the network let the connections through`,
    say: '--assume network=open (openNetwork in a test)',
  };
}
