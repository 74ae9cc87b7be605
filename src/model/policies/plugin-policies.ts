import { Answer } from '../answer/answer';
import { Condition } from '../answer/conditions';
import { Registry } from '../registry/registry';
import { joinWords, nameOf } from '../../manifests/indexed';

/** The most policies that a condition names. */
const MOST_NAMES = 3;

/** What must be so where policies of a network plug-in, which the model does not read, may refuse a connection. */
export function unlessPluginRefuses({ index, world }: Registry, caller: string, answer: Answer): Condition | undefined {
  // An access table says how everything is around the manifests.
  if (world.openNetwork || world.external !== undefined || answer.outcome !== 'answered') return undefined;
  const namespaces = [caller, ...(answer.gateway === undefined ? [] : [answer.gateway.split('/')[0]])];
  const names = index.pluginPolicies
    .filter(({ place, object }) => place === 'cluster' || namespaces.includes(object.namespace))
    .map(({ place, object }) => (place === 'cluster' ? `${object.kind} ${object.name}` : nameOf(object)));
  if (names.length === 0) return undefined;
  const shown = names.length > MOST_NAMES ? [...names.slice(0, MOST_NAMES), 'others'] : names;
  return {
    holds: `${joinWords(shown)} ${names.length === 1 ? 'lets' : 'let'} the connections through`,
    say: '--assume network=open (openNetwork in a test)',
  };
}
