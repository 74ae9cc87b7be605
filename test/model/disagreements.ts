import { stringify } from 'yaml';
import { differences, modelOf } from './compare';
import { Answered, RecordedWorld } from './worlds/recorded';
import { tableOf } from './worlds/table';
import { Answer } from '../../src/model';

/** A request for which the model and the mesh give different answers. */
export interface Disagreement {
  readonly world: RecordedWorld;
  readonly asked: Answered;
  readonly answer: Answer;
  readonly differs: string[];
}

export interface Tally {
  worlds: number;
  compared: number;
  /** How many of those compared the external host answered. */
  answered: number;
  undetermined: number;
  readonly disagreements: Disagreement[];
}

/** Compares the model with the mesh's answers in a world. A world that the mesh rejected has none. */
export function tally(total: Tally, world: RecordedWorld): void {
  total.worlds++;
  if (world.refused) return;
  const ask = modelOf(world.objects, tableOf(world.mesh));
  for (const asked of world.answers) {
    const answer = ask(asked.request);
    total.compared++;
    if (asked.answer.outcome === 'answered') total.answered++;
    if (answer.outcome === 'undetermined') total.undetermined++;
    const differs = differences(answer, asked.answer);
    if (differs.length > 0) total.disagreements.push({ world, asked, answer, differs });
  }
}

/** Both answers side by side, with the objects of the world. */
export function report({ world, asked, answer, differs }: Disagreement): string {
  const { from, request, ...rest } = asked.request;
  return [
    `world ${world.name} (${world.mesh.outboundTrafficPolicy}): ${from} ${request} ` +
      `${Object.keys(rest).length > 0 ? JSON.stringify(rest) : ''}`,
    ...differs.map((line) => `  ${line}`),
    `  mesh:  ${JSON.stringify(asked.answer)}`,
    `  model: ${answer.reason}`,
    ...answer.steps.map(
      (step) =>
        `    ${step.hop}: ${step.text} ` +
        `[${step.decidedBy.map((one) => `${one.kind} ${one.namespace}/${one.name} ${one.field ?? ''}`).join('; ')}]`,
    ),
    ...world.objects.map(
      (object) =>
        `  ---\n${stringify(object, { lineWidth: 0 })
          .trimEnd()
          .split('\n')
          .map((line) => `  ${line}`)
          .join('\n')}`,
    ),
  ].join('\n');
}
